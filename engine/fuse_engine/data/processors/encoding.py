"""Steps that encode classes: by other numbers, or by one channel each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fuse_engine.core.errors import SampleError, nearest, short
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image, label_array
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Row

_TABLE = 1 << 16
"""Widest range of values that is looked up in a table."""


@register
class LabelLookup(Processor):
    """Gives values other class numbers: those of a label map's pixels, of a class, or of a text."""

    classes: dict[str, int] = Field({"0": 0, "1": 1}, min_length=1)
    """Class number of each value, e.g. `{0: 0, 4: 1, 7: 1}` or `{benign: 0, malignant: 1}`."""
    default: int | None = Field(None, ge=0)
    """Class number of all other values; they are refused where empty."""

    @field_validator("classes")
    @classmethod
    def _from_zero(cls, classes: dict[str, int]) -> dict[str, int]:
        if min(classes.values()) < 0:
            raise ValueError("expected class numbers of 0 or more")
        return classes

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the label map with other values, or the class."""
        if isinstance(value, Image) and value.label:
            return looked_up(value, self._pixel_values(), self.default)
        if isinstance(value, str | int):
            found = self.classes.get(str(value), self.default)
            if found is None:
                raise _unknown("the value is not among the classes", str(value), self.classes)
            return found
        raise SampleError(
            "LabelLookup works on a label map, a class or a text", expected="e.g. Text before it", got=_kind(value)
        )

    def _pixel_values(self) -> dict[int, int]:
        try:
            return {int(text): number for text, number in self.classes.items()}
        except ValueError:
            raise SampleError(
                "the values of a label map are whole numbers", expected="e.g. {0: 0, 255: 1}",
                got=short(list(self.classes)),
            ) from None  # fmt: skip


@register
class OneHot(Processor):
    """Spreads classes over channels: 1 in the channel of the class, 0 in all others."""

    classes: int = Field(2, ge=2, le=4096)
    """Number of classes, the first being 0."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return an image (class, [z,] y, x) for a label map, a vector (class,) for a class."""
        if isinstance(value, Image) and value.label and len(value.array) == 1:
            self._require(int(value.array.min()), int(value.array.max()))
            numbers = np.arange(self.classes, dtype=value.array.dtype).reshape(-1, *[1] * value.geometry.dims)
            return Image((value.array == numbers).astype(np.float32), value.geometry)
        if isinstance(value, int):
            self._require(value, value)
            return np.asarray(np.arange(self.classes) == value, np.float32)
        raise SampleError(
            "OneHot works on a label map or a class", expected="e.g. Label before it", got=_kind(value)
        )

    def _require(self, low: int, high: int) -> None:
        if low < 0 or high >= self.classes:
            raise SampleError(
                f"class {low if low < 0 else high} is not among {self.classes} classes",
                expected=f"0 to {self.classes - 1}; LabelLookup before it gives other numbers",
                check="unexpected_label",
            )  # fmt: skip


def looked_up(image: Image, numbers: Mapping[int, int], default: int | None = None) -> Image:
    """Return a label map with each value replaced by its number; `default` stands for values without one.

    Raises:
        SampleError: for a value without a number, where there is no default.
    """
    array = image.array
    low, high = int(array.min()), int(array.max())
    if high - low < _TABLE:
        shifted = array if low == 0 else array.astype(np.int64) - low
        counts = np.bincount(shifted.ravel(), minlength=1)
        found = np.flatnonzero(counts) + low
        table = np.zeros(high - low + 1, np.int64)
        table[found - low] = _numbers(found, numbers, default)
        return Image(label_array(table)[shifted], image.geometry)
    found, places = np.unique(array, return_inverse=True)
    table = np.asarray(_numbers(found, numbers, default))
    return Image(label_array(table)[places].reshape(array.shape), image.geometry)


def _numbers(found: NDArray[np.int64], numbers: Mapping[int, int], default: int | None) -> list[int]:
    result = []
    for item in found.tolist():
        number = numbers.get(item, default)
        if number is None:
            raise _unknown(f"the label map holds the value {item}", str(item), map(str, numbers))
        result.append(number)
    return result


def _unknown(message: str, text: str, known: Iterable[str]) -> SampleError:
    names = list(known)
    return SampleError(
        message,
        expected=f"one of {', '.join(names)}",
        got=short(text),
        nearest=nearest(text, names),
        check="unexpected_label",
    )


def _kind(value: Value | None) -> str:
    if isinstance(value, Image):
        return "a label map of several channels" if value.label else "an image"
    return "nothing" if value is None else type(value).__name__
