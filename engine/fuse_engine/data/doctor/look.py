"""One look at an image as it is read, before any other step: what the checks need to know of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, Problem, SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.dicom.series import check_series, named_files
from fuse_engine.data.image import Image
from fuse_engine.data.integrity.pixels import refuse_holes
from fuse_engine.data.memory import TooLarge
from fuse_engine.data.processor import Pipeline
from fuse_engine.data.processors.dicom import LoadDicom
from fuse_engine.data.source import Row

MANY = 256
"""Values of a label map that are kept."""


@dataclass(frozen=True)
class Look:
    """What was seen; plain data, so that it can be kept and the next look costs a stat of the file."""

    problem: Problem | None = None
    """Why it cannot be read, without the sample."""
    geometry: Geometry | None = None
    """Its grid; None where the steps read no image."""
    label: bool = False
    """Whether it is a label map."""
    constant: tuple[int, ...] = ()
    """Channels in which every pixel is the same."""
    channels: int = 0
    values: tuple[int, ...] = ()
    """Values of a label map, lowest first; at most `MANY`."""
    digest: str = ""
    """The same for two images with the same pixels, whatever their files."""
    remarks: tuple[str, ...] = ()
    """What is odd about the slices of a DICOM series, which can be read nevertheless."""

    passing: bool = False
    """Whether the next look may find no problem: the memory was short, or a disk away; not kept."""

    @property
    def grid(self) -> Geometry:
        """The grid of what is known to be an image.

        Raises:
            FuseError: where no image was seen.
        """
        if self.geometry is None:
            raise FuseError("no image was seen")
        return self.geometry

    def to_text(self) -> str:
        """Return the look as JSON."""
        return json.dumps(
            {
                "problem": self.problem.to_json() if self.problem else None,
                "geometry": self.geometry.to_json() if self.geometry else None,
                "label": self.label, "constant": self.constant, "channels": self.channels,
                "values": self.values, "digest": self.digest, "remarks": self.remarks,
            }
        )  # fmt: skip

    @classmethod
    def from_text(cls, text: str) -> Look:
        """Return the look that `to_text` wrote.

        Raises:
            ValueError: for anything else; also KeyError and TypeError.
        """
        found: Mapping[str, Any] = json.loads(text)
        return cls(
            Problem(**found["problem"]) if found["problem"] else None,
            Geometry.from_json(found["geometry"]) if found["geometry"] else None,
            bool(found["label"]), tuple(found["constant"]), int(found["channels"]), tuple(found["values"]),
            str(found["digest"]), tuple(found["remarks"]),
        )  # fmt: skip


def reading_steps(pipeline: Pipeline, row: Row) -> Pipeline:
    """Return the steps up to the first one that reads a file; none where no step does.

    Raises:
        FuseError: when a step cannot say what it reads, e.g. because the file is missing.
    """
    return Pipeline(pipeline.steps[: reading_count(pipeline, row)], pipeline.where)


def reading_count(pipeline: Pipeline, row: Row) -> int:
    """Return the number of steps up to the first one that reads a file; 0 where none does.

    Raises:
        FuseError: when a step cannot say what it reads, e.g. because the file is missing.
    """
    for count, step in enumerate(pipeline.steps, 1):
        if any(isinstance(item, Path) for item in step.reads(row).values()):
            return count
    return 0


def look(steps: Pipeline, row: Row) -> Look:
    """Read an image and look at all of its pixels once."""
    try:
        value = steps.run(row)
        if not isinstance(value, Image):
            return Look()
        if not value.label:
            refuse_holes("the image", value.array)
    except SampleError as error:
        passing = isinstance(error.__cause__, TooLarge | OSError | MemoryError)
        return Look(problem=replace(error.problems[0], sample="", where=""), passing=passing)
    constant = tuple(index for index, pixels in enumerate(value.array) if _is_constant(pixels))
    return Look(
        None, value.geometry, value.label, constant, len(value.array),
        _values(value.array[0]) if value.label else (), _digest(value.array), tuple(_remarks(steps, row)),
    )  # fmt: skip


def _remarks(steps: Pipeline, row: Row) -> Iterator[str]:
    for step in steps.steps:
        if isinstance(step, LoadDicom):
            yield from (str(fault) for fault in check_series(named_files(row, step.column)) if not fault.blocking)


def _is_constant(pixels: NDArray[Any]) -> bool:
    return bool(pixels.size == 0 or pixels.min() == pixels.max())


def _values(labels: NDArray[Any]) -> tuple[int, ...]:
    found: set[int] = set()
    for plane in labels:  # plane by plane: sorting a whole volume would take seconds
        found.update(np.unique(plane).tolist())
    return tuple(sorted(found)[:MANY])


def _digest(array: NDArray[Any]) -> str:
    made = hashlib.blake2b(str((array.shape, array.dtype.str)).encode(), digest_size=16)
    made.update(np.ascontiguousarray(array).data)
    return made.hexdigest()
