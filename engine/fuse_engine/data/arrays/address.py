"""How a cell names an array: `file|member|place|value`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from fuse_engine.core.errors import SampleError, short
from fuse_engine.data.source import Row

_NUMBER = re.compile("[0-9]{1,18}")


@dataclass(frozen=True)
class Address:
    """A file, and perhaps the member in it, the place on its first axis, and the label value that counts there.

    InnerEye's form: `scan.h5|volume|0` is channel 0 of the data set `volume`, `scan.h5|segmentation|0|3` is where
    it holds 3.
    """

    path: Path
    member: str | None = None
    place: int | None = None
    value: int | None = None

    @classmethod
    def of(cls, row: Row, column: str) -> Self:
        """Return what a cell names.

        Raises:
            SampleError: for an unknown column, a file that is not there, or a place that is no number.
        """
        text = row.text(column)
        if "|" not in text or os.path.isfile(row.folder / text):
            return cls(row.path(column))
        file, member, *numbers = text.split("|")
        path = replace(row, columns={column: file}).path(column)
        if len(numbers) > 2 or not all(
            number.isascii() and number.isdigit() and len(number) < 19 for number in numbers
        ):
            raise SampleError(
                f"column '{column}' names no array", sample=row.id, got=short(text),
                expected="file|member, file|member|place or file|member|place|value",
            )  # fmt: skip
        place, value = (*map(int, numbers), None, None)[:2]
        return cls(path, member or None, place, value)
