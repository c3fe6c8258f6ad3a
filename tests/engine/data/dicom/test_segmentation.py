"""Segmentations become label maps, each frame at its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import LoadSegmentation, Row
from fuse_engine.data.dicom import pixels
from tests.dicom_files import Scanner, Series, grid, set_pixels, turned

SHAPE = (10, 24, 30)


@pytest.fixture
def masks() -> dict[str, np.ndarray]:
    z, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    left, right = ((x - cx) ** 2 + (y - 12) ** 2 < 16 for cx in (8, 20))
    # the frames between the two parts of the left one are empty, so the file leaves them out
    return {"left": left & ((z < 3) | (z > 6)), "right": right & (z > 1)}


@pytest.fixture(params=[None, turned()], ids=["axial", "oblique"])
def series(request: pytest.FixtureRequest, scanner: Scanner) -> Series:
    return scanner.series(np.zeros(SHAPE, np.int16), grid(SHAPE, (0.8, 0.9, 2.5), request.param))


def test_frames_on_the_image_come_back_exactly(
    scanner: Scanner, series: Series, masks: dict[str, np.ndarray], row_of: Callable[..., Row]
) -> None:
    row = row_of(image="ct", seg=scanner.seg(series, masks, series.geometry))
    found = LoadSegmentation()(None, row)
    np.testing.assert_array_equal(found.array[0], masks["left"] + 2 * masks["right"])
    assert found.geometry.near(series.geometry)
    turned_round = LoadSegmentation(segments=["right", "1"])(None, row)
    np.testing.assert_array_equal(turned_round.array[0], 2 * masks["left"] + masks["right"])


def test_a_part_of_the_image_is_put_in_its_place(
    scanner: Scanner, series: Series, masks: dict[str, np.ndarray], row_of: Callable[..., Row]
) -> None:
    geometry = series.geometry
    small = grid((10, 10, 13), geometry.spacing, geometry.matrix)
    cut = masks["left"][:, 6:16, 2:15]
    moved = type(small)(small.size, small.spacing, geometry.point((0, 6, 2)), geometry.direction)
    found = LoadSegmentation()(None, row_of(image="ct", seg=scanner.seg(series, {"left": cut}, moved)))
    expected = np.zeros(SHAPE, bool)
    expected[:, 6:16, 2:15] = cut
    np.testing.assert_array_equal(found.array[0], expected)


def test_a_grid_beyond_the_image_is_cut_off(scanner: Scanner, series: Series, row_of: Callable[..., Row]) -> None:
    geometry = series.geometry
    wide = type(geometry)((40, 34, 14), geometry.spacing, geometry.point((-2, -5, -5)), geometry.direction)
    full = np.ones((14, 34, 40), bool)
    found = LoadSegmentation()(None, row_of(image="ct", seg=scanner.seg(series, {"a": full}, wide)))
    assert found.array.all()


def test_another_grid_gives_each_pixel_the_nearest(
    scanner: Scanner, series: Series, row_of: Callable[..., Row]
) -> None:
    geometry = series.geometry
    fine = type(geometry)(
        (60, 48, 20), tuple(n / 2 for n in geometry.spacing), geometry.origin, geometry.direction
    )
    z, y, x = np.mgrid[:20, :48, :60]
    ball = ((x - 30) * 0.4) ** 2 + ((y - 24) * 0.45) ** 2 + ((z - 9) * 1.25) ** 2 < 8**2
    found = LoadSegmentation()(None, row_of(image="ct", seg=scanner.seg(series, {"a": ball}, fine)))
    np.testing.assert_array_equal(found.array[0], ball[::2, ::2, ::2])


def test_segments_that_share_pixels_need_an_order(
    scanner: Scanner, series: Series, masks: dict[str, np.ndarray], row_of: Callable[..., Row]
) -> None:
    masks["both"] = masks["left"] | masks["right"]
    row = row_of(image="ct", seg=scanner.seg(series, masks, series.geometry))
    with pytest.raises(SampleError, match=r"'left' and 'both' share \d+ pixels; expected `overlap: first`"):
        LoadSegmentation(segments=["left", "both"])(None, row)
    first = LoadSegmentation(segments=["left", "both"], overlap="first")(None, row)
    np.testing.assert_array_equal(first.array[0], np.where(masks["left"], 1, 2 * masks["both"]))
    last = LoadSegmentation(segments=["left", "both"], overlap="last")(None, row)
    np.testing.assert_array_equal(last.array[0], 2 * masks["both"])


def test_a_fraction_counts_from_half(scanner: Scanner, series: Series, row_of: Callable[..., Row]) -> None:
    mask = np.zeros(SHAPE, bool)
    mask[4] = True
    path = scanner.seg(series, {"a": mask}, series.geometry)
    found = pydicom.dcmread(path)
    levels = np.arange(24 * 30, dtype=np.uint8).reshape(1, 24, 30) % 201
    set_pixels(found, levels, 8)
    found.SegmentationType, found.MaximumFractionalValue = "FRACTIONAL", 200
    found.save_as(path)
    read = LoadSegmentation()(None, row_of(image="ct", seg=path))
    np.testing.assert_array_equal(read.array[0, 4], levels[0] >= 100)


def test_wrong_names_and_places_are_said(
    scanner: Scanner, series: Series, masks: dict[str, np.ndarray], row_of: Callable[..., Row]
) -> None:
    path = scanner.seg(series, masks, series.geometry)
    with pytest.raises(SampleError, match=r"'lefd'; expected one of 1 left, 2 right; did you mean 'left'"):
        LoadSegmentation(segments=["lefd"])(None, row_of(image="ct", seg=path))
    scanner.series(np.zeros(SHAPE, np.int16), series.geometry, "other")
    with pytest.raises(SampleError, match="lies in another space than its image"):
        LoadSegmentation()(None, row_of(image="other", seg=path))
    far = replace(series.geometry, origin=series.geometry.point((50, 0, 0)))
    with pytest.raises(SampleError, match="marks no pixel of the image; expected the series that it was drawn on"):
        LoadSegmentation()(None, row_of(image="ct", seg=scanner.seg(series, masks, far)))
    with pytest.raises(SampleError, match="is no DICOM segmentation"):
        LoadSegmentation()(None, row_of(image="ct", seg=series.files[0]))


def test_only_the_frames_of_a_segment_are_read(
    scanner: Scanner, oblique: Geometry, monkeypatch: pytest.MonkeyPatch, row_of: Callable[..., Row]
) -> None:
    shape = oblique.shape  # 9 x 11 pixels: a frame of single bits ends within a byte
    made = scanner.series(np.zeros(shape, np.int16), oblique)
    owners = np.random.default_rng(0).integers(0, 60, shape)
    path = scanner.seg(made, {f"s{n}": owners == n for n in range(1, 60)}, oblique)
    read: list[int] = []
    original = pixels._fill
    monkeypatch.setattr(pixels, "_fill", lambda file, raw: read.append(raw.nbytes) or original(file, raw))
    np.testing.assert_array_equal(LoadSegmentation()(None, row_of(image="ct", seg=path)).array[0], owners)
    assert sum(read) < 2 * len(pydicom.dcmread(path).PixelData)


def test_several_files_are_read_together(
    scanner: Scanner, series: Series, masks: dict[str, np.ndarray], row_of: Callable[..., Row]
) -> None:
    paths = [scanner.seg(series, {name: mask}, series.geometry) for name, mask in masks.items()]
    cell = "[" + ", ".join(f'"{path}"' for path in paths) + "]"
    row = row_of(image="ct", seg=cell)
    found = LoadSegmentation(segments=["left", "right"])(None, row)
    np.testing.assert_array_equal(found.array[0], masks["left"] + 2 * masks["right"])
    assert set(paths) <= set(LoadSegmentation().reads(row).values())
    with pytest.raises(SampleError, match="several files have segments of the same number"):
        LoadSegmentation()(None, row)
