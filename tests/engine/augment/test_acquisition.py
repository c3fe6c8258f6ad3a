from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from fuse_engine.augment import (
    Anisotropy,
    Applied,
    BiasField,
    Ghosting,
    Gibbs,
    Intensity,
    KSpaceSpike,
    LowResolution,
    Motion,
)
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.render import Render
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

KEYS = ["data.input.image"]
SHAPES = [(2, 31, 24), (1, 12, 17, 20)]
EVERY: list[Intensity] = [
    Anisotropy(keys=KEYS), Anisotropy(keys=KEYS, taken="nearest"), BiasField(keys=KEYS), Ghosting(keys=KEYS),
    Gibbs(keys=KEYS), KSpaceSpike(keys=KEYS), LowResolution(keys=KEYS), LowResolution(keys=KEYS, taken="mean"),
    Motion(keys=KEYS),
]  # fmt: skip


def picture(*shape: int) -> NDArray[np.float32]:
    return np.asarray(stream("picture").normal(2, 3, shape).astype(np.float32))


def smooth(*shape: int) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(picture(*shape), (0, *[2.0] * (len(shape) - 1))))


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name())
@pytest.mark.parametrize("shape", SHAPES)
def test_a_box_is_cut_from_the_whole(step: Intensity, shape: tuple[int, ...]) -> None:
    image = picture(*shape)
    params = step.sample(Chance(2), Geometry.plain(shape[1:]))
    before, applied = image.copy(), Applied("0", step.name(), params)
    render = Render({KEYS[0]: image}, [(step, applied)])
    all_of_it = render.image(KEYS[0])
    box = (*[slice(0, size) for size in shape[1:-2]], slice(9, 10), slice(3, 18))
    found = render.image(KEYS[0], box)
    assert np.array_equal(image, before)
    assert render.exact is not step.whole
    if not step.whole:
        assert np.array_equal(found, all_of_it[(slice(None), *box)])


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name())
@pytest.mark.parametrize("shape", SHAPES)
def test_neutral_parameters_change_nothing(step: Intensity, shape: tuple[int, ...]) -> None:
    image = picture(*shape)
    neutral = step.neutral(Geometry.plain(shape[1:]))
    assert neutral is not None
    assert np.allclose(step.apply(image, neutral), image, atol=1e-5)
    drawn = step.sample(Chance(5), Geometry.plain(shape[1:]))
    assert not np.allclose(step.apply(image, drawn), image, atol=1e-3)


