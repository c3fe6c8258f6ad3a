"""One story of the run monitor, told to both toolkits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.run.events import EventLog
from fuse_gui.models.project import Project
from fuse_gui.models.training import TrainingModel
from tests.gui_engine import FakeEngine
from tests.gui_runs import batch, made_run, toy, wait_for, write_status


class QtMonitor:
    def __init__(self, model: TrainingModel) -> None:
        from fuse_gui.qt.training import TrainingView

        self.view = TrainingView(model)
        self.view.resize(420, 800)
        self.view.show()

    def process(self) -> None:
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents()

    def press(self, name: str) -> None:
        getattr(self.view, name).click()

    def enabled(self, name: str) -> bool:
        return bool(getattr(self.view, name).isEnabled())

    def text(self, name: str) -> str:
        return str(getattr(self.view, name).text())

    def share(self) -> float:
        return float(self.view.bar.value()) / 1000

    def picture(self) -> bytes:
        return bytes(self.view.plot.grab().toImage().bits().asstring(1000 * 100))

    def runs(self) -> list[str]:
        return [self.view.runs.item(row).text() for row in range(self.view.runs.count())]

    def choose(self, row: int) -> None:
        self.view.runs.itemClicked.emit(self.view.runs.item(row))

    def problem(self) -> str:
        from fuse_gui.qt.strip import Strip

        return str(self.view.findChild(Strip).text.text())


class NotebookMonitor:
    def __init__(self, model: TrainingModel) -> None:
        from fuse_gui.notebook.training import TrainingView

        self.view = TrainingView(model)

    def process(self) -> None:
        pass

    def press(self, name: str) -> None:
        getattr(self.view, name).click()

    def enabled(self, name: str) -> bool:
        return not getattr(self.view, name).disabled

    def text(self, name: str) -> str:
        return str(getattr(self.view, name).value)

    def share(self) -> float:
        return float(self.view.bar.value)

    def picture(self) -> bytes:
        return bytes(self.view.plot.value)

    def runs(self) -> list[str]:
        return [label for label, _ in self.view.runs.options]

    def choose(self, row: int) -> None:
        self.view.runs.index = row

    def problem(self) -> str:
        return str(self.view.problems.value)


@pytest.fixture(params=["qt", "notebook"])
def monitor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[TrainingModel], Any]]:
    if request.param == "notebook":
        yield NotebookMonitor
        ipywidgets.Widget.close_all()
        return
    qtbot = request.getfixturevalue("qtbot")

    def make(model: TrainingModel) -> QtMonitor:
        made = QtMonitor(model)
        qtbot.addWidget(made.view)
        return made

    yield make


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    toy(tmp_path)
    deliver = {}
    if "qt" in request.node.name:
        request.getfixturevalue("qapp")
        from fuse_gui.qt.hop import qt_deliver

        deliver = {"deliver": qt_deliver()}
    made = Project(FakeEngine(), catalog=Catalog(), **deliver)
    made.open(tmp_path / "toy.yaml")
    yield made
    made.close()


def test_a_run_is_watched_stopped_and_explained(
    monitor: Callable[[TrainingModel], Any], project: Project, tmp_path: Path
) -> None:
    seen = monitor(TrainingModel(project))
    before = seen.picture()
    run = made_run(tmp_path, "running")
    wait_for(lambda: "step 20 of 30" in seen.text("progress"), work=seen.process)
    assert "is running" in seen.text("state")
    assert seen.share() == pytest.approx(2 / 3, abs=0.01)
    assert "best so far: epoch 2" in seen.text("numbers")
    assert [text.split(":")[0] for text in seen.runs()] == [run.name]
    wait_for(lambda: seen.picture() != before, work=seen.process)

    log = EventLog(run.path / "events.jsonl")
    batch(log, 2, 20, 30)
    log.write("warning", message="passed over: <b>truncated</b>", sample="s1")
    log.close()
    wait_for(lambda: "<b>truncated</b>" in seen.text("notes"), work=seen.process)

    seen.press("stop")
    assert (run.path / "control" / "stop").exists()
    assert "stopping after this batch" in seen.text("state")
    assert not seen.enabled("stop")
    write_status(run, "failed", "sample 's1': the file is truncated", epoch=2, epochs=3, step=21, steps=30)
    wait_for(lambda: "failed: sample 's1': the file is truncated" in seen.text("state"), work=seen.process)
    assert seen.enabled("resume")


def test_another_run_is_chosen_from_the_list(
    monitor: Callable[[TrainingModel], Any], project: Project, tmp_path: Path
) -> None:
    runs = [made_run(tmp_path, "failed", "one"), made_run(tmp_path, "failed", "two")]
    seen = monitor(TrainingModel(project))
    wait_for(lambda: len(seen.runs()) == 2, work=seen.process)
    for row in (1, 0):
        seen.choose(row)
        wait_for(lambda row=row: seen.runs()[row].split(":")[0] in seen.text("state"), work=seen.process)
    assert {run.name for run in runs} == {text.split(":")[0] for text in seen.runs()}


def test_what_cannot_start_says_why(
    monitor: Callable[[TrainingModel], Any], project: Project, tmp_path: Path
) -> None:
    seen = monitor(TrainingModel(project))
    project.edit(("run", "executor"), {"Inline": {}})
    seen.press("start")
    assert "run.executor" in seen.problem()
    assert "expected Local" in seen.problem()
