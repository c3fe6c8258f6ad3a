"""Transforms of other libraries: drawn by the sample's seed, image and mask together, nothing left changed."""

from __future__ import annotations

import random
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass

from fuse_engine.augment import Augmenter, Flip, Gamma, PerChannel, WrapTransform
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.libraries import library

IMAGE, MASK = "data.input.image", "data.gt.segmentation"
BOTH = [IMAGE, MASK]
MOVES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("monai.transforms.RandAffine", {"rotate_range": [0.5], "translate_range": [4, 4]}, (48, 40)),
    ("monai.transforms.RandAffine", {"rotate_range": [0.3, 0.2, 0.3], "padding_mode": "zeros"}, (24, 32, 28)),
    ("monai.transforms.RandFlip", {"spatial_axis": 0}, (48, 40)),
    ("torchio.RandomAffine", {"degrees": 20, "translation": 4}, (24, 32, 28)),
    ("torchio.RandomAffine", {"scales": 0, "degrees": [0, 0, 0, 0, 20, 30]}, (48, 40)),
    ("torchvision.transforms.v2.RandomAffine", {"degrees": 25, "interpolation": 2}, (48, 40)),
    ("albumentations.Affine", {"rotate": [15, 30], "translate_px": 4}, (48, 40)),
]
VALUES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("monai.transforms.RandGaussianNoise", {"std": 0.3}, (9, 10, 11)),
    ("monai.transforms.RandGibbsNoise", {"alpha": [0.4, 0.8]}, (20, 22)),
    ("torchio.RandomNoise", {"std": [0.2, 0.4]}, (9, 10, 11)),
    ("torchvision.transforms.v2.ColorJitter", {"brightness": [0.4, 0.8]}, (20, 22)),
    ("albumentations.GaussNoise", {"std_range": [0.2, 0.4]}, (20, 22)),
]


def needed(path: str) -> None:
    name = path.partition(".")[0]
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")


def sample(*shape: int) -> NestedDict:
    """Return a bright blob off the centre with its mask, in a dim and noisy image."""
    places = np.meshgrid(*[np.arange(size) - 0.6 * size for size in shape], indexing="ij")
    far = np.sqrt(sum(place**2 for place in places))
    mask = (far < min(shape) / 5).astype(np.uint8)[None] * 3
    noise = stream("picture", *shape).normal(0, 0.02, (1, *shape))
    return NestedDict({"data.id": "s1", IMAGE: (mask / 3 + noise).astype(np.float32), MASK: mask})


def augmented(own: NestedDict, path: str, arguments: dict[str, Any], epoch: int = 0, **fields: Any) -> NestedDict:
    return Augmenter([WrapTransform(keys=BOTH, transform=path, arguments=arguments, **fields)], 1)(own, epoch)


