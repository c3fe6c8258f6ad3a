"""The Training panel over run folders: attach, follow, ask to end, and say why a run ended."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import RunError
from fuse_engine.run import process
from fuse_engine.run.events import EventLog
from fuse_engine.run.folder import RunFolder
from fuse_gui.models.project import Project
from fuse_gui.models.training import TrainingModel, duration
from fuse_gui.models.watch import Report, Watch
from tests.gui_engine import FakeEngine
from tests.gui_runs import batch, made_run, toy, wait_for, write_status


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    toy(tmp_path)
    made = Project(FakeEngine(), catalog=Catalog(), debounce=0.01)
    yield made
    made.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name == "watch"]


def opened(project: Project, folder: Path) -> TrainingModel:
    project.open(folder / "toy.yaml")
    return TrainingModel(project)


def test_opening_attaches_to_the_newest_run_with_its_whole_history(project: Project, tmp_path: Path) -> None:
    made_run(tmp_path, "failed")
    time.sleep(1.1)  # run ids count seconds
    run = made_run(tmp_path)
    start = time.monotonic()
    model = opened(project, tmp_path)
    wait_for(lambda: len(model.history.steps) == 20)
    assert time.monotonic() - start < 2.0
    assert project.run == run
    assert model.state == f"Run {run.name} finished"
    assert "device: cpu" in model.log
    assert "best so far: epoch 2" in model.numbers
    assert "auc.macro_avg 0.6" in model.numbers
    texts = [model.row_text(row) for row in model.runs]
    assert "finished, epoch 2 of 3, best metrics.auc.macro_avg 0.6 at epoch 2" in texts[0]
    assert "failed" in texts[1]


def test_a_run_at_work_comes_before_a_newer_one_that_ended(project: Project, tmp_path: Path) -> None:
    run = made_run(tmp_path, "running")
    time.sleep(1.1)
    made_run(tmp_path, "failed")
    opened(project, tmp_path)
    wait_for(lambda: project.run == run)


def test_a_run_is_followed_event_by_event(project: Project, tmp_path: Path) -> None:
    run = made_run(tmp_path, "running")
    model = opened(project, tmp_path)
    drawings: list[float] = []
    model.figure_changed.connect(lambda: drawings.append(time.monotonic()))
    wait_for(lambda: len(model.history.steps) == 20)
    assert model.progress.startswith("epoch 2 of 3, step 20 of 30")
    assert model.fraction == pytest.approx(2 / 3)
    log = EventLog(run.path / "events.jsonl")
    for step in range(20, 26):
        batch(log, 2, step, 30)
        time.sleep(0.15)
    log.close()
    wait_for(lambda: len(model.history.steps) == 26)
    assert 2 <= len(drawings) <= 5
    assert "left" in model.progress
    write_status(run, "finished")
    wait_for(lambda: model.state == f"Run {run.name} finished")


def test_stop_and_cancel_leave_their_request_and_say_so(project: Project, tmp_path: Path) -> None:
    run = made_run(tmp_path, "running")
    model = opened(project, tmp_path)
    wait_for(lambda: model.can_stop)
    model.stop()
    assert (run.path / "control" / "stop").exists()
    assert "stopping after this batch" in model.state
    assert not model.can_stop
    assert model.can_cancel
    assert not model.can_resume
    write_status(run, "stopped", "stopped after a batch")
    wait_for(lambda: model.can_resume)
    assert model.state.endswith("stopped: stopped after a batch")
    assert not model.can_cancel


def test_a_lost_run_says_why(project: Project, tmp_path: Path) -> None:
    run = made_run(tmp_path)
    text = (
        (run.path / "status.json")
        .read_text()
        .replace('"finished"', '"running"')
        .replace('"created": ', '"created": 1')
    )
    (run.path / "status.json").write_text(text)
    model = opened(project, tmp_path)
    wait_for(lambda: "lost" in model.state)
    assert "its process is gone" in model.state
    assert model.can_resume


def test_starting_is_answered_at_once_and_attaches(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(project, tmp_path)
    gate = threading.Event()

    def start(experiment: object) -> RunFolder:
        gate.wait(5)
        return made_run(tmp_path, "starting", epochs=0)

    monkeypatch.setattr(process, "start", start)
    before = time.monotonic()
    model.start()
    assert time.monotonic() - before < 0.05
    assert "Starting" in model.state
    assert not model.can_start
    gate.set()
    wait_for(lambda: project.run is not None and "is starting" in model.state)
    assert model.can_start
    assert model.can_cancel


def test_a_start_that_fails_is_told(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(experiment: object) -> RunFolder:
        raise RunError("the disk is full")

    model = opened(project, tmp_path)
    monkeypatch.setattr(process, "start", start)
    model.start()
    wait_for(lambda: model.can_start)
    assert "the disk is full" in model.strip.text
    assert model.state == "No run yet."


def test_training_inside_the_window_is_refused(project: Project, tmp_path: Path) -> None:
    model = opened(project, tmp_path)
    project.edit(("run", "executor"), {"Inline": {}})
    model.start()
    assert project.problems[0].where == "run.executor"
    assert project.problems[0].expected == "Local"
    assert not (tmp_path / "runs").exists()


def test_the_settings_are_a_form_over_the_experiment(project: Project, tmp_path: Path) -> None:
    model = opened(project, tmp_path)
    stages = model.forms["training"].item.items["stages"]
    stages.items[0].form.items["epochs"].set("7")
    assert project.experiment is not None
    assert project.experiment.training.stages[0].epochs == 7
    project.undo()
    assert stages.items[0].form.items["epochs"].value == 3
    assert not project.edit(("training", "gradient_clip"), "-1")
    assert "above 0" in model.forms["training"].item.items["gradient_clip"].message


def test_a_run_whose_folder_is_removed_is_let_go(project: Project, tmp_path: Path) -> None:
    run = made_run(tmp_path, "running")
    model = opened(project, tmp_path)
    wait_for(lambda: model.status.state == "running")
    shutil.rmtree(run.path)
    wait_for(lambda: project.run is None)
    wait_for(lambda: model.state == "No run yet.")
    assert [f"the folder of run {run.name} was removed: {run.path}"] == [str(one) for one in project.problems]
    assert (model.can_stop, model.can_cancel, model.can_resume) == (False, False, False)


def test_a_check_says_what_it_found(project: Project, tmp_path: Path) -> None:
    model = opened(project, tmp_path)
    model.validate()
    assert project.message == "checked: no problem in the experiment"
    project.engine.answers["validate"] = [{"message": "no"}]  # type: ignore[attr-defined]
    model.validate()
    assert project.message == "checked: 1 problem in the experiment"


def test_a_run_folder_that_is_damaged_is_a_problem_not_a_crash(project: Project, tmp_path: Path) -> None:
    run = made_run(tmp_path)
    (run.path / "status.json").write_text("{ torn")
    model = opened(project, tmp_path)
    project.set_run(run)
    wait_for(lambda: f"Run {run.name} lost" in model.state)


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (700, "12 min"), (12_000, "3 h 20 min")])
def test_times_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_attaching_again_while_a_look_goes_on_loses_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run(tmp_path, "running")
    reports: list[Report] = []
    watch = Watch(reports.append)
    watch.attach(run)
    wait_for(lambda: [report for report in reports if report.run == run])
    again, read = [True], RunFolder.events

    def interrupted(self: RunFolder, since: int = 0) -> Any:
        found = read(self, since)
        if since and again:
            again.clear()
            watch.attach(run)
        return found

    monkeypatch.setattr(RunFolder, "events", interrupted)
    wait_for(lambda: not again)
    wait_for(lambda: [len(report.events) for report in reports if report.fresh and report.run] == [22, 22])
    watch.close()
