"""Steps that read a class, numbers or text from the cells of the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import SampleError, nearest, short
from fuse_engine.core.random import stream
from fuse_engine.core.registry import register
from fuse_engine.data.processor import Pipeline, Processor, Value
from fuse_engine.data.source import Row

_MISSING = frozenset(("", "-", "?", "na", "n/a", "nan", "nat", "none", "null", "unknown"))
"""What tables say, in any case, where a class or number is missing."""


def once(names: list[str]) -> list[str]:
    """Return names of which each is there once.

    Raises:
        ValueError: naming one that is there twice.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"expected every name once, '{twice}' is there twice")
    return names


@register
class Label(Processor):
    """Reads the class of a sample from a column: its position among the classes."""

    column: str = "label"
    """Column that holds the class."""
    classes: list[str] = Field(["0", "1"], min_length=1)
    """What the column may say, in the order of the model's outputs."""
    missing: int | None = Field(None, lt=0)
    """Number that stands for a missing class, an empty cell or e.g. `na`: -1, where losses and metrics leave it
    out by the same `missing`. Where empty such a sample is refused."""

    _once = field_validator("classes")(once)

    def __call__(self, value: Value | None, row: Row) -> int:
        """Return the position of the cell's text among the classes."""
        text = row.text(self.column)
        if self.missing is not None and text not in self.classes and _is_missing(text):
            return self.missing
        return _position(row, self.column, self.classes)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cell."""
        return {self.column: row.text(self.column)}


@register
class RandomLabel(Processor):
    """Draws a class for each sample, always the same one: what nothing can be learned from, for debugging."""

    classes: int = Field(2, ge=2)
    """Number of classes to draw from, the first being 0."""
    seed: int = Field(0, ge=0)
    """Another number draws other classes."""

    def __call__(self, value: Value | None, row: Row) -> int:
        """Return the class that belongs to the sample's id."""
        return int(stream("random label", self.seed, row.id).integers(self.classes))

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the sample's id."""
        return {"data.id": row.id}


@register
class Text(Processor):
    """Passes on the text of a column as it stands, e.g. a site or a report."""

    column: str = "text"
    """Column that holds the text."""

    def __call__(self, value: Value | None, row: Row) -> str:
        """Return the cell."""
        return row.text(self.column)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cell."""
        return {self.column: row.text(self.column)}


@register
class Number(Processor):
    """Reads one number from a column, e.g. the target of a regression."""

    column: str = "age"
    """Column that holds the number."""
    missing: float | None = None
    """Number that stands for a missing one, an empty cell or e.g. `na`: one that no sample has, such as -1000,
    where losses and metrics leave it out by the same `missing`. Where empty such a sample is refused."""

    def __call__(self, value: Value | None, row: Row) -> float:
        """Return the number."""
        if self.missing is not None and _is_missing(row.text(self.column)):
            return self.missing
        return _number(row, self.column)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cell."""
        return {self.column: row.text(self.column)}


@register
class Columns(Processor):
    """Reads numbers and categories from columns into one vector."""

    names: list[str] = Field(["age"], min_length=1)
    """Columns in the order of the vector."""
    categories: dict[str, list[str]] = Field({})
    """What columns of text may say, e.g. `{sex: [F, M]}`: each takes a place of the vector, 1 where the cell
    says so, else 0."""
    normalize: bool = False
    """Bring each column of numbers to mean 0 and standard deviation 1 over the training samples."""
    missing: Literal["error", "mean", "value"] = "error"
    """What stands for a missing number: nothing, the sample is refused; the mean of the training samples; or
    `value`. A missing category has 0 in all its places."""
    value: float = 0.0
    """What stands for a missing number where `missing` is `value`, before normalization."""
    mean: list[float] | None = None
    """Mean of each column, 0 for categories; measured on the training samples where empty."""
    std: list[float] | None = None
    """Standard deviation of each column, 1 for categories; measured on the training samples where empty."""

    _once = field_validator("names")(once)

    @model_validator(mode="after")
    def _known(self) -> Columns:
        for name, classes in self.categories.items():
            if name not in self.names:
                raise ValueError(f"expected categories of columns in `names`, '{name}' is not among them")
            if not classes:
                raise ValueError(f"expected at least one category of '{name}'")
            once(classes)
        return self

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
        return (self.normalize or self.missing == "mean") and self.mean is None

    def fit(self, rows: Sequence[Row], before: Pipeline) -> Self:
        """Return the step with the mean and deviation of these rows; a constant column keeps its scale.

        Raises:
            SampleError: for a cell that holds no number, and a column that is missing throughout.
        """
        if not self.unfitted:
            return self
        if not rows:
            raise SampleError("there is no training sample to measure the columns on")
        figures = [self._measure(rows, name) for name in self.names]
        return self.model_copy(update={"mean": [mean for mean, _ in figures], "std": [std for _, std in figures]})

    def __call__(self, value: Value | None, row: Row) -> NDArray[np.float32]:
        """Return the numbers: one for each column of numbers, one for each category."""
        if self.unfitted:
            raise SampleError(
                "mean and std have not been measured", expected="an experiment that was fitted", sample=row.id
            )
        parts = [
            self._category(row, name) if name in self.categories else [self._number(row, index)]
            for index, name in enumerate(self.names)
        ]
        return np.asarray([number for part in parts for number in part], np.float32)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cells."""
        return {name: row.text(name) for name in self.names}

    def _measure(self, rows: Sequence[Row], name: str) -> tuple[float, float]:
        if name in self.categories:
            return 0.0, 1.0
        filled = [self._filled(row, name) for row in rows]
        numbers = np.asarray([number for number in filled if number is not None], np.float64)
        if not numbers.size:
            raise SampleError(f"column '{name}' has no number in the training samples")
        return float(numbers.mean()), float(numbers.std()) or 1.0

    def _filled(self, row: Row, name: str) -> float | None:
        """Return the number in a column, `value` where it is missing, or None where the mean stands for it."""
        if self.missing != "error" and _is_missing(row.text(name)):
            return self.value if self.missing == "value" else None
        return _number(row, name)

    def _number(self, row: Row, index: int) -> float:
        mean = self.mean[index] if self.mean else 0.0
        number = self._filled(row, self.names[index])
        number = mean if number is None else number
        return (number - mean) / self.std[index] if self.normalize and self.std else number

    def _category(self, row: Row, name: str) -> list[float]:
        classes = self.categories[name]
        if self.missing != "error" and row.text(name) == "" and "" not in classes:
            return [0.0] * len(classes)
        place = _position(row, name, classes)
        return [float(index == place) for index in range(len(classes))]


def _is_missing(text: str) -> bool:
    return text.strip().casefold() in _MISSING


def _position(row: Row, column: str, classes: list[str]) -> int:
    text = row.text(column)
    if text not in classes:
        raise SampleError(
            f"column '{column}' holds no known class", sample=row.id,
            expected=f"one of {', '.join(classes)}", got=short(text), nearest=nearest(text, classes),
        )  # fmt: skip
    return classes.index(text)


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