@pytest.mark.parametrize(("path", "arguments", "shape"), MOVES)
def test_image_and_mask_move_together(path: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    needed(path)
    own = sample(*shape)
    found = augmented(own, path, arguments)
    assert found[MASK].dtype == np.uint8
    assert set(np.unique(found[MASK])) == {0, 3}
    assert not np.array_equal(found[MASK], own[MASK])
    bright = np.where(found[IMAGE][0] > 0.3, found[IMAGE][0], 0)
    assert np.allclose(center_of_mass(bright), center_of_mass(found[MASK][0]), atol=0.3)


@pytest.mark.parametrize(("path", "arguments", "shape"), VALUES)
def test_values_change_and_labels_do_not(path: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    needed(path)
    own = sample(*shape)
    found = augmented(own, path, arguments)
    assert np.array_equal(found[MASK], own[MASK])
    assert found[IMAGE].dtype == np.float32
    assert float(np.abs(found[IMAGE] - own[IMAGE]).mean()) > 0.005


@pytest.mark.parametrize(("path", "arguments", "shape"), [*MOVES, *VALUES])
def test_the_seed_is_all_there_is_to_chance(path: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    needed(path)
    own = sample(*shape)
    before = {key: own[key].copy() for key in BOTH}
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    first = augmented(own, path, arguments)
    assert random.getstate() == states[0]
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert torch.equal(torch.get_rng_state(), states[2])
    random.seed(6)
    np.random.seed(6)
    torch.manual_seed(6)
    again, other = augmented(own, path, arguments), augmented(own, path, arguments, epoch=1)
    for key in BOTH:
        assert np.array_equal(first[key], again[key])
        assert np.array_equal(own[key], before[key])
    if "RandFlip" not in path:
        assert not np.array_equal(first[IMAGE], other[IMAGE])


def test_monai_s_own_random_state_is_what_draws() -> None:
    from monai.transforms import RandGaussianNoise

    own, step = sample(12, 14), WrapTransform(keys=[IMAGE], transform="monai.transforms.RandGaussianNoise")
    found = step.apply(own[IMAGE], {"seed": 7, "spacing": [1.0, 1.0]})
    theirs = RandGaussianNoise(prob=1.0)
    theirs.set_random_state(seed=7)
    assert np.allclose(found, np.asarray(theirs(own[IMAGE])), atol=1e-6)


def test_other_steps_go_before_and_after() -> None:
    own, flip = sample(24, 20), Flip(keys=BOTH, each=1)
    wrap = WrapTransform(keys=BOTH, transform="monai.transforms.RandFlip", arguments={"spatial_axis": 1})
    twice = Augmenter([flip, wrap], 1)(own, 0)
    assert all(np.array_equal(twice[key], own[key]) for key in BOTH)
    augmenter = Augmenter([flip, wrap, flip, Gamma(keys=[IMAGE])], 1)
    done = augmenter.draw(own, 0)
    render = augmenter.render(own, done)
    plane = render.image(MASK, (slice(3, 9), slice(5, 6)))
    assert np.array_equal(plane, own[MASK][:, 3:9, ::-1][:, :, 5:6])
    assert np.array_equal(augmenter.apply(own, done)[IMAGE], render.image(IMAGE))


def test_text_from_a_file_becomes_numbers() -> None:
    step = WrapTransform.model_validate(
        {"keys": [IMAGE], "transform": "monai.transforms.RandAffine",
         "arguments": {"rotate_range": ["0.5"], "prob": "1e-1", "mode": "nearest", "cache_grid": "false"}}
    )  # fmt: skip
    assert step.arguments == {"rotate_range": [0.5], "prob": 0.1, "mode": "nearest", "cache_grid": False}


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [("os.system", {}, "no transform 'os.system'; expected monai.transforms.<Transform>"),
     ("monai.transforms.LoadImage", {}, "no transform 'LoadImage'"),
     ("monai.transforms.Lambda", {"func": "print"}, "no transform 'Lambda'"),
     ("monai.transforms.TorchVision", {"name": "Lambda"}, "no transform 'TorchVision'"),
     ("monai.transforms.intensity.array.RandFlip", {}, "no transform 'monai.transforms.intensity"),
     ("monai.transforms.RandGaussianNoize", {}, "did you mean 'RandGaussianNoise'"),
     ("monai.transforms.RandFlip", {"spatial_axes": 0}, "no argument 'spatial_axes'.*did you mean 'spatial_axis'"),
     ("monai.transforms.RandScaleIntensity", {}, "RandScaleIntensity cannot be made"),
     ("monai.transforms.CenterSpatialCrop", {"roi_size": [4, 4]}, "changes the shape.*Crop, Pad"),
     ("monai.transforms.RandGaussianNoise", {"std": "much"}, "RandGaussianNoise failed")],
)  # fmt: skip
def test_what_cannot_be_run_is_said(path: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        augmented(sample(12, 14), path, arguments)


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuse_engine.libraries.find_spec", lambda name: None)
    with pytest.raises(FuseError, match="torchio is not installed; expected pip install torchio"):
        augmented(sample(12, 14), "torchio.RandomFlip", {})


def test_importing_a_library_leaves_random_numbers_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def import_module(name: str) -> None:
        random.random(), np.random.random(), torch.rand(1)

    monkeypatch.setattr("fuse_engine.libraries.import_module", import_module)
    states = [], []
    for state in states:
        state += [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()]
        library("monai")
    assert states[0] == states[1]


def test_an_error_of_any_kind_names_the_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    class OwnError(Exception):
        """As OpenCV has one."""

    def fail(*_args: object) -> None:
        raise OwnError("(-215) !_src.empty()\nsecond line")

    monkeypatch.setattr("monai.transforms.RandGaussianNoised.__call__", fail)
    with pytest.raises(FuseError, match=r"RandGaussianNoise failed: \(-215\) !_src.empty\(\)$"):
        augmented(sample(12, 14), "monai.transforms.RandGaussianNoise", {})


def test_all_channels_go_together() -> None:
    with pytest.raises(ValueError, match="expected no WrapTransform"):
        PerChannel(steps=[WrapTransform(keys=[IMAGE], transform="monai.transforms.RandFlip")])


@pytest.mark.parametrize("name", ["albumentations", "torchvision"])
def test_pictures_alone_go_to_libraries_of_pictures(name: str) -> None:
    path = {"albumentations": "albumentations.HorizontalFlip",
            "torchvision": "torchvision.transforms.v2.RandomHorizontalFlip"}[name]  # fmt: skip
    needed(path)
    with pytest.raises(FuseError, match="transforms pictures; expected 2-D"):
        augmented(sample(8, 9, 10), path, {})
