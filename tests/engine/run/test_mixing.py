"""Batches are mixed the same way wherever they are put together, and made again as they were trained on."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor

from fuse_engine.augment.base import RECORD
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check
from fuse_engine.run.loading import Items, Loaded, Loader, plain_batches
from fuse_engine.run.process import start
from fuse_engine.run.replay import Replay
from tests.engine.run.story import batches, changed

IMAGE, MASK, CLASS = "data.input.image", "data.gt.segmentation", "data.gt.classification"
CUTMIX = {"CutMix": {"keys": [IMAGE, MASK], "targets": [CLASS], "classes": 2}}


@pytest.fixture
def study(tiny: Experiment) -> Experiment:
    steps = [{"Flip": {"keys": [IMAGE, MASK]}}, CUTMIX]
    return changed(tiny, {("augmentation",): steps, ("training", "stages", 0, "epochs"): 1})


def tensors(loaded: list[Loaded]) -> list[tuple[str, Tensor]]:
    found = [dict(batch.data.items()) for batch in loaded if batch.data is not None]
    return [(key, value.clone()) for data in found for key, value in data.items() if isinstance(value, Tensor)]


def test_loaders_mix_the_same_batch_as_this_process(study: Experiment) -> None:
    assembly = Assembly.of(study)
    items = Items(assembly.dataset, assembly.augmenter())
    batches = assembly.timetable().batches(0)
    addresses = [[(0, name) for name in batch] for batch in batches]
    one, two = (tensors(list(Loader(items, addresses, workers, 4))) for workers in (0, 2))
    assert [key for key, _ in one] == [key for key, _ in two]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(one, two, strict=True))
    assert dict(one)[CLASS].shape == (len(batches[-1]), 2)
    [plain] = Loader(items, plain_batches(batches[0], 9), 0, 9)
    assert plain.data is not None
    assert plain.data[CLASS].shape == (len(batches[0]),)


def test_a_run_learns_from_mixed_batches_and_they_can_be_made_again(study: Experiment) -> None:
    assert check(study) == []
    folder = start(study)
    assert folder.status().state == "finished", folder.status().message
    assert all(np.isfinite(list(losses.values())).all() for losses in batches(folder).values())
    event = next(event for event in folder.events()[0] if event["kind"] == "batch")
    replay = Replay.of(folder)
    batch = replay.batch(0, event["ids"])
    assembly = Assembly.of(study)
    [loaded] = Loader(Items(assembly.dataset, assembly.augmenter()), [[(0, name) for name in event["ids"]]], 0, 4)
    assert loaded.data is not None
    for index, name in enumerate(event["ids"]):
        again, sample = replay.sample(name, 0), batch[index]
        assert sample is not None
        assert again[RECORD][-1]["name"] == "CutMix"
        assert again[RECORD][-1]["params"]["partner"] in event["ids"]
        for key in (IMAGE, MASK, CLASS):
            assert np.array_equal(loaded.data[key][index].numpy(), sample[key])
            assert np.array_equal(again[key], sample[key])


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [(("augmentation", 1, "CutMix", "targets"), [], "CutMix mixes images, but not 'data.gt.classification'"),
     (("augmentation", 1, "CutMix", "classes"), 3, "augmentation.1.CutMix.classes.*expected 2; got 3"),
     (("losses", "cls"), {"Focal": {"pred": "model.logits.classifier", "target": CLASS}}, "Focal takes one class"),
     (("augmentation",), [CUTMIX, {"Flip": {"keys": [IMAGE, MASK]}}], "Flip comes after")],
)  # fmt: skip
def test_what_cannot_learn_from_mixed_samples_is_said_before(
    study: Experiment, place: tuple[str | int, ...], value: object, message: str
) -> None:
    problems = [str(problem) for problem in check(study.changed(place, value))]
    assert any(re.search(message, problem) for problem in problems), problems
