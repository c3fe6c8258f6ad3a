"""Losses in a run: what waits, what counts, what is said of them before and after."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.losses import Cox, CrossEntropy, WarmUp
from fuse_engine.run import checkpoint
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check
from fuse_engine.run.evaluation import loss_shares
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.gate import truth_classes
from fuse_engine.run.process import resume, start
from fuse_engine.run.sample_losses import sample_losses
from tests.engine.run.story import Fork, batches, changed, until

CLS: dict[str, Any] = {"pred": "model.logits.classifier", "target": "data.gt.classification"}
SEG: dict[str, Any] = {"pred": "model.logits.segmentation", "target": "data.gt.segmentation"}


def waiting(experiment: Experiment, steps: int, alone: bool = False) -> Experiment:
    late = {"WarmUp": {"loss": {"Dice": SEG}, "steps": steps}}
    losses = {"late": late} if alone else {"cls": {"CrossEntropy": CLS}, "late": late}
    return changed(experiment, {("losses",): losses, ("run", "infer"): False})


def test_a_loss_that_waits_counts_training_steps_only(tiny: Experiment) -> None:
    run = start(waiting(tiny, 4))
    assert run.status().state == "finished", run.status().message
    late = [losses["late"] for _, losses in sorted(batches(run).items())]
    assert late[:4] == [0.0] * 4  # a validation of two batches came after the third step
    assert all(value > 0 for value in late[4:])
    epochs = [event for event in run.events()[0] if event["kind"] == "epoch"]
    assert all(event["validation"]["losses"]["late"] > 0.1 for event in epochs)


def test_alone_it_leaves_the_weights_as_they_are_until_it_begins(tiny: Experiment) -> None:
    experiment = changed(waiting(tiny, 3, alone=True), {("training", "stages"): [{"epochs": 1}]})
    run = start(experiment)
    assert run.status().state == "finished", run.status().message
    assert [losses["total_loss"] for losses in batches(run).values()] == [0.0] * 3
    assembly = Assembly.of(experiment)
    drawn = dict(assembly.build(assembly.first(assembly.folds.train)).named_parameters())
    kept = checkpoint.load(run.checkpoint("last"))["model"]
    assert all(torch.equal(kept[name], value) for name, value in drawn.items())


def test_continued_it_goes_on_counting(tiny: Experiment, fork: Fork) -> None:
    experiment = waiting(tiny, 4)
    whole, stopped = start(experiment), RunFolder.create(experiment.folder / "runs", experiment)
    pid = fork(stopped)
    until(lambda: bool(batches(stopped)) if (stopped.path / "events.jsonl").exists() else False)
    stopped.request("stop")
    os.waitpid(pid, 0)
    assert stopped.status().state == "stopped"
    resume(stopped)
    assert stopped.status().state == "finished"
    assert batches(stopped) == batches(whole)


def test_the_losses_of_single_samples_wait_too_and_leave_out_what_does_not_count() -> None:
    torch.manual_seed(1)
    logits, target = torch.randn(3, 2), torch.tensor([0, 1, 1])
    batch = NestedDict({CLS["pred"]: logits, CLS["target"]: target, "data.input.site": torch.tensor([1, 2, 1])})
    plain = CrossEntropy(**CLS)
    only = CrossEntropy(**CLS, only_key="data.input.site", only_values=[1], weight=2)
    losses = {"late": WarmUp(loss=plain, steps=5), "only": only}
    each = torch.nn.functional.cross_entropy(logits, target, reduction="none")
    assert sample_losses(losses, batch, 3, 4)["late"] == [0, 0, 0]
    assert sample_losses(losses, batch, 3, 5)["late"] == pytest.approx(each.tolist())
    assert sample_losses(losses, batch, 3)["only"] == pytest.approx((each * torch.tensor([2, 0, 2])).tolist())
    shares = loss_shares(losses, batch, ["a", "b", "c"], 4)
    assert float(shares["total_loss"]) == pytest.approx(float(each[[0, 2]].mean() * 2))


def test_what_compares_samples_has_no_loss_of_one() -> None:
    keys = {"pred": "model.logits.risk", "time": "data.gt.time", "event": "data.gt.event"}
    batch = NestedDict(
        {keys["pred"]: torch.zeros(3, 1), keys["time"]: torch.arange(3.0), keys["event"]: torch.ones(3)}
    )
    with pytest.raises(FuseError, match=r"losses\.risk: compares the samples of a batch"):
        sample_losses({"risk": WarmUp(loss=Cox(**keys), steps=0)}, batch, 3)


def losses_of(experiment: Experiment, entry: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in check(changed(experiment, {("losses",): {"one": entry}}))]


@pytest.mark.parametrize(
    ("entry", "place", "message"),
    [
        ({"BinaryCrossEntropy": CLS}, "losses.one.BinaryCrossEntropy.pred", "softmax"),
        ({"CrossEntropy": {**CLS, "sample_weights": "data.input.wait"}}, "sample_weights", "nothing produces"),
        ({"CrossEntropy": {**CLS, "only_key": "data.input.clinical"}}, "losses.one", "`only_values` together"),
        ({"WarmUp": {"loss": {"Dice": {**SEG, "class_weights": [1]}}, "steps": 3}},
         "losses.one.WarmUp.loss.Dice.class_weights", "one weight for each class is needed"),
        ({"Mixture": {"losses": [{"Dice": SEG}, {"BinaryCrossEntropy": SEG}]}},
         "losses.one.Mixture.losses.1.BinaryCrossEntropy.pred", "softmax"),
        ({"Composite": {**SEG, "expression": "dice_loss+0.5*focl_loss"}},
         "losses.one.Composite.expression", "did you mean 'focal_loss'?"),
        ({"LossFunction": {**CLS, "function": "torch.nn.CrossEntropyLoss", "arguments": {"wight": [1, 2]}}},
         "losses.one.LossFunction.arguments", "did you mean 'weight'?"),
        ({"LossFunction": {**CLS, "function": "torch.nn.CrosEntropyLoss"}},
         "losses.one.LossFunction.function", "did you mean 'torch.nn.CrossEntropyLoss'?"),
    ],
)  # fmt: skip
def test_wrong_use_is_said_at_the_field(tiny: Experiment, entry: dict[str, Any], place: str, message: str) -> None:
    try:
        found = losses_of(tiny, entry)
    except FuseError as error:
        found = [str(error)]
    assert any(place in line and message in line for line in found), found


def test_a_truth_within_another_loss_is_examined_unless_a_class_stands_for_none(tiny: Experiment) -> None:
    held = {"Mixture": {"losses": [{"Dice": SEG}, {"CrossEntropy": {**CLS, "missing": -1}}]}}
    experiment = changed(tiny, {("losses",): {"one": held}})
    assert truth_classes(experiment) == {"data.gt.segmentation": 2}


def test_mixed_truths_are_looked_for_within_other_losses(tiny: Experiment, tmp_path: Path) -> None:
    steps = [{"MixUp": {"keys": ["data.input.image"], "targets": ["data.gt.classification"], "classes": 2}}]
    held = {"WarmUp": {"loss": {"Focal": CLS}, "steps": 1}}
    found = [
        str(problem) for problem in check(changed(tiny, {("losses",): {"one": held}, ("augmentation",): steps}))
    ]
    assert any("losses.one.WarmUp.loss.Focal.target" in line and "Focal takes one class" in line for line in found)
