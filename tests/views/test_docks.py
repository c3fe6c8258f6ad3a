"""The Data, Inference and Analysis docks in Qt, the strip, the plot, and the way to the window's thread."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication, QPoint, Qt, QThread
from qtpy.QtWidgets import QApplication, QLabel, QWidget

from fuse_engine.core.catalog import Catalog
from fuse_gui.models.analysis import AnalysisModel
from fuse_gui.models.data import DataModel
from fuse_gui.models.inference import InferenceModel
from fuse_gui.models.plot import Axes, Figure, Line
from fuse_gui.models.project import Project
from fuse_gui.models.training import TrainingModel
from fuse_gui.qt.analysis import AnalysisView
from fuse_gui.qt.data import DataView
from fuse_gui.qt.hop import qt_deliver
from fuse_gui.qt.inference import InferenceView
from fuse_gui.qt.plot import PlotView
from fuse_gui.qt.strip import Strip
from fuse_gui.qt.training import TrainingView
from tests.gui_engine import FakeEngine, cohort_reply, picture
from tests.gui_runs import analyzed, made_run, toy, wait_for

PREDICTION = {
    "outputs": {"cls": [0.25, 0.75]}, "pred": picture(1, label=True), "prob": picture(0.75), "image": picture(),
    "gt": None,
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, qapp: QApplication) -> Iterator[Project]:
    heatmap = {"heat": picture(0.5), "cell_mm": [4.0, 4.0]}
    engine = FakeEngine(cohort=cohort_reply(8), predict=PREDICTION, heatmap=heatmap)
    made = Project(engine, qt_deliver(), Catalog())
    made.open(toy(tmp_path))
    yield made
    made.close()


def shown(view: QWidget, qtbot: Any, width: int = 420) -> Any:
    qtbot.addWidget(view)
    view.resize(width, 800)
    view.show()
    QApplication.processEvents()
    return view


def test_clicks_and_the_filter_in_the_data_dock(project: Project, qtbot: Any) -> None:
    view = shown(DataView(DataModel(project)), qtbot)
    table = view.table
    at = table.visualRect(table.model().index(3, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert project.sample_id == "s3"
    assert "Sample s3" in view.sample.text()
    qtbot.mouseClick(view.next, Qt.MouseButton.LeftButton)
    assert project.sample_id == "s4"
    assert table.currentIndex().row() == 4
    qtbot.keyClicks(view.filter, "aeg>3")
    wait_for(lambda: "did you mean 'age'" in view.error.text(), work=QApplication.processEvents)
    view.filter.setText("age>60")
    wait_for(lambda: table.model().rowCount() == 3, work=QApplication.processEvents)
    table.horizontalHeader().sectionClicked.emit(1)
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert table.model().index(0, 1).data() == "s7"
    project.select("s6")
    assert table.currentIndex().row() == 1


def test_a_click_elsewhere_marks_the_row_and_reads_once(project: Project, qtbot: Any) -> None:
    view = shown(DataView(DataModel(project)), qtbot)
    project.select("s2")
    assert view.table.currentIndex().row() == 2
    asked = project.engine.asked  # type: ignore[attr-defined]
    assert [args["id"] for method, args in asked if method == "sample"].count("s2") == 1


def test_the_strip_shows_plain_text_and_copies_it(project: Project, qtbot: Any) -> None:
    view = shown(DataView(DataModel(project)), qtbot)
    strip = view.findChild(Strip)
    assert strip.box.isHidden()
    project.fail("<img src=x> is no image", "data.input.image")
    assert strip.box.isVisible()
    assert strip.text.text() == "<img src=x> is no image (data.input.image)"
    qtbot.mouseClick(strip.copy, Qt.MouseButton.LeftButton)
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == "data.input.image: <img src=x> is no image"


def test_every_label_is_plain_text(project: Project, qtbot: Any) -> None:
    views = [
        DataView(DataModel(project)), TrainingView(TrainingModel(project)),
        InferenceView(InferenceModel(project)), AnalysisView(AnalysisModel(project)),
    ]  # fmt: skip
    labels = [label for view in views for label in shown(view, qtbot).findChildren(QLabel)]
    assert len(labels) > 40
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    assert [view.objectName() for view in views] == [
        "fuse-data", "fuse-training", "fuse-inference", "fuse-analysis",
    ]  # fmt: skip


def test_the_docks_fit_a_narrow_window(project: Project, qtbot: Any) -> None:
    for view in (
        DataView(DataModel(project)), TrainingView(TrainingModel(project)),
        InferenceView(InferenceModel(project)), AnalysisView(AnalysisModel(project)),
    ):  # fmt: skip
        assert shown(view, qtbot).minimumSizeHint().width() <= 420, view.objectName()


def test_predicting_and_explaining_in_the_inference_dock(project: Project, tmp_path: Path, qtbot: Any) -> None:
    run = made_run(tmp_path)
    (run.checkpoints / "best0-10-0123456789abcdef.pt").touch()
    view = shown(InferenceView(InferenceModel(project)), qtbot)
    assert not view.predict.isEnabled()
    project.select("s1")
    project.set_run(run)
    wait_for(view.predict.isEnabled, work=QApplication.processEvents)
    qtbot.mouseClick(view.predict, Qt.MouseButton.LeftButton)
    assert "positive  75.0%" in view.result.text()
    view.threshold.setValue(80)
    mask = project.screen.picture("pred")
    assert mask is not None
    assert mask.array.sum() == 0
    assert view.limit.text() == "0.80"
    qtbot.mouseClick(view.heatmap, Qt.MouseButton.LeftButton)
    view.sliders["heat"].setValue(20)
    heat = project.screen.picture("heat")
    assert heat is not None
    assert heat.style["opacity"] == 0.2
    project.select("s2")
    assert "Stale" in view.status.text()


def test_a_point_of_the_plot_leads_to_its_sample(project: Project, tmp_path: Path, qtbot: Any) -> None:
    run = made_run(tmp_path)
    analyzed(run)
    view = shown(AnalysisView(AnalysisModel(project)), qtbot, width=1200)
    project.set_run(run)
    wait_for(lambda: view.table.model().rowCount() == 8, work=QApplication.processEvents)
    view.plot._widget.draw()
    x, y = view.plot._canvas.axes[0].transData.transform((1, 0.3))
    canvas = view.plot._widget
    at = QPoint(round(x), canvas.height() - round(y))
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    assert project.sample_id == "s7"
    assert view.table.currentIndex().row() == 0
    qtbot.mouseClick(view.worst, Qt.MouseButton.LeftButton)
    assert project.sample_id == "s2"


def test_a_plot_is_drawn_only_when_it_can_be_seen(qtbot: Any) -> None:
    view = PlotView()
    qtbot.addWidget(view)
    line = Line(np.arange(3.0), np.arange(3.0))
    view.draw(Figure((Axes(lines=(line,)), Axes(lines=(line,)))))
    assert not view._canvas.axes
    view.resize(900, 200)
    view.show()
    boxes = [axes.get_position() for axes in view._canvas.axes]
    assert boxes[0].x1 < boxes[1].x0, "side by side in a wide window"
    view.resize(300, 500)
    QApplication.processEvents()
    boxes = [axes.get_position() for axes in view._canvas.axes]
    assert boxes[0].y0 > boxes[1].y1, "one below the other in a narrow one"


def test_what_another_thread_delivers_runs_on_the_windows_thread(qapp: QApplication) -> None:
    deliver, seen = qt_deliver(), list[bool]()
    application = QCoreApplication.instance()
    assert application is not None
    threads = [
        threading.Thread(
            target=lambda: deliver(lambda: seen.append(QThread.currentThread() == application.thread()))
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    wait_for(lambda: len(seen) == 20, work=QApplication.processEvents)
    assert all(seen)
    deliver(lambda: seen.append(False))
    assert len(seen) == 21, "from the window's own thread it runs at once"


def test_nothing_reaches_a_closed_project(tmp_path: Path, qapp: QApplication) -> None:
    project = Project(FakeEngine(), qt_deliver(), Catalog())
    project.open(toy(tmp_path))
    heard: list[str] = []
    thread = threading.Thread(target=lambda: project.deliver(lambda: heard.append("late")))
    thread.start()
    thread.join()
    project.close()
    QApplication.processEvents()
    assert heard == []
