"""A batch of a run, rebuilt, with the loss of each of its samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.losses import CrossEntropy, Dice
from fuse_engine.run import sample_losses as module
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.microscope import look
from fuse_engine.run.process import start
from fuse_engine.run.replay import Replay
from fuse_engine.run.sample_losses import Ledger, sample_losses
from fuse_engine.service.batches import batch
from fuse_engine.service.work import Work
from tests.engine.run.story import changed

LOGITS, CLASS = "model.logits.classifier", "data.gt.classification"


@pytest.fixture
def scores() -> NestedDict:
    torch.manual_seed(1)
    found = NestedDict({LOGITS: torch.randn(4, 3), CLASS: torch.tensor([0, 2, 1, 1])})
    found["model.logits.mask"], found["data.gt.mask"] = torch.randn(4, 2, 6, 5), torch.randint(0, 2, (4, 1, 6, 5))
    return found


def losses() -> dict[str, Any]:
    return {
        "cls": CrossEntropy(pred=LOGITS, target=CLASS, weight=2),
        "seg": Dice(pred="model.logits.mask", target="data.gt.mask"),
    }


def test_each_sample_has_the_loss_of_a_batch_of_its_own(scores: NestedDict) -> None:
    found = sample_losses(losses(), scores, 4)
    expected = 2 * F.cross_entropy(scores[LOGITS], scores[CLASS], reduction="none")
    np.testing.assert_allclose(found["cls"], expected.numpy(), rtol=1e-6)
    assert math.isclose(np.mean(found["seg"]), float(losses()["seg"].compute(scores)), rel_tol=1e-6)
    np.testing.assert_allclose(found["total_loss"], np.add(found["cls"], found["seg"]), rtol=1e-6)


def test_they_cost_at_most_a_share_of_the_steps_time(scores: NestedDict, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock) * 0.5)  # each costs half a second
    ledger, told = Ledger(losses(), steps=400), []
    for step in range(400):
        if ledger.of(step, scores, 4):
            told.append(step)
        ledger.stepped(1.0)
    assert told == [0, *range(100, 400, 50)]
    rare = Ledger(losses(), steps=10 * module.STEPS, share=1)
    rare.stepped(100)
    assert [step for step in range(40) if rare.of(step, scores, 4)] == [0, 10, 20, 30]


def test_a_loss_that_one_sample_alone_has_not_never_ends_a_training(
    scores: NestedDict, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores[CLASS] = torch.tensor([0, 7, 1, 1])
    ledger = Ledger(losses(), steps=10)
    assert ledger.of(0, scores, 4) is None
    scores[CLASS] = torch.tensor([0, 2, 1, 1])
    assert ledger.of(1, scores, 4) is None


def test_the_first_step_s_batch_comes_with_its_recorded_losses(trained: RunFolder) -> None:
    event = next(event for event in trained.events()[0] if event["kind"] == "batch")
    reply = batch(Work(1, "batch", {}, lambda message: None), str(trained.path), 0)
    assert [seen["id"] for seen in reply["samples"]] == event["ids"]
    assert (reply["step"], reply["epoch"], reply["note"]) == (0, 0, "")
    mean = np.mean([seen["losses"]["cls"] for seen in reply["samples"]])
    assert abs(mean - event["losses"]["cls"]) < 1e-4
    assert all(math.isclose(seen["loss"], seen["losses"]["total_loss"]) for seen in reply["samples"])
    replay = Replay.of(trained)
    for seen in reply["samples"]:
        again = replay.sample(seen["id"], 0)
        assert seen["applied"] == again["data.augmentation"]
        assert [(key, picture["label"]) for key, picture in seen["pictures"].items()] == [
            ("data.input.image", False), ("data.gt.segmentation", True),
        ]  # fmt: skip
        for key, picture in seen["pictures"].items():
            np.testing.assert_array_equal(picture["array"], again[key])


def test_without_recorded_losses_those_of_the_nearest_checkpoint_are_told(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 0)
    folder = start(changed(tiny, {("run", "infer"): False, ("training", "stages"): [{"epochs": 1}]}))
    assert all("each" not in event for event in folder.events()[0])
    found = look(folder, 2, Replay.of(folder))
    assert "computed with the weights after 3 steps" in found.note
    assert all(seen.loss is not None and math.isfinite(seen.loss) for seen in found.samples)
    for path in folder.checkpoints.iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    bare = look(folder, 2, Replay.of(folder))
    assert "there is no checkpoint" in bare.note
    assert [seen.loss for seen in bare.samples] == [None] * 3


def test_a_sample_that_is_gone_is_told_and_the_others_are_shown(tiny: Experiment) -> None:
    folder = start(changed(tiny, {("run", "infer"): False, ("training", "stages"): [{"epochs": 1}]}))
    gone = next(event for event in folder.events()[0] if event["kind"] == "batch")["ids"][0]
    (tiny.folder / f"image{gone[1:]}.png").unlink()
    found = look(folder, 0, Replay.of(folder))
    assert found.note == f"cannot be read any more: {gone}"
    assert [seen.sample is None for seen in found.samples] == [seen.id == gone for seen in found.samples]


def test_a_sample_that_is_no_longer_listed_is_told_and_the_others_are_shown(trained: RunFolder) -> None:
    ids = next(event for event in trained.events()[0] if event["kind"] == "batch")["ids"]
    table = trained.experiment_folder() / "cohort.csv"
    before = table.read_text(encoding="utf-8")
    table.write_text("".join(row for row in before.splitlines(True) if not row.startswith(f"{ids[1]},")))
    try:
        found = look(trained, 0, Replay.of(trained))
    finally:
        table.write_text(before, encoding="utf-8")
    assert found.note == f"cannot be read any more: {ids[1]}"
    assert [seen.sample is None for seen in found.samples] == [name == ids[1] for name in ids]
    assert all(seen.loss is not None for seen in found.samples), "what was recorded is still known"


@pytest.mark.parametrize(
    ("facts", "message"),
    [({"ids": []}, "has not taken step 0"), ({"ids": "s01"}, "has not taken step 0"), ({"epoch": None}, "step 0"),
     ({"each": {"cls": ["low"] * 4}}, ""), ({"each": [1]}, ""), ({"each": {"cls": [1.0]}}, "")],
)  # fmt: skip
def test_a_record_that_others_wrote_into_is_no_end(
    trained: RunFolder, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], message: str
) -> None:
    events, end = trained.events()
    odd = [{**event, **facts} if event.get("step") == 0 else event for event in events]
    monkeypatch.setattr(RunFolder, "events", lambda *_: (odd, end))
    if message:
        with pytest.raises(RunError, match=message):
            look(trained, 0, Replay.of(trained))
    else:
        assert "not the losses of training" in look(trained, 0, Replay.of(trained)).note


def test_a_step_that_was_not_taken_is_refused(trained: RunFolder) -> None:
    with pytest.raises(RunError, match="has not taken step 6; expected 0 to 5"):
        look(trained, 6, Replay.of(trained))
