"""What a training does step by step, epoch by epoch, stage by stage."""

from __future__ import annotations

import errno
import math
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from fuse_engine.core.experiment import Experiment
from fuse_engine.models.checkpoint import load
from fuse_engine.run import records
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.process import resume, start
from fuse_engine.run.reporter import tell
from tests.engine.run.story import batches, changed

NO_INFER = {("run", "infer"): False}


def run(experiment: Experiment, **places: Any) -> RunFolder:
    folder = start(
        changed(experiment, {**NO_INFER, **{tuple(name.split("__")): value for name, value in places.items()}})
    )
    return folder


def weights(folder: RunFolder, kind: str = "last") -> dict[str, torch.Tensor]:
    return dict(load(folder.checkpoint(kind))["model"])


def begin(experiment: Experiment) -> dict[str, torch.Tensor]:
    """Return the weights before the first step."""
    assembly = Assembly.of(experiment)
    return dict(assembly.build(assembly.first(assembly.folds.train)).state_dict())


def events(folder: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [event for event in folder.events()[0] if event["kind"] == kind]


def test_a_finished_run_leaves_what_the_design_says(trained: RunFolder) -> None:
    files = ["experiment.yaml", "environment.json", "submit.json", "status.json", "events.jsonl", "metrics.csv"]
    files.append("split.csv")
    folders = ["control", "checkpoints", "tensorboard", "predictions", "analysis"]
    assert {path.name for path in trained.path.iterdir()} == {".lock", *files, *folders}
    assert [len(events(trained, kind)) for kind in ("batch", "epoch")] == [6, 2]
    first = events(trained, "batch")[0]
    assert first["losses"]["total_loss"] == pytest.approx(first["losses"]["cls"] + first["losses"]["seg"])
    assert (first["step"], first["steps"], first["epoch"], len(first["ids"])) == (0, 6, 0, 3)
    assert trained.environment()["precision"] == "32-true"
    assert [path.name.split("-")[1] for path in trained.every_checkpoint("last")] == ["00000006", "00000003"]


def test_the_stored_experiment_is_complete(trained: RunFolder) -> None:
    stored = trained.experiment()
    assert stored.training.optimizer.args["amsgrad"] == "false"
    columns = stored.data.input["clinical"][0].args
    assert "mean" in str(columns), columns


def test_metrics_csv_and_tensorboard_hold_what_the_events_say(trained: RunFolder) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    epochs, frame = events(trained, "epoch"), trained.metrics()
    assert frame["validation.losses.total_loss"].tolist() == pytest.approx(
        [event["validation"]["losses"]["total_loss"] for event in epochs]
    )
    board = EventAccumulator(str(trained.path / "tensorboard" / "train"))
    board.Reload()
    assert [point.value for point in board.Scalars("losses/total_loss")] == pytest.approx(
        [losses["total_loss"] for losses in batches(trained).values()]
    )
    first = [losses["cls"] for losses in list(batches(trained).values())[:3]]
    assert frame["train.losses.cls"][0] == pytest.approx(sum(first) / 3)


def test_a_stage_freezes_a_part_and_sets_its_learning_rate(tiny: Experiment) -> None:
    stages = [{"epochs": 1, "freeze": "backbone", "lr": 0.02}, {"epochs": 1}]
    folder = run(tiny.changed(("training", "checkpoint_steps"), 1000), training__stages=stages)
    assert [event["lr"] for event in events(folder, "batch")] == [0.02] * 3 + [0.001] * 3
    last, first = (load(path)["model"] for path in folder.every_checkpoint("last"))
    untouched = begin(tiny)
    kept = [name for name in first if name.startswith("backbone") and "running" not in name and "num_" not in name]
    for name in kept:
        torch.testing.assert_close(first[name], untouched[name], rtol=0, atol=0)
    assert any(not torch.equal(first[name], last[name]) for name in kept)
    heads = [name for name in first if name.startswith("heads") and name.endswith("weight")]
    assert any(not torch.equal(first[name], untouched[name]) for name in heads)


def test_a_frozen_part_keeps_its_running_statistics(tiny: Experiment) -> None:
    folder = run(tiny, training__stages=[{"epochs": 1, "freeze": "backbone"}])
    found = weights(folder)
    means = [
        value for name, value in found.items() if name.startswith("backbone") and name.endswith("running_mean")
    ]
    assert means
    assert all(not value.any() for value in means)


def test_the_average_is_what_is_validated_and_kept_as_best(tiny: Experiment) -> None:
    folder = run(tiny, training__average=0.5, training__stages=[{"epochs": 1}])
    state, best = load(folder.checkpoint("last")), weights(folder, "best0")
    torch.testing.assert_close(best, state["average"], rtol=0, atol=0)
    assert any(not torch.equal(best[name], state["model"][name]) for name in best)


def test_the_best_epoch_is_sought_where_the_rule_begins(tiny: Experiment) -> None:
    falling = {"SGD": {"lr": 1e-4, "momentum": 0}}
    rule = {"source": "validation.losses.total_loss", "optimization": "max", "after": 0.75}
    stages = [{"epochs": 4}]
    folder = run(tiny, training__optimizer=falling, training__stages=stages, training__best=[rule])
    seen = [event["validation"]["losses"]["total_loss"] for event in events(folder, "epoch")]
    assert seen[3] < max(seen[:3])
    assert load(folder.checkpoint("best"))["epoch"] == 3


def test_the_average_follows_its_formula() -> None:
    from fuse_engine.run.average import Average

    module = torch.nn.Linear(1, 1)
    average = Average(module, 0.9)
    expected = start_value = module.weight.item()
    for step in (0, 1, 1000):
        with torch.no_grad():
            module.weight.fill_(start_value + step)
        average.update(step)
        decay = {0: 1 / 10, 1: 2 / 11, 1000: 0.9}[step]
        expected = decay * expected + (1 - decay) * (start_value + step)
    assert average.state["weight"].item() == pytest.approx(expected)
    with average.in_place():
        assert module.weight.item() == pytest.approx(expected)
    assert module.weight.item() == pytest.approx(start_value + 1000)


def test_the_gradient_is_clipped(tiny: Experiment) -> None:
    sgd = {"SGD": {"lr": 1.0, "momentum": 0}}
    one = [{"epochs": 1}]
    moved = weights(run(tiny, training__optimizer=sgd, training__stages=one, training__gradient_clip=1e-3))
    names = [name for name in moved if name.endswith(("weight", "bias"))]
    way = math.sqrt(sum(float((moved[name] - begin(tiny)[name]).double().pow(2).sum()) for name in names))
    assert 0 < way <= 3 * 1e-3 * 1.001


def test_early_stopping_ends_the_run_as_finished_and_says_why(tiny: Experiment) -> None:
    stopping = [{"EarlyStopping": {"monitor": "train.losses.cls", "patience": 2, "minimum_change": 1e9}}]
    folder = run(tiny, training__stages=[{"epochs": 9}], training__callbacks=stopping)
    status = folder.status()
    assert (status.state, len(events(folder, "epoch"))) == ("finished", 3)
    assert "has not become better for 2 epochs" in status.message


def test_a_time_limit_ends_within_an_epoch_and_still_validates(tiny: Experiment) -> None:
    folder = run(tiny, training__callbacks=[{"TimeLimit": {"minutes": 1e-9}}])
    assert (len(batches(folder)), len(events(folder, "epoch"))) == (1, 1)
    assert folder.checkpoint("best").exists()


def test_losses_that_are_not_finite_are_skipped_then_end_the_run(tiny: Experiment) -> None:
    wild = {"SGD": {"lr": 1e30, "momentum": 0}}
    folder = run(tiny, training__optimizer=wild, training__stages=[{"epochs": 1, "lr": 1e-9}, {"epochs": 5}])
    status = folder.status()
    assert status.state == "failed"
    assert "3 steps in a row; the last good checkpoint is kept" in status.message
    assert len([event for event in events(folder, "warning") if "the step is skipped" in event["message"]]) == 3
    good = load(folder.checkpoint("last"))
    assert good["step"] == 3
    assert all(bool(torch.isfinite(value).all()) for value in good["model"].values())
    assert [losses["total_loss"] for losses in batches(folder).values()][-1] is None


def test_a_finished_run_is_not_continued(trained: RunFolder) -> None:
    with pytest.raises(Exception, match="is finished"):
        resume(trained)


def test_a_full_disk_pauses_the_run_until_there_is_room(tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    free = iter([1000, 1000])
    monkeypatch.setattr("fuse_engine.run.reporter.PAUSE", 0.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, next(free, 10**12)))
    folder = run(tiny)
    assert folder.status().state == "finished"
    assert [event["message"].split(":")[0] for event in events(folder, "warning")] == ["waiting for free space"]
    assert folder.status().message == ""


def test_a_run_does_not_disturb_the_random_numbers_of_its_process(tiny: Experiment) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(tiny, training__stages=[{"epochs": 1}])
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_a_full_disk_loses_no_row_of_the_table_and_only_points_of_tensorboard(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, turns = records.atomic_write, iter(range(100))

    def full(path: Path, content: bytes) -> None:
        if next(turns) in (0, 1, 3):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    def lost(*point: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fuse_engine.run.reporter.PAUSE", 0.0)
    monkeypatch.setattr(records, "atomic_write", full)
    monkeypatch.setattr(records.SummaryWriter, "add_scalar", lost)
    folder = run(tiny)
    assert folder.status().state == "finished", folder.status().message
    assert folder.metrics()["epoch"].tolist() == [0, 1]
    assert "metrics.csv could not be written" in events(folder, "warning")[0]["message"]


def test_a_log_on_a_full_disk_does_not_end_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(OSError, match="No space"):
        print("a warning")
    tell("a warning")


@pytest.mark.parametrize(("part", "step"), [("train", 2), ("validation", 3)])
def test_a_class_that_one_mask_alone_holds_names_sample_and_loss(tiny: Experiment, part: str, step: int) -> None:
    name = getattr(Assembly.of(tiny).folds, part)[-1]
    mask = np.zeros((32, 32), np.uint8)
    mask[4:8, 4:8] = 7
    sitk.WriteImage(sitk.GetImageFromArray(mask), str(tiny.folder / f"mask{name[1:]}.png"))
    status = run(tiny).status()
    assert (status.state, status.step <= step) == ("failed", True)
    assert f"losses.seg.SegmentationCrossEntropy.target: sample '{name}': " in status.message
    assert "holds the class 7" in status.message


def test_the_one_sample_that_a_bad_one_leaves_of_a_batch_does_not_end_the_run(tiny: Experiment) -> None:
    small = {"Resize": {"size": [8, 8]}}
    experiment = tiny.changed(("data", "batch", "size"), 2)
    for place in (("data", "input", "image"), ("data", "gt", "segmentation")):
        steps = experiment.to_data()["data"][place[1]][place[2]]
        experiment = experiment.changed(place, [*steps, small])
    name = Assembly.of(experiment).folds.train[3]
    (tiny.folder / f"image{name[1:]}.png").unlink()
    folder = run(experiment, training__stages=[{"epochs": 1}])
    assert folder.status().state == "finished", folder.status().message
    alone = [event for event in events(folder, "batch") if len(event["ids"]) == 1]
    assert alone
    assert all(event["losses"]["total_loss"] is None for event in alone)
