"""The rules of processor steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Row
from fuse_engine.testing.contract.rules import expect


def check_processor(step: Processor) -> None:
    """Never changes its input; the same every time; only a spatial step changes the grid."""
    cls, row = type(step), Row("s1", "s1", None, {}, Path())
    for size in ((6, 5), (4, 6, 5)):
        pixels = stream("check", *size).normal(100, 20, (1, *size)).astype(np.float32)
        for array in (pixels, (pixels > 100).astype(np.uint8)):
            image = Image(array.copy(), Geometry.plain(size))
            try:
                first, again = step(image, row), step(image, row)
            except SampleError:
                continue  # it needs a file, a cell, or another kind of value
            expect(np.array_equal(image.array, array), cls, "changes its input")
            expect(_equal(first, again), cls, "returns something else the second time")
            if isinstance(first, Image) and not step.spatial:
                expect(first.geometry.near(image.geometry), cls, "changes the grid, and is not `spatial`")


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, Image) and isinstance(other, Image):
        return one.geometry == other.geometry and np.array_equal(one.array, other.array)
    return np.array_equal(np.asarray(one), np.asarray(other))
