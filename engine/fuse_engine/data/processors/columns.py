"""Steps that read a class or numbers from the cells of the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import SampleError, nearest, short
from fuse_engine.core.registry import register
from fuse_engine.data.processor import Pipeline, Processor, Value
from fuse_engine.data.source import Row


@register
class Label(Processor):
    """Reads the class of a sample from a column: its position among the classes."""

    column: str = "label"
    """Column that holds the class."""
    classes: list[str] = Field(["0", "1"], min_length=1)
    """What the column may say, in the order of the model's outputs."""

    @field_validator("classes")
    @classmethod
    def _once(cls, classes: list[str]) -> list[str]:
        twice = next((name for name in classes if classes.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"expected every class once, '{twice}' is there twice")
        return classes

    def __call__(self, value: Value | None, row: Row) -> int:
        """Return the position of the cell's text among the classes."""
        text = row.text(self.column)
        if text not in self.classes:
            raise SampleError(
                f"column '{self.column}' holds no known class", sample=row.id,
                expected=f"one of {', '.join(self.classes)}", got=short(text), nearest=nearest(text, self.classes),
            )  # fmt: skip
        return self.classes.index(text)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cell."""
        return {self.column: row.text(self.column)}


@register
class Columns(Processor):
    """Reads numbers from columns into one vector."""

    names: list[str] = Field(["age"], min_length=1)
    """Columns that hold the numbers, in the order of the vector."""
    normalize: bool = False
    """Bring each column to mean 0 and standard deviation 1 over the training samples."""
    mean: list[float] | None = None
    """Mean of each column; measured on the training samples where empty."""
    std: list[float] | None = None
    """Standard deviation of each column; measured on the training samples where empty."""

    @model_validator(mode="after")
    def _complete(self) -> Columns:
        if (self.mean is None) != (self.std is None):
            raise ValueError("expected both mean and std, or neither")
        for numbers in (self.mean, self.std):
            if numbers is not None and len(numbers) != len(self.names):
                raise ValueError(f"expected {len(self.names)} numbers, one for each column, got {len(numbers)}")
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("expected standard deviations above 0")
        return self

    @property
    def unfitted(self) -> bool:
        """Whether mean and deviation have still to be measured."""
        return self.normalize and self.mean is None

    def fit(self, rows: Sequence[Row], before: Pipeline) -> Self:
        """Return the step with the mean and deviation of these rows; a constant column keeps its scale."""
        if not self.unfitted:
            return self
        numbers = np.asarray([self._numbers(row) for row in rows], np.float64).reshape(-1, len(self.names))
        if not len(numbers):
            raise SampleError("there is no training sample to measure the columns on")
        spread = numbers.std(0)
        return self.model_copy(
            update={"mean": numbers.mean(0).tolist(), "std": np.where(spread > 0, spread, 1.0).tolist()}
        )

    def __call__(self, value: Value | None, row: Row) -> NDArray[np.float32]:
        """Return the numbers, (columns,)."""
        numbers = np.asarray(self._numbers(row), np.float64)
        if self.unfitted:
            raise SampleError(
                "mean and std have not been measured", expected="an experiment that was fitted", sample=row.id
            )
        if self.normalize:
            numbers = (numbers - np.asarray(self.mean)) / np.asarray(self.std)
        return numbers.astype(np.float32)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cells."""
        return {name: row.text(name) for name in self.names}

    def _numbers(self, row: Row) -> list[float]:
        return [_number(row, name) for name in self.names]


def _number(row: Row, column: str) -> float:
    text = row.text(column)
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SampleError(
            f"column '{column}' holds no number", sample=row.id, expected="a number such as 63.5", got=short(text)
        )
    return number
