"""One story of the batch microscope on Qt and on ipywidgets: from a point of a curve to the samples behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import RunError
from fuse_gui.models.project import Project
from fuse_gui.models.screen import Screen
from fuse_gui.models.training import TrainingModel
from tests.gui_augmented import IMAGE, pictures
from tests.gui_engine import FakeEngine
from tests.gui_runs import made_run, toy, wait_for


def batch(run: str, step: int) -> dict[str, Any]:
    """Three samples, of which s2 is the worst and s3 has no loss of its own; the brightness is the id."""
    losses = {"s1": 0.25, "s2": 4.0, "s3": None}
    samples = [
        {
            "id": name, "loss": loss, "losses": {} if loss is None else {"cls": loss / 4, "dice": 3 * loss / 4},
            "applied": [
                {"step": "0", "name": "Flip", "params": {"axes": ["x"]}},
                {"step": "1", "name": "<b>Noise</b>", "params": None},
            ],
            "pictures": pictures(np.full_like(IMAGE, float(name[1:]))),
        }
        for name, loss in losses.items()
    ]  # fmt: skip
    return {"step": step, "epoch": step // 10, "samples": samples, "note": f"of <i>{Path(run).name}</i>"}


class QtMicroscope:
    def __init__(self, project: Project, bot: Any) -> None:
        from fuse_gui.qt.training import TrainingView

        self.model = TrainingModel(project)
        self.view = TrainingView(self.model)
        bot.addWidget(self.view)
        self.view.resize(900, 700)
        self.view.show()

    def process(self) -> None:
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents()

    def click(self, step: int) -> None:
        """Click where the batch curve has its point of that step."""
        from matplotlib.backend_bases import MouseEvent

        plot = self.view.plot
        line = self.model.figure().axes[0].lines[0]
        [index] = np.flatnonzero(line.x == step)
        x, y = plot._canvas.axes[0].transData.transform((line.x[index], line.y[index]))
        MouseEvent("button_press_event", plot._widget, x, y, 1)._process()

    def samples(self) -> list[str]:
        tree = self.view.batch.samples
        rows = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
        return [" ".join(filter(None, map(item.text, range(tree.columnCount())))) for item in rows]

    def choose(self, row: int) -> None:
        tree = self.view.batch.samples
        tree.setCurrentItem(tree.topLevelItem(row))

    def words(self) -> str:
        batch = self.view.batch
        assert self.view.tabs.currentWidget() is batch
        return "\n".join((batch.state.text(), batch.note.text(), batch.drawn.text()))


class NotebookMicroscope:
    def __init__(self, project: Project) -> None:
        from fuse_gui.notebook.training import TrainingView

        self.model = TrainingModel(project, Screen())
        self.view = TrainingView(self.model)

    def process(self) -> None:
        pass

    def click(self, step: int) -> None:
        wait_for(lambda: self.view.batch.step.max >= step)
        self.view.batch.step.value = step
        self.view.batch.open_batch.click()

    def samples(self) -> list[str]:
        return [label for label, _ in self.view.batch.samples.options]

    def choose(self, row: int) -> None:
        self.view.batch.samples.index = row

    def words(self) -> str:
        batch = self.view.batch
        assert "<i>" not in batch.note.value, "what a run is called is no markup"
        return "\n".join((batch.state.text, batch.note.text, batch.drawn.text))


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(batch=batch)


@pytest.fixture(params=["qt", "notebook"])
def seen(request: pytest.FixtureRequest, engine: FakeEngine, tmp_path: Path) -> Iterator[Any]:
    toy(tmp_path)
    made_run(tmp_path)
    bot = request.getfixturevalue("qtbot") if request.param == "qt" else None
    deliver = {}
    if bot is not None:
        from fuse_gui.qt.hop import qt_deliver

        deliver = {"deliver": qt_deliver()}
    project = Project(engine, catalog=Catalog(), **deliver)  # type: ignore[arg-type]
    project.open(tmp_path / "toy.yaml")
    made = QtMicroscope(project, bot) if bot else NotebookMicroscope(project)
    wait_for(lambda: len(made.model.history.steps) == 20, work=made.process)
    yield made
    project.close()
    W.Widget.close_all()


def on_screen(seen: Any, name: str = "image") -> Any:
    return seen.model.microscope.screen.picture(name)


def test_a_point_of_the_curve_opens_its_batch_worst_sample_first(seen: Any, engine: FakeEngine) -> None:
    seen.click(14)
    wait_for(lambda: seen.samples(), work=seen.process)
    run = seen.model.project.run
    assert engine.asked[-1] == ("batch", {"run": str(run.path), "step": 14})
    assert [text.split()[0] for text in seen.samples()] == ["s2", "s1", "s3"]
    assert "4" in seen.samples()[0]
    assert "dice 3" in seen.model.microscope.samples[0].text
    assert "Step 14, epoch 2: 3 samples, worst first" in seen.words()
    assert "1  Flip: axes (x)\n2  <b>Noise</b>: not applied" in seen.words()
    assert seen.model.figure().axes[0].marks[-1] == (14.0, "batch 14")


def test_a_chosen_sample_is_on_the_screen_as_the_model_saw_it(seen: Any) -> None:
    seen.click(5)
    wait_for(lambda: seen.samples(), work=seen.process)
    assert on_screen(seen).array.max() == 2
    assert on_screen(seen, "gt").label
    seen.choose(1)
    assert on_screen(seen).array.max() == 1
    seen.model.microscope.close()
    assert on_screen(seen) is None
    assert not seen.samples()
    assert not [word for _, word in seen.model.figure().axes[0].marks if "batch" in word]


def test_a_batch_that_cannot_be_rebuilt_says_why(seen: Any, engine: FakeEngine) -> None:
    engine.answers["batch"] = RunError("the run's experiment cannot be used any more")
    seen.click(3)
    wait_for(lambda: "cannot be used any more" in seen.words(), work=seen.process)
    assert not seen.samples()