def test_bias_is_the_exponential_of_a_polynomial() -> None:
    image = picture(2, 5, 9)
    coefficients = [0.1, -0.2, 0.3, 0.4, 0.5, -0.6]  # 1, x, x², y, xy, y²
    y, x = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 9), indexing="ij")
    field = np.exp(0.1 - 0.2 * x + 0.3 * x**2 + 0.4 * y + 0.5 * x * y - 0.6 * y**2)
    found = BiasField(keys=KEYS, order=2).apply(image, {"coefficients": coefficients})
    assert np.allclose(found, image * field, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_gibbs_is_a_mask_of_the_spectrum(shape: tuple[int, ...]) -> None:
    image = picture(*shape)
    radii = np.meshgrid(*[np.fft.fftfreq(size) * 2 for size in shape[1:]], indexing="ij")
    kept = np.sqrt(sum(radius**2 for radius in radii) / len(radii)) <= 0.6
    expected = [np.fft.ifftn(np.fft.fftn(channel) * kept).real for channel in image]
    assert np.allclose(Gibbs(keys=KEYS).apply(image, {"cut": 0.4}), expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_spike_is_a_point_of_k_space(shape: tuple[int, ...]) -> None:
    image = picture(*shape)
    spectrum = np.fft.fftn(image[0].astype(float))
    share = 2 * 3 / shape[-1] if shape[-1] % 2 == 0 else 2 * 3 / (shape[-1] - 1)
    point = (*[0] * (len(shape) - 3), 2, 3)
    spike = [*[0.0] * (len(shape) - 3), 2 / (shape[-2] // 2), share]
    spectrum[point] += 0.25 * np.abs(spectrum).max()
    expected = np.fft.ifftn(spectrum).real
    found = KSpaceSpike(keys=KEYS).apply(image, {"intensity": 0.25, "spikes": [spike]})
    assert np.allclose(found[0], expected, atol=1e-5)


def test_ghosts_are_copies_along_the_axis() -> None:
    image = picture(1, 24, 10)
    found = Ghosting(keys=KEYS, centre=0).apply(image, {"axis": "y", "ghosts": 4, "intensity": 0.6})
    copies = sum(np.roll(image, turn * 6, 1) for turn in range(4))
    assert np.allclose(found, image - 0.6 / 4 * copies, atol=1e-5)


def test_ghosts_leave_the_mean_alone() -> None:
    image = picture(1, 8, 24, 10)
    found = Ghosting(keys=KEYS).apply(image, {"axis": "z", "ghosts": 2, "intensity": 1.0})
    assert found.mean() == pytest.approx(image.mean(), abs=1e-5)


def test_motion_puts_k_space_together_from_poses() -> None:
    image = smooth(1, 32, 28)
    pose = {"rotate": [[0.0]], "translate": [[4 / 32], [0.0]], "spacing": [1.0, 1.0]}
    found = Motion(keys=KEYS).apply(image, {"axis": "y", "moments": [0.75], **pose})
    later = ndimage.shift(image, (0, 4, 0), order=1, mode="nearest")
    still, moved = (np.fft.fftshift(np.fft.fft(one, axis=1), axes=1) for one in (image, later))
    mixed = np.concatenate([still[:, :24], moved[:, 24:]], 1)
    expected = np.fft.ifft(np.fft.ifftshift(mixed, axes=1), axis=1).real
    assert np.allclose(found, expected, atol=1e-4)


def test_a_pose_is_turned_and_shifted_in_mm() -> None:
    step = Motion(keys=KEYS, poses=3, rotate=[5, 6], translate=[8, 8])
    grid = Geometry((40, 30, 10), (0.5, 1.0, 4.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    params = step.sample(Chance(1), grid)
    assert np.allclose(params["translate"], [[8 / 40] * 3, [8 / 30] * 3, [8 / 20] * 3])
    assert np.shape(params["rotate"]) == (3, 3)


def test_motion_keeps_the_pose_of_the_centre() -> None:
    image = smooth(1, 12, 16, 16)
    step = Motion(keys=KEYS, poses=1, axes=["z"])
    params = step.sample(Chance(3), Geometry.plain((12, 16, 16)))
    early = step.apply(image, {**params, "moments": [0.01]})
    assert np.allclose(early, image, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_low_resolution_is_torch_down_and_up(shape: tuple[int, ...]) -> None:
    image, size = torch.from_numpy(picture(*shape))[None], [round(0.6 * side) for side in shape[1:]]
    small = torch.nn.functional.interpolate(image, size, mode="nearest-exact")
    mode = "bilinear" if len(size) == 2 else "trilinear"
    expected = torch.nn.functional.interpolate(small, shape[1:], mode=mode, align_corners=False)[0].numpy()
    found = LowResolution(keys=KEYS).apply(picture(*shape), {"zoom": [0.6] * len(size)})
    assert np.allclose(found, expected, atol=1e-4)


def test_a_thick_slice_is_the_mean_of_thin_ones() -> None:
    image = picture(1, 3, 24)
    found = Anisotropy(keys=KEYS).apply(image, {"axis": "x", "thickness": 4.0})
    thick = torch.from_numpy(image.reshape(1, 3, 6, 4).mean(3))
    expected = torch.nn.functional.interpolate(thick, 24, mode="linear", align_corners=False).numpy()
    assert np.allclose(found, expected, atol=1e-5)


def test_a_thick_slice_may_cover_parts_of_thin_ones() -> None:
    image = picture(1, 1, 50)
    found = Anisotropy(keys=KEYS).apply(image, {"axis": "x", "thickness": 2.7})  # 50 / 2.7: 19 thick slices
    area = np.concatenate([[0], np.cumsum(image[0, 0].astype(float))])
    means = np.diff(np.interp(np.linspace(0, 50, 20), np.arange(51), area)) * 19 / 50
    middles = (np.arange(19) + 0.5) * 50 / 19 - 0.5
    assert np.allclose(found[0, 0], np.interp(np.arange(50), middles, means), atol=1e-5)


@pytest.mark.parametrize("cls", [Anisotropy, Ghosting, Motion])
def test_a_picture_has_no_z_axis(cls: type[Intensity]) -> None:
    with pytest.raises(FuseError, match="no z axis"):
        cls.model_validate({"keys": KEYS, "axes": ["z"]}).sample(Chance(1), Geometry.plain((8, 8)))
