"""Steps that take a grid, a foreground, a mask or a channel from another column take DICOM series too."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import (
    Boxes,
    CropForeground,
    Image,
    LoadChannels,
    Normalize,
    ResampleLike,
    Row,
    read_series,
    write_image,
)

from .conftest import Scanner

RowOf = Callable[..., Row]


@pytest.fixture
def row(scanner: Scanner, numbers: np.ndarray, oblique: Geometry, row_of: RowOf) -> Row:
    files = scanner.series(numbers, oblique).files
    write_image(scanner.folder / "mask.nrrd", Image((numbers > 2000).astype(np.uint8)[None], oblique))
    names = json.dumps([str(path.relative_to(scanner.folder)) for path in files])
    return row_of(folder="ct", files=names, mask="mask.nrrd", boxes="[[1, 2, 3, 4, 5, 6]]")


@pytest.mark.parametrize("column", ["folder", "files"])
def test_a_series_lends_its_grid_and_its_foreground(row: Row, column: str, oblique: Geometry) -> None:
    volume = read_series(row.folder / "ct")
    apart = Geometry((14, 18, 22), (0.4, 0.3, 1.0), oblique.origin, oblique.direction)
    mask = Image(np.ones((1, 22, 18, 14), np.uint8), apart)
    assert ResampleLike(column=column)(mask, row).geometry.near(oblique)
    boxes = Boxes(image=column)
    assert boxes(None, row).geometry.near(oblique)
    assert boxes(None, row).array.sum() == 4**3
    above = float(np.unique(volume.array)[-3])
    both = [CropForeground(like=column, above=above)(value, row) for value in (volume, boxes(None, row))]
    assert both[0].geometry == both[1].geometry
    assert (both[0].array > above).sum() == (volume.array > above).sum() >= 2
    assert Normalize(mask="mask")(volume, row).array.shape == volume.array.shape


def test_series_and_files_become_channels(row: Row) -> None:
    found = LoadChannels(columns=["folder", "mask"])
    np.testing.assert_array_equal(found(None, row).array[0], read_series(row.folder / "ct").array[0])
    assert found.reads(row) == {"folder": row.folder / "ct", "mask": row.folder / "mask.nrrd"}
    listed = LoadChannels(columns=["files"]).reads(row)
    assert len(listed) == 8
    assert listed["files"] == row.text("files")


def test_a_column_that_is_not_there_is_named(row: Row) -> None:
    with pytest.raises(SampleError, match="no column 'images'"):
        CropForeground(like="images").reads(row)
