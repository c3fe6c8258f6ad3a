from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from fuse_engine.augment import AverageBlur, Blur, DirectedEdgeDetect, EdgeDetect, Emboss, MedianBlur, Sharpen
from fuse_engine.augment.chance import Chance
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

KEYS = ["data.input.image"]
SHAPES = [(1, 21, 17), (2, 9, 12, 11), (1, 3, 40, 2)]


def picture(*shape: int) -> NDArray[np.float32]:
    return np.asarray(stream("picture").normal(2, 3, shape).astype(np.float32))


@pytest.mark.parametrize("shape", SHAPES)
def test_blur_agrees_with_scipy(shape: tuple[int, ...]) -> None:
    image, sigma = picture(*shape), [0.0, 1.3, 2.0][-len(shape) + 1 :]
    blurred = Blur(keys=KEYS).apply(image, {"sigma": sigma})
    for channel, found in zip(image, blurred, strict=True):
        reach = [int(np.ceil(4 * width)) for width in sigma]
        assert np.allclose(found, ndimage.gaussian_filter(channel, sigma, mode="nearest", radius=reach), atol=1e-5)


def test_blur_in_mm_knows_how_long_a_pixel_is() -> None:
    grid = Geometry.plain((10, 20, 20), (4.0, 1.0, 0.5))
    step = Blur(keys=KEYS, sigma=2, unit="mm")
    assert step.sample(Chance(1), grid)["sigma"] == [0.5, 2.0, 4.0]
    assert step.margin({"sigma": [0.5, 2.0, 4.0]}) == 16


def test_one_range_is_drawn_once_and_a_range_for_each_axis_for_each() -> None:
    one = Blur(keys=KEYS, sigma=(1, 2)).sample(Chance(1), Geometry.plain((9, 9, 9)))["sigma"]
    assert one[0] == one[1] == one[2]
    each = Blur(keys=KEYS, sigma={"z": 0, "y": (1, 2), "x": (1, 2)})
    drawn = each.sample(Chance(1), Geometry.plain((9, 9, 9)))["sigma"]
    assert drawn[0] == 0
    assert drawn[1] != drawn[2]
    assert len(each.sample(Chance(1), Geometry.plain((9, 9)))["sigma"]) == 2
    with pytest.raises(ValueError, match="expected a distribution for axis y too"):
        Blur(keys=KEYS, sigma={"x": 1}).sample(Chance(1), Geometry.plain((9, 9)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [3, 5])
def test_median_and_average_agree_with_scipy(shape: tuple[int, ...], size: int) -> None:
    image = picture(*shape)
    middles, means = (step(keys=KEYS).apply(image, {"size": size}) for step in (MedianBlur, AverageBlur))
    for channel, middle, mean in zip(image, middles, means, strict=True):
        assert np.array_equal(middle, ndimage.median_filter(channel, size, mode="nearest"))
        assert np.allclose(mean, ndimage.uniform_filter(channel, size, mode="nearest"), atol=1e-5)


def test_the_edge_of_a_window_is_odd() -> None:
    grid = Geometry.plain((9, 9))
    drawn = {MedianBlur(keys=KEYS, size=(1, 6)).sample(Chance(seed), grid)["size"] for seed in range(50)}
    assert drawn == {1, 3, 5}


def test_sharpening_adds_what_a_blur_takes_away() -> None:
    image = picture(1, 21, 17)
    soft = ndimage.gaussian_filter(image[0], 1.5, mode="nearest", radius=6)
    sharp = Sharpen(keys=KEYS).apply(image, {"amount": 0.7, "sigma": [1.5, 1.5]})
    assert np.allclose(sharp[0], image[0] + 0.7 * (image[0] - soft), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 21, 17), (2, 4, 12, 11)])
def test_edges_and_relief_are_those_of_every_plane(shape: tuple[int, ...]) -> None:
    image = picture(*shape)
    edges = EdgeDetect(keys=KEYS).apply(image, {"alpha": 0.25})
    relief = Emboss(keys=KEYS).apply(image, {"alpha": 1.0, "strength": 0.5})
    weights = [[-1.5, -0.5, 0], [-0.5, 1, 0.5], [0, 0.5, 1.5]]
    for plane in np.ndindex(shape[:-2]):
        laplace = ndimage.laplace(image[plane], mode="nearest")
        assert np.allclose(edges[plane], 0.75 * image[plane] + 0.25 * laplace, atol=1e-5)
        assert np.allclose(relief[plane], ndimage.correlate(image[plane], weights, mode="nearest"), atol=1e-5)


def test_a_directed_edge_is_where_its_neighbour_in_that_direction_is_darker() -> None:
    image = np.zeros((1, 7, 7), np.float32)
    image[0, 2:5, 2:5] = 1
    up, right = (DirectedEdgeDetect(keys=KEYS).apply(image, {"alpha": 1.0, "direction": d})[0] for d in (0, 0.25))
    # of the neighbours, those up, up to the sides, at the sides, down to the sides and down count by angle
    shares = np.array([1, 2 * 0.75**4, 2 * 0.5**4, 2 * 0.25**4, 0])
    assert up[2, 3] == pytest.approx((shares[:2] / shares.sum()).sum(), abs=1e-6)
    assert up[4, 3] == pytest.approx((shares[3:] / shares.sum()).sum(), abs=1e-6)
    assert np.allclose(right, np.rot90(up, -1), atol=1e-6)
