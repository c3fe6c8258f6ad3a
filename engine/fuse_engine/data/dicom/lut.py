"""Turns stored numbers into what they mean (modality LUT) and what is shown (VOI LUT); DICOM PS3.3 C.11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from fuse_engine.core.errors import SampleError

Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
FUNCTIONS: tuple[Function, ...] = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True)
class Table:
    """A look-up table; what lies outside takes its first or last entry."""

    first: int
    """The number that the first entry belongs to."""
    entries: NDArray[np.float32]
    bits: int
    """Bits of an entry."""

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the entry for each value."""
        places = np.clip(np.rint(values).astype(np.int64) - self.first, 0, len(self.entries) - 1)
        found: NDArray[np.float32] = self.entries[places]
        return found

    def shown(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return what is shown, from 0 to 1."""
        return self(values) / np.float32(2**self.bits - 1)


@dataclass(frozen=True)
class Window:
    """A range of values that is shown from dark to bright; C.11.2.1.2 and C.11.2.1.3."""

    center: float
    width: float
    function: Function = "LINEAR"

    def __post_init__(self) -> None:
        """Check the width."""
        least = 1.0 if self.function == "LINEAR" else 0.0
        if self.width < least or not self.width:
            raise SampleError(f"a {self.function} window is wider than {least:g}", got=f"{self.width:g}")

    def shown(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return what is shown, from 0 to 1."""
        if self.function == "SIGMOID":
            power = np.clip(-4 * (values - self.center) / self.width, -80, 80)
            return (1 / (1 + np.exp(power))).astype(np.float32)
        exact = self.function == "LINEAR_EXACT"
        center, width = (self.center, self.width) if exact else (self.center - 0.5, self.width - 1)
        if not width:
            return (values > center).astype(np.float32)
        return np.clip((values - center) / width + 0.5, 0, 1).astype(np.float32)


Voi = Window | Table


def table_of(item: Dataset, order: str = "<") -> Table:
    """Return the table that an item of a LUT sequence holds; the caller surrounds it with `broken`.

    Raises:
        SampleError: when its parts do not fit together.
    """
    count, first, bits = (int(number) for number in item.LUTDescriptor)
    count = count or 65536
    data = item.LUTData
    if isinstance(data, bytes):
        entries = np.frombuffer(data, f"{order}u2" if len(data) >= 2 * count else np.uint8)
    else:
        entries = np.atleast_1d(np.asarray(data))
    if len(entries) < count or not 1 <= bits <= 16:
        raise SampleError(
            "a look-up table does not hold what it says", expected=f"{count} entries of 1 to 16 bits"
        )
    return Table(first, entries[:count].astype(np.float32), bits)


def windows(centers: Sequence[float], widths: Sequence[float], function: str) -> list[Voi]:
    """Return the windows that a header offers; those that DICOM does not allow are none."""
    name = next((known for known in FUNCTIONS if known == (function or "LINEAR")), None)
    if name is None:
        return []
    least = 1.0 if name == "LINEAR" else 1e-9
    pairs = zip(centers, widths, strict=False)
    return [Window(center, width, name) for center, width in pairs if width >= least]
