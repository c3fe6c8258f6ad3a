"""What holds of every operation that is registered, whoever wrote it; the contract test holds more."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from fuse_engine.augment import Augmentation, Augmenter, BatchOperation, Operation, Spatial, kernels
from fuse_engine.augment.base import Params
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Matrix
from fuse_engine.core import registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream
from fuse_engine.data import Image
from fuse_engine.data.image import write_image
from fuse_engine.testing import example
from tests.engine.test_component_contract import ARGUMENTS

IMAGE, MASK = "data.input.image", "data.gt.mask"
SHAPES = {2: (20, 22), 3: (10, 12, 14)}
EVERY = registry.every("augmentation")
MOVING = [cls for cls in EVERY.values() if issubclass(cls, Spatial)]
SETTINGS: dict[str, dict[str, Any]] = {
    "Affine": {"rotate": [-20, 20], "scale": [0.8, 1.2], "translate": [-0.1, 0.1], "shear": [-9, 9]},
    "Clip": {"low": 0.2, "high": 0.8}, "Pad": {"by": [1, 5], "size": None},
}  # fmt: skip
"""Of what does nothing as it is."""
OTHERS = {"CutMix", "Invert", "MixUp", "PoissonNoise", "WrapTransform", "BackgroundReplacement"}
"""What always changes something."""

Make = Callable[[str, int], Augmentation]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    folder = tmp_path_factory.mktemp("backgrounds")
    write_image(folder / "a.png", Image(np.arange(40, dtype=np.uint8).reshape(1, 5, 8), Geometry.plain((5, 8))))
    for place in (folder, folder / "deep"):
        place.mkdir(exist_ok=True)
    volume = np.arange(120, dtype=np.uint8).reshape(1, 3, 5, 8)
    write_image(folder / "deep" / "a.nii.gz", Image(volume, Geometry.plain((3, 5, 8))))

    def made(name: str, dims: int) -> Augmentation:
        given: dict[str, Any] = {**ARGUMENTS.get(name, {}), **SETTINGS.get(name, {}), "p": 1.0}
        cls = EVERY[name]
        if "keys" in cls.model_fields:
            given["keys"] = [IMAGE, MASK] if issubclass(cls, Spatial) else [IMAGE]
        if "steps" in cls.model_fields:
            given["steps"] = [{"Flip": {"keys": [IMAGE]}}, {"GaussianNoise": {"keys": [IMAGE]}}]
        if given.get("size"):
            given["size"] = [8] * dims
        if "folder" in given:
            given |= {"folder": str(folder / ("deep" if dims == 3 else "")), "mask": MASK}
        return example(cls, **given)  # type: ignore[return-value]

    return made


def sample_of(dims: int, name: str = "a") -> NestedDict:
    rng = stream("every", dims, name)
    return NestedDict({
        "data.id": name, IMAGE: rng.random((3, *SHAPES[dims]), np.float32),
        MASK: rng.integers(0, 3, (1, *SHAPES[dims]), np.uint16),
    })  # fmt: skip


def digest(samples: list[Any]) -> str:
    arrays = [sample[key] for sample in samples for key in (IMAGE, MASK)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


class Trained(Dataset[tuple[str, str]]):
    """Two samples by every augmentation, in 2-D and 3-D, as a loader makes them."""

    def __init__(self, steps: list[tuple[str, int, Augmentation]]) -> None:
        self.steps = steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> tuple[str, str]:
        name, dims, step = self.steps[index]
        augmenter = Augmenter([step], 5)
        made = [augmenter(sample_of(dims, each), 3) for each in "ab"]
        return f"{name} {dims}", digest(augmenter.mix(made, 3))


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker")
def test_every_augmentation_is_the_same_in_0_2_and_4_loaders(make: Make) -> None:
    made = Trained([(name, dims, make(name, dims)) for name in EVERY for dims in (2, 3)])
    here = [made[index] for index in range(len(made))]
    for workers in (2, 4):
        loader: DataLoader[Any] = DataLoader(made, 8, num_workers=workers, collate_fn=list)
        assert [item for batch in loader for item in batch] == here
    plain = {dims: digest([sample_of(dims, each) for each in "ab"]) for dims in (2, 3)}
    assert not [name for name, found in here if found == plain[int(name[-1])]], "what does nothing shows nothing"


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", EVERY)
def test_no_stream_of_numbers_is_shared_and_no_input_is_changed(make: Make, name: str, dims: int) -> None:
    samples = [sample_of(dims, each) for each in "ab"]
    for sample in samples:
        for key in (IMAGE, MASK):
            sample[key].flags.writeable = False
    before, known = np.random.get_state()[1].copy(), digest(samples)  # type: ignore[index]
    augmenter = Augmenter([make(name, dims)], 5)
    augmenter.mix([augmenter(sample, 0) for sample in samples], 0)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]
    assert digest(samples) == known


@pytest.mark.parametrize("name", [name for name, cls in EVERY.items() if issubclass(cls, Operation)])
def test_what_has_a_neutral_setting_tells_it(make: Make, name: str) -> None:
    step = make(name, 2)
    assert isinstance(step, Operation)
    assert (step.neutral(Geometry.plain(SHAPES[2])) is None) == (name in OTHERS)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", [
    name for name, cls in EVERY.items() if issubclass(cls, Operation) and not issubclass(cls, BatchOperation)
])  # fmt: skip
def test_what_is_no_number_does_not_end_the_process(make: Make, name: str, value: float) -> None:
    sample = sample_of(2)
    sample[IMAGE][:, 4, 5] = value
    with np.errstate(invalid="ignore"):
        found = Augmenter([make(name, 2)], 5)(sample, 0)
    assert found[IMAGE].dtype == np.float32


def finer(grid: Geometry) -> Geometry:
    """Return the grid of an image of twice the resolution, over the same millimetres."""
    size, spacing = tuple(2 * n for n in grid.size), tuple(step / 2 for step in grid.spacing)
    return Geometry(size, spacing, grid.point((-0.25,) * grid.dims), grid.direction)


@pytest.mark.parametrize("grid", [
    Geometry.plain((48, 64), (2.0, 1.0)), Geometry.plain((24, 48, 40), (3.0, 1.0, 1.5)),
])  # fmt: skip
@pytest.mark.parametrize("cls", MOVING, ids=lambda cls: cls.__name__)
def test_at_any_resolution_the_same_place_moves_the_same_way(make: Make, cls: type, grid: Geometry) -> None:
    step = make(cls.__name__, grid.dims)
    assert isinstance(step, Spatial)
    for seed in range(3):
        params = step.sample(Chance(seed), grid)
        coarse, fine = step.pull(params, grid.shape), step.pull(params, finer(grid).shape)
        assert np.array_equal(fine.shape, np.multiply(coarse.shape, 2))
        places = stream("places").uniform(0, np.subtract(coarse.shape, 1), (50, grid.dims))
        assert np.abs(fine(2 * places + 0.5) - 2 * coarse(places) - 0.5).max() < 1e-3


@pytest.mark.parametrize("cls", MOVING, ids=lambda cls: cls.__name__)
def test_an_image_is_brought_back_by_the_inverse(make: Make, cls: type) -> None:
    """By the matrix where the step is one, else by where its pixels were pushed to."""
    step, grid = make(cls.__name__, 2), Geometry.plain((40, 44))
    assert isinstance(step, Spatial)
    step = step.model_copy(update={"border": "edge"})
    y, x = np.indices(grid.shape)
    image = np.asarray(np.sin(y / 5) + np.cos(x / 6), np.float32)[None]
    params = step.sample(Chance(1), grid)
    moved, pull = step.apply(image, params), step.pull(params, grid.shape)
    inner = np.argwhere(np.ones(grid.shape)).astype(float)
    there = pull.push(inner)
    kept = ((there > 1) & (there < np.subtract(pull.shape, 2))).all(1)
    kept &= ((inner > 1) & (inner < np.subtract(grid.shape, 2))).all(1)
    back = read(moved[0], there[kept])
    assert kept.sum() >= 16
    assert np.abs(back - image[0].ravel()[kept]).max() < 0.06
    if all(isinstance(stage, Matrix) for stage in pull.stages):
        assert np.allclose(pull.inverse(grid.shape)(inner), there)


def read(image: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.ndimage import map_coordinates

    found: NDArray[np.float64] = map_coordinates(image.astype(float), places.T, order=1)
    return found


TOO_MUCH: list[tuple[str, Params]] = [
    ("AverageBlur", {"size": 1e9}), ("Blur", {"sigma": 1e9}), ("Sharpen", {"sigma": 1e9}),
    ("CoarseDropout", {"cells": 1e9}), ("Cutout", {"count": 1e9}), ("HistogramShift", {"points": 1e9}),
    ("Swap", {"pairs": 1e9}), ("Pad", {"by": 1e9}), ("Zoom", {"factor": 1e9}), ("FreeForm", {"sigma": 1e9}),
    ("Elastic", {"num_control_points": [10**9]}), ("GridDistortion", {"num_cells": [10**9]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wrong"), TOO_MUCH, ids=lambda value: value if isinstance(value, str) else "")
def test_what_would_take_for_ever_is_refused(name: str, wrong: Params) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EVERY[name].model_validate({"keys": [IMAGE], **wrong})


def test_no_loop_calls_one_of_another_file() -> None:
    """The caches of numba look no further than the file of what is called: a change there would go unnoticed."""
    for path in Path(kernels.__file__).parent.glob("*.py"):
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not [node.module for node in imports if "kernels" in (node.module or "") or node.level], path.name
