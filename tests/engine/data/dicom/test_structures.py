"""Structure sets become label maps of the right volume at the right place, oblique or not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage.measure import points_in_poly

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image, LoadStructures, Row
from fuse_engine.data.dicom.structures import rasterize
from tests.dicom_files import Scanner, Series, grid, turned

SHAPE = (12, 40, 48)


@pytest.fixture(params=[None, turned()], ids=["axial", "oblique"])
def series(request: pytest.FixtureRequest, scanner: Scanner) -> Series:
    return scanner.series(np.zeros(SHAPE, np.int16), grid(SHAPE, (0.8, 0.9, 2.5), request.param))


def circle(geometry: Geometry, radius: float, level: float, centre: tuple[float, float] = (24, 20)) -> np.ndarray:
    """Return a circle of `radius` mm around `centre` (x, y) pixels in slice number `level`, in LPS mm."""
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    x = centre[0] + radius * np.cos(angle) / geometry.spacing[0]
    y = centre[1] + radius * np.sin(angle) / geometry.spacing[1]
    return np.array([geometry.point((level, b, a)) for a, b in zip(x, y, strict=True)])


def volume(image: Image, value: int = 1) -> float:
    """Return mm3."""
    return float((image.array == value).sum() * np.prod(image.geometry.spacing))


def centre(image: Image) -> np.ndarray:
    """Return the centre of what is drawn in LPS mm."""
    return np.asarray(image.geometry.point(tuple(np.argwhere(image.array[0]).mean(0))))


def test_a_cylinder_has_its_volume_at_its_place(
    scanner: Scanner, series: Series, row_of: Callable[..., Row]
) -> None:
    contours = [circle(series.geometry, 11.0, level) for level in range(2, 9)]
    path = scanner.rtstruct(series, {"GTV": contours})
    found = LoadStructures(structures=["GTV"])(None, row_of(image="ct", rtstruct=path))
    assert found.geometry.near(series.geometry)
    assert volume(found) == pytest.approx(np.pi * 11**2 * 7 * 2.5, rel=0.01)
    away = np.abs(np.linalg.inv(series.geometry.matrix) @ (centre(found) - np.mean(np.concatenate(contours), 0)))
    assert (away < 0.1 * np.asarray(series.geometry.spacing)).all()


def test_inner_contours_and_keyholes_cut_the_same_hole(
    scanner: Scanner, series: Series, row_of: Callable[..., Row]
) -> None:
    outer, inner = (circle(series.geometry, radius, 4) for radius in (12.0, 5.0))
    keyhole = np.concatenate((outer, outer[:1], inner[::-1][-1:], inner[::-1], outer[:1]))
    path = scanner.rtstruct(series, {"ring": [outer, inner], "key": [keyhole]})
    row = row_of(image="ct", rtstruct=path)
    ring, key = (LoadStructures(structures=[name])(None, row) for name in ("ring", "key"))
    np.testing.assert_array_equal(ring.array, key.array)
    assert volume(ring) == pytest.approx(np.pi * (12**2 - 5**2) * 2.5, rel=0.02)


@pytest.mark.parametrize(
    ("levels", "slices"),
    [
        (np.arange(2, 9) + 0.5, 7),  # midway between the slices
        (np.arange(2, 9) + 0.3, 7),
        (np.arange(2, 9, 0.25), 7),  # finer than the slices
        (np.array([1, 4, 7]), 9),  # every third slice
        (np.array([2, 3, 8, 9]), 4),  # two parts
        (np.array([5]), 1),
    ],
)
def test_contours_between_the_slices_keep_the_volume(
    scanner: Scanner, row_of: Callable[..., Row], levels: np.ndarray, slices: int
) -> None:
    geometry = grid(SHAPE, (0.8, 0.9, 2.5), turned(-50, 10))
    series = scanner.series(np.zeros(SHAPE, np.int16), geometry)
    path = scanner.rtstruct(series, {"a": [circle(geometry, 10.0, level) for level in levels]})
    found = LoadStructures(structures=["a"])(None, row_of(image="ct", rtstruct=path))
    assert found.array.any(axis=(0, 2, 3)).sum() == slices
    off = np.argwhere(found.array[0]).mean(0)[0] - levels.mean()
    assert abs(off) <= 0.5 + 1e-6


def test_every_pixel_centre_is_inside_by_an_independent_test() -> None:
    geometry = grid((1, 30, 40), (1.0, 1.0, 1.0))
    rng = np.random.default_rng(3)
    star = np.array([(20.3, 15.2)]) + (rng.uniform(4, 14, 25)[:, None]) * np.stack(
        [f(np.linspace(0, 2 * np.pi, 25, endpoint=False)) for f in (np.cos, np.sin)], 1
    )
    points = np.array([geometry.point((0, y, x)) for x, y in star])
    y, x = np.mgrid[:30, :40]
    expected = points_in_poly(np.column_stack((x.ravel(), y.ravel())), star).reshape(30, 40)
    np.testing.assert_array_equal(rasterize([points], geometry)[0], expected)


def test_what_lies_outside_the_image_is_cut_off() -> None:
    geometry = grid((3, 20, 20), (1.0, 1.0, 1.0))
    big = np.array([geometry.point((1, y, x)) for x, y in ((-50, -50), (50, -50), (50, 9.5), (-50, 9.5))])
    found = rasterize([big], geometry)
    assert found[1, :10].all()
    assert found.sum() == 200
    far = np.array([geometry.point((9, y, x)) for x, y in ((1, 1), (5, 1), (5, 5))])
    assert not rasterize([far], geometry).any()


def test_structures_that_share_pixels_need_an_order(
    scanner: Scanner, series: Series, row_of: Callable[..., Row]
) -> None:
    rois = {"body": [circle(series.geometry, 14.0, 5)], "gtv": [circle(series.geometry, 4.0, 5)]}
    row = row_of(image="ct", rtstruct=scanner.rtstruct(series, rois))
    with pytest.raises(SampleError, match=r"'body' and 'gtv' share \d+ pixels; expected `overlap: first`"):
        LoadStructures(structures=["body", "gtv"])(None, row)
    last = LoadStructures(structures=["body", "gtv"], overlap="last")(None, row)
    assert volume(last, 2) == pytest.approx(np.pi * 16 * 2.5, rel=0.1)
    first = LoadStructures(structures=["body", "gtv"], overlap="first")(None, row)
    assert set(np.unique(first.array)) == {0, 1}


def test_a_name_that_is_not_there_names_the_nearest(
    scanner: Scanner, series: Series, row_of: Callable[..., Row]
) -> None:
    row = row_of(image="ct", rtstruct=scanner.rtstruct(series, {"Lung_L": [circle(series.geometry, 4, 3)]}))
    with pytest.raises(
        SampleError, match="no structure.* 'Lung L'; expected one of Lung_L; did you mean 'Lung_L'"
    ):
        LoadStructures(structures=["Lung L"])(None, row)


def test_what_cannot_be_drawn_is_refused(
    scanner: Scanner, series: Series, row_of: Callable[..., Row], oblique: Geometry
) -> None:
    round_ = circle(series.geometry, 4, 3)
    step = LoadStructures(structures=["a"])
    with pytest.raises(SampleError, match="contour of type OPEN_PLANAR; expected closed ones"):
        step(None, row_of(image="ct", rtstruct=scanner.rtstruct(series, {"a": [round_]}, "OPEN_PLANAR")))
    across = round_ + np.linspace(0, 5, 90)[:, None] * series.geometry.matrix[:, 2]
    with pytest.raises(SampleError, match="'a': a contour is not parallel to the slices"):
        step(None, row_of(image="ct", rtstruct=scanner.rtstruct(series, {"a": [across]})))
    beside = circle(series.geometry, 4, 3, (300, 20))
    with pytest.raises(SampleError, match="the contours hold no pixel of the image; expected the series they"):
        step(None, row_of(image="ct", rtstruct=scanner.rtstruct(series, {"a": [beside]})))
    scanner.series(np.zeros(SHAPE, np.int16), series.geometry, "other")
    with pytest.raises(SampleError, match="'a' lies in another space than the image"):
        step(None, row_of(image="other", rtstruct=scanner.rtstruct(series, {"a": [round_]})))
    with pytest.raises(SampleError, match="is no structure set; expected an RTSTRUCT"):
        step(None, row_of(image="ct", rtstruct=series.files[0]))


def test_an_empty_cell_is_a_mistake_or_nothing(series: Series, row_of: Callable[..., Row]) -> None:
    row = row_of(image="ct", rtstruct="")
    with pytest.raises(SampleError, match="column 'rtstruct' names no file"):
        LoadStructures(structures=["a"])(None, row)
    step = LoadStructures(structures=["a"], missing="empty")
    assert not step(None, row).array.any()
    assert step.reads(row)["rtstruct"] == ""
