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
from fuse_engine.losses import MSE, Cox, CrossEntropy, Dice, Loss, Mixture, WarmUp
from fuse_engine.run import checkpoint
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check
from fuse_engine.run.evaluation import Sums, counts, loss_shares
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


REG: dict[str, Any] = {"pred": "model.logits.age", "target": "data.gt.age"}
ONLY: dict[str, Any] = {"only_key": "data.input.site", "only_values": [1]}


@pytest.mark.parametrize(
    "loss",
    [
        CrossEntropy(**CLS), CrossEntropy(**CLS, **ONLY), CrossEntropy(**CLS, sample_weights="data.input.w"),
        CrossEntropy(**CLS, missing=-1, **ONLY, sample_weights="data.input.w"), MSE(**REG, missing="nan"),
        Dice(**SEG, missing=9, **ONLY), WarmUp(loss=CrossEntropy(**CLS, missing=-1), steps=0),
        Mixture(losses=[CrossEntropy(**CLS, **ONLY)], sample_weights="data.input.w"),
        Cox(pred="model.logits.age", time="data.gt.time", event="data.gt.died"),
    ],
    ids=lambda loss: "-".join([loss.name(), *sorted(loss.model_fields_set - {"pred", "target"})]),
)  # fmt: skip
def test_the_mean_of_an_epoch_is_that_of_the_samples_that_count(loss: Loss) -> None:
    torch.manual_seed(1)
    whole = {
        CLS["pred"]: torch.randn(6, 3), CLS["target"]: torch.tensor([0, 1, 2, 0, 1, 2]),
        "data.input.site": torch.tensor([2, 2, 1, 1, 1, 2]), "data.input.w": torch.tensor([1.0, 0, 3, 0.5, 2, 1]),
        REG["pred"]: torch.randn(6, 1), REG["target"]: torch.tensor([1, torch.nan, 3, torch.nan, torch.nan, 2]),
        SEG["pred"]: torch.randn(6, 2, 4, 4), SEG["target"]: torch.randint(0, 2, (6, 1, 4, 4)),
        "data.gt.time": torch.arange(6), "data.gt.died": torch.tensor([0, 0, 1, 0, 0, 0]),
    }  # fmt: skip
    if getattr(getattr(loss, "loss", loss), "missing", None) == -1:
        whole[CLS["target"]] = torch.tensor([-1, -1, 2, 0, -1, 2])
    whole[SEG["target"]][3] = 9
    whole[SEG["target"]][4, :, :2] = 9
    losses, sums = {"one": loss}, Sums()
    parts = [slice(0, 2), slice(2, 6)]  # nothing, or one sample, of the first counts
    for part in parts:
        batch = NestedDict({key: value[part] for key, value in whole.items()})
        shares = {name: float(value) for name, value in loss_shares(losses, batch, ["s"] * len(whole)).items()}
        sums.add(shares, counts(losses, batch, len(batch[CLS["target"]])))
    expected = float(loss.compute(NestedDict(whole)))
    assert sums.means() == pytest.approx({"one": expected, "total_loss": expected}, rel=1e-5)


def test_a_loss_that_no_sample_of_an_epoch_counts_in_is_0_and_the_total_the_sum_of_the_means() -> None:
    sums = Sums()
    assert sums.means() == {}
    sums.add({"a": 0.0, "b": 4.0, "total_loss": 4.0}, {"a": 0.0, "b": 1.0})
    sums.add({"a": 0.0, "b": 1.0, "total_loss": 1.0}, {"a": 0.0, "b": 2.0})
    assert sums.means() == {"a": 0.0, "b": 2.0, "total_loss": 2.0}


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
