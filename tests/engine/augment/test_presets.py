"""The lists of augmentations that come with the program can be used as they are, in 2-D and 3-D."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fuse_engine.augment import Augmentation, Augmenter
from fuse_engine.core.augmentation_presets import ImageKeys, augmentation_preset, augmentation_presets
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream

IMAGE, SECOND, MASK = "data.input.image", "data.input.other", "data.gt.mask"


def steps_of(name: str, dims: int) -> list[Augmentation]:
    keys = ImageKeys((IMAGE, SECOND), (MASK,), 3 if dims == 3 else 2)
    slot: Any = Slot("augmentation")
    return [slot.parse(entry) for entry in augmentation_preset(name).steps(keys)]


def sample(dims: int, number: int) -> NestedDict:
    shape = (6, 18, 16)[-dims:]
    rng = stream("preset", number)
    found = NestedDict({"data.id": f"s{number}", MASK: rng.integers(0, 3, (1, *shape), np.uint8)})
    for key in (IMAGE, SECOND):
        found[key] = rng.normal(size=(2, *shape)).astype(np.float32)
    return found


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", [name for name in augmentation_presets() if name != "none"])
def test_a_preset_changes_images_and_label_maps_together(name: str, dims: int) -> None:
    augmenter = Augmenter(steps_of(name, dims), 1)
    used: set[str] = set()
    for number in range(60):
        before = sample(dims, number)
        record = augmenter.draw(before, 0)
        names = {item.name for item in record if item.params is not None}
        after = augmenter.apply(before, record)
        assert np.isfinite(after[IMAGE]).all()
        assert set(np.unique(after[MASK])) <= {0, 1, 2}
        if not names & {"Affine", "Flip"}:
            np.testing.assert_array_equal(after[MASK], before[MASK])
        used |= names
    assert used == {operation.name() for operation in augmenter.operations.values()}


def test_none_leaves_samples_alone() -> None:
    assert steps_of("none", 2) == []


def test_fusemedml_s_pipeline_is_applied_to_half_of_the_samples() -> None:
    augmenter = Augmenter(steps_of("fusemedml", 2), 1)
    records = [augmenter.draw(sample(2, number), 0) for number in range(400)]
    for name in ("Affine", "Gamma", "GaussianNoise"):
        share = np.mean([any(i.name == name and i.params is not None for i in record) for record in records])
        assert abs(share - 0.5) < 4 * np.sqrt(0.25 / 400)
    turns = [i.params["rotate"][0] for record in records for i in record if i.name == "Affine" and i.params]
    assert -30 <= min(turns) < -25
    assert 25 < max(turns) <= 30


def test_keys_come_from_what_a_sample_holds() -> None:
    pictures = {
        "data.input.view": {"array": np.zeros((1, 4, 5)), "label": False},
        "data.gt.mask": {"array": np.zeros((1, 4, 5)), "label": True},
        "data.input.volume": {"array": np.zeros((1, 2, 4, 5)), "label": False},
    }
    assert ImageKeys.of(pictures) == ImageKeys(("data.input.view",), ("data.gt.mask",), 2)
    with pytest.raises(FuseError, match="there is no image to augment"):
        ImageKeys.of({"data.gt.mask": pictures["data.gt.mask"]})


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(FuseError, match=r"no preset 'nnunett'; expected one of .*; did you mean 'nnunet'"):
        augmentation_preset("nnunett")
