"""Samples of a batch are mixed with each other by what the batch draws, images and truth alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fuse_engine.augment import Augmentation, Augmenter, BatchOperation, CutMix, MixUp
from fuse_engine.augment.base import RECORD
from fuse_engine.augment.mixing import mixed
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.random import stream
from fuse_engine.losses import CrossEntropy

IMAGE, MASK, CLASS = "data.input.image", "data.gt.segmentation", "data.gt.classification"
Sample = dict[str, Any]


def samples(*shape: int, count: int = 4) -> list[NestedDict]:
    rng = stream("samples", *shape)
    return [
        NestedDict({
            "data.id": f"s{number}", IMAGE: rng.random((2, *shape), np.float32), CLASS: number % 3,
            MASK: rng.integers(0, 4, (1, *shape), np.uint8),
        })
        for number in range(count)
    ]  # fmt: skip


def drawn(sample: Any) -> dict[str, Any]:
    params: dict[str, Any] = sample[RECORD][-1]["params"]
    return params


@pytest.mark.parametrize("shape", [(16, 20), (6, 10, 8)])
def test_mix_up_adds_shares_of_images_and_classes(shape: tuple[int, ...]) -> None:
    batch = samples(*shape)
    by_name = {sample["data.id"]: sample for sample in batch}
    for own, found in zip(
        batch, mixed([MixUp(keys=[IMAGE], targets=[CLASS], classes=3)], 1, batch, 0), strict=True
    ):
        other, share = by_name[drawn(found)["partner"]], drawn(found)["share"]
        assert other is not own
        assert np.allclose(found[IMAGE], own[IMAGE] * (1 - share) + other[IMAGE] * share, atol=1e-6)
        expected = np.eye(3)[own[CLASS]] * (1 - share) + np.eye(3)[other[CLASS]] * share
        assert np.allclose(found[CLASS], expected, atol=1e-6)
        assert found[MASK] is own[MASK]


@pytest.mark.parametrize(("share", "taken"), [(0.4, "own"), (0.6, "other")])
def test_mix_up_takes_the_label_map_of_the_larger_share(share: float, taken: str) -> None:
    batch = samples(8, 8)
    found = mixed([MixUp(keys=[IMAGE, MASK], share=share)], 1, batch, 0)[0]
    partner = next(sample for sample in batch if sample["data.id"] == drawn(found)["partner"])
    assert np.array_equal(found[MASK], (batch[0] if taken == "own" else partner)[MASK])


@pytest.mark.parametrize("shape", [(16, 20), (6, 10, 8)])
def test_cut_mix_pastes_image_labels_and_share_exactly(shape: tuple[int, ...]) -> None:
    batch = samples(*shape)
    by_name = {sample["data.id"]: sample for sample in batch}
    step = CutMix(keys=[IMAGE, MASK], targets=[CLASS], classes=3, share=[0.2, 0.5])
    for own, found in zip(batch, mixed([step], 1, batch, 0), strict=True):
        params = drawn(found)
        other, inside = by_name[params["partner"]], np.zeros(shape, bool)
        inside[tuple(slice(a, a + n) for a, n in zip(params["first"], params["size"], strict=True))] = True
        assert 0.15 < inside.mean() < 0.55
        for key in (IMAGE, MASK):
            assert np.array_equal(found[key], np.where(inside, other[key], own[key]))
            assert found[key].dtype == own[key].dtype
        expected = np.eye(3)[own[CLASS]] * (~inside).mean() + np.eye(3)[other[CLASS]] * inside.mean()
        assert np.allclose(found[CLASS], expected, atol=1e-6)


def test_a_batch_is_mixed_by_its_own_ids_and_epoch() -> None:
    batch, step = samples(8, 8), MixUp(keys=[IMAGE])
    first = [drawn(sample) for sample in mixed([step], 1, batch, 0)]
    assert first == [drawn(sample) for sample in mixed([step], 1, samples(8, 8), 0)]
    assert first != [drawn(sample) for sample in mixed([step], 1, batch, 1)]
    assert first != [drawn(sample) for sample in mixed([step], 2, batch, 0)]
    assert first[:3] != [drawn(sample) for sample in mixed([step], 1, batch[:3], 0)]


def test_one_step_goes_on_with_what_the_other_has_left() -> None:
    steps = [MixUp(keys=[IMAGE], targets=[CLASS], classes=3), CutMix(keys=[IMAGE], targets=[CLASS], classes=3)]
    found = mixed(steps, 1, samples(12, 12), 0)
    assert [item["name"] for item in found[0][RECORD]] == ["MixUp", "CutMix"]
    assert all(sample[CLASS].sum() == pytest.approx(1) for sample in found)


@pytest.mark.parametrize("step", [MixUp(keys=[IMAGE], p=0), MixUp(keys=[IMAGE], enabled=False)])
def test_a_batch_may_be_left_alone(step: BatchOperation) -> None:
    batch = samples(8, 8)
    assert all(found[IMAGE] is own[IMAGE] for own, found in zip(batch, mixed([step], 1, batch, 0), strict=True))
    assert mixed([MixUp(keys=[IMAGE])], 1, batch[:1], 0)[0][IMAGE] is batch[0][IMAGE]


def steps_of(*entries: dict[str, Any]) -> list[Augmentation]:
    parse = Slot("augmentation").parse
    return [step for step in map(parse, entries) if isinstance(step, Augmentation)]


MIX: dict[str, Any] = {"MixUp": {"keys": [IMAGE]}}
FLIP: dict[str, Any] = {"Flip": {"keys": [IMAGE]}}


@pytest.mark.parametrize(
    ("entries", "message"),
    [([MIX, FLIP], "Flip comes after a step that mixes"),
     ([{"Maybe": {"steps": [MIX]}}], "cannot stand within Maybe"),
     ([{"Sequential": {"steps": [{"Repeat": {"steps": [MIX]}}]}}], "MixUp cannot stand within Sequential")],
)  # fmt: skip
def test_batches_are_mixed_last_and_by_steps_of_their_own(entries: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        Augmenter(steps_of(*entries), 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"keys": ["data.input.imag"]}, "did you mean 'data.input.image'"),
     ({"keys": [IMAGE], "targets": [CLASS], "classes": 2}, "sample 's2'.*a class from 0 to 1.*got 2")],
)  # fmt: skip
def test_what_cannot_be_mixed_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SampleError, match=message):
        mixed([MixUp.model_validate(fields)], 1, samples(8, 8), 0)


def test_images_of_other_sizes_are_named() -> None:
    with pytest.raises(SampleError, match="different shapes in one batch.*Resize"):
        mixed([MixUp(keys=[IMAGE])], 1, [*samples(8, 8), NestedDict({**samples(9, 8)[0], "data.id": "s9"})], 0)
    batch = [
        NestedDict({**sample, "data.input.small": np.zeros((1, 4, 4), np.float32)}) for sample in samples(8, 8)
    ]
    with pytest.raises(SampleError, match="different sizes have no box in common"):
        mixed([CutMix(keys=[IMAGE, "data.input.small"])], 1, batch, 0)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_cross_entropy_takes_shares(weights: list[float] | None, smoothing: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits, classes = torch.randn(5, 3, generator=generator), torch.tensor([0, 2, 1, 1, 0])
    loss = CrossEntropy(pred="model.logits.a", target=CLASS, label_smoothing=smoothing, class_weights=weights)
    hard = torch.nn.functional.one_hot(classes, 3).float()
    assert float(loss(logits, hard)) == pytest.approx(float(loss(logits, classes)), rel=1e-5)
    soft = torch.rand(5, 3, generator=generator).softmax(1)
    if weights is None:
        expected = torch.nn.functional.cross_entropy(logits, soft, label_smoothing=smoothing)
        assert float(loss(logits, soft)) == pytest.approx(float(expected), rel=1e-6)
    with pytest.raises(FuseError, match="does not hold shares"):
        loss(logits, 2 * soft)
    with pytest.raises(FuseError, match=r"\(batch, classes\)"):
        loss(logits, soft[:, :2])
