"""A run from the shell: train, watch, stop, continue, predict, measure, explain."""

from __future__ import annotations

import json
import signal
import threading
import time

import pytest
import SimpleITK as sitk

from fuse_engine.cli import main
from fuse_engine.run import process
from fuse_engine.run.folder import RunFolder, list_runs
from fuse_engine.testing import tiny_experiment

LOCAL = ("--run.executor", "{Local: {}}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of an experiment with one finished run."""
    folder = tmp_path_factory.mktemp("study")
    tiny_experiment(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSE_CACHE", str(folder / "cache"))
        assert main(["train", str(folder / "tiny.yaml")]) == 0
    return folder


@pytest.fixture
def run(finished, monkeypatch):
    monkeypatch.chdir(finished)
    (folder,) = list_runs(finished / "runs")
    return folder


def test_runs_are_listed_for_people_and_for_scripts(shell, run):
    code, (head, line), errors = shell("runs")
    assert (code, errors) == (0, [])
    assert head.split() == ["RUN", "EXPERIMENT", "STATE", "EPOCH", "STARTED", "MESSAGE"]
    assert line.split()[:4] == [run.name, "tiny", "finished", "2/2"]
    (facts,) = json.loads("\n".join(shell("runs", "--json")[1]))
    assert (facts["path"], facts["state"], facts["step"]) == (str(run.path), "finished", facts["steps"])


def test_a_run_is_found_by_folder_and_by_id_and_the_nearest_is_named(shell, run):
    assert shell("analyze", run.path)[0] == shell("analyze", run.name)[0] == 0
    code, _, errors = shell("analyze", run.name[:-1] + "x")
    assert code == 1
    assert f"did you mean '{run.name}'?" in errors[0]


def test_infer_writes_a_table_and_says_where(shell, run):
    code, lines, _ = shell("infer", run.name, "--part", "validation", "--checkpoint", "last")
    assert (code, lines) == (0, [str(run.predictions / "validation.parquet")])
    code, _, errors = shell("infer", run.name, "--checkpoint", "bset")
    assert code == 1
    assert "did you mean 'best" in errors[0]


def test_analyze_prints_what_it_writes(shell, run):
    code, lines, _ = shell("analyze", run.name)
    assert code == 0
    assert lines[0].startswith("METRIC")
    assert {line.split()[0].split(".")[0] for line in lines[1:-1]} == {"auc", "iou"}
    report = json.loads("\n".join(shell("analyze", run.name, "--json")[1]))
    assert report == json.loads((run.analysis / "metrics.json").read_text(encoding="utf-8"))


def test_explain_writes_a_heatmap_on_the_image(shell, run, tmp_path):
    path = tmp_path / "heat.nii.gz"
    words = ("explain", run.name, "--sample", "s02", "--head", "classifier", "--target", "1", "--output", path)
    code, (line,), _ = shell(*words)
    assert code == 0
    assert line.startswith(f"{path}  (classifier, class 1, one cell is ")
    heat = sitk.ReadImage(str(path))
    assert heat.GetSize() == (32, 32)
    code, _, errors = shell("explain", run.name, "--sample", "s99")
    assert code == 1
    assert "no sample 's99'" in errors[0]


def test_a_finished_run_is_not_continued(shell, run):
    code, _, errors = shell("train", "--resume", run.name)
    assert code == 1
    assert f"run {run.name} is finished" in errors[0]
    assert shell("train", "--resume", run.name, "--seed", "3")[0] == 2


def test_a_bad_sample_is_named_and_starts_no_run_only_where_that_was_chosen(shell, tiny, monkeypatch):
    started = []
    monkeypatch.setattr("fuse_engine.run.process.start", started.append)
    (tiny.parent / "image03.png").unlink()
    _, _, told = shell("train", tiny, "--data.checks.failed", "stop")
    assert "sample 's03'" in told[0]
    assert started == []
    assert shell("train", tiny)[2] == told
    assert len(started) == 1
    (tiny.parent / "cohort.csv").write_text((tiny.parent / "cohort.csv").read_text().replace("image", "imgae"))
    shell("train", tiny)
    assert len(started) == 1


def test_a_leak_starts_no_run_though_it_names_a_sample(shell, tiny, monkeypatch):
    started = []
    monkeypatch.setattr("fuse_engine.run.process.start", started.append)
    table = tiny.parent / "cohort.csv"
    for number in range(2, 16, 2):
        table.write_text(table.read_text().replace(f"image{number:02d}.png", "image00.png"))
    code, _, errors = shell("train", tiny)
    assert (code, started) == (1, [])
    assert "the same file is in two parts: 'image00.png'" in errors[0]


def test_train_for_scripts_gives_the_last_values(shell, tiny):
    code, lines, _ = shell("train", tiny, "--json", "--training.stages", "[{epochs: 1}]", "--no-infer")
    reply = json.loads("\n".join(lines))
    assert (code, reply["state"], reply["epochs"]) == (0, "finished", 1)
    table = RunFolder(reply["path"]).metrics()
    assert reply["values"]["validation.losses.total_loss"] == table["validation.losses.total_loss"].iloc[-1]


def test_a_run_that_fails_is_3_and_says_why(shell, tiny):
    code, lines, _ = shell(
        "train", tiny, "--training.optimizer.Adam.lr", "1e30", "--training.stages", "[{epochs: 9}]"
    )
    assert code == 3
    assert lines[-1].startswith("failed: ")
    assert "not finite" in lines[-1]


def test_a_bad_experiment_starts_no_run(shell, tiny):
    code, _, errors = shell("train", tiny, "--model.MultiHead.backbone", "{ResNt: {}}")
    assert code == 1
    assert "did you mean 'ResNet'?" in errors[0]
    assert not (tiny.parent / "runs").exists()


def test_detached_returns_while_the_run_goes_on(shell, tiny):
    code, (path,), _ = shell("train", tiny, "--detach", *LOCAL, "--training.stages", "[{epochs: 1000}]")
    folder = RunFolder(path)
    assert (code, folder.status().state in ("starting", "running")) == (0, True)
    process.kill(folder, grace=1)
    assert folder.status().state in ("cancelled", "stopped")


def test_ctrl_c_stops_the_run_with_a_checkpoint_that_resume_takes_up(shell, tiny):
    def interrupt():
        end = time.monotonic() + 120
        while time.monotonic() < end:
            time.sleep(0.05)
            if any(run.every_checkpoint("last") for run in list_runs(tiny.parent / "runs")):
                return signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code, lines, errors = shell("train", tiny, *LOCAL, "--training.stages", "[{epochs: 1000}]")
    thread.join()
    folder = RunFolder(lines[0])
    assert (code, lines[-1].split(":")[0]) == (130, "stopped")
    assert any(line.startswith("stopping after this batch") for line in errors)
    assert any(line.startswith("epoch 1: total_loss ") or line.startswith("epoch 1: cls ") for line in errors)
    assert int(folder.checkpoint("last").name.split("-")[1]) == folder.status().step
    assert shell("train", "--resume", folder.path, "--detach")[0] == 0
    assert folder.status().state in ("starting", "running")
    process.kill(folder, grace=1)


def test_infer_names_the_sample_that_it_passes_over(shell, run):
    table = run.experiment_folder() / "cohort.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("image09.png", "gone.png"), encoding="utf-8")
    try:
        code, lines, errors = shell("infer", run.name, "--part", "all")
    finally:
        table.write_text(text, encoding="utf-8")
    assert (code, lines) == (0, [str(run.predictions / "all.parquet")])
    assert len(errors) == 1
    assert errors[0].startswith("warning: passed over: ")
    assert "sample 's09'" in errors[0]
