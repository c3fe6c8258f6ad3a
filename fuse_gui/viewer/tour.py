"""The tour of the demo: every panel used as a person would, its picture kept; ends by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget

from fuse_engine.core.errors import FuseError
from fuse_engine.run import process
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.status import ALIVE
from fuse_gui.models.rows import Rows
from fuse_gui.viewer.launch import BOTTOM, RIGHT, SIZE, hide_empty_tab_bars, open_window
from fuse_gui.viewer.session import session_of
from fuse_gui.viewer.waiting import wait_until

READ = 90.0
"""Seconds for one answer of the engine; the first one includes its start."""
TRAIN = 240.0
"""Seconds for the run, with prediction and analysis."""
LOOKED_AT = 3
"""Samples that are looked at before the panels are used."""
DRAWS = 20
"""Draws of the augmentation that are looked at, at most."""
STILL = 5
"""Looks at a window that does not change any more before its picture is taken."""


class Tour:
    """One walk through all panels on the experiment of the demo."""

    def __init__(self, path: Path) -> None:
        """Open the window with all docks; no experiment is open yet."""
        get_settings().application.gui_notification_level = "error"  # a notice would lie over the canvas
        get_settings().application.console_notification_level = "error"
        self.path, self.pictures = path, path.parent / "screenshots"
        self.pictures.mkdir(exist_ok=True)
        self.viewer, self.docks = open_window()
        self.project = session_of(self.viewer).project
        self.started = time.monotonic()

    def take(self) -> None:
        """Go through all steps.

        Raises:
            FuseError: naming the step that did not work.
        """
        steps: tuple[Callable[[], None], ...] = (
            self.open_cohort, self.start_run, self.look_at_samples, self.run_processors, self.augment,
            self.show_model, self.watch_run, self.analyze, self.predict, self.explain, self.overview,
        )  # fmt: skip
        for step in steps:
            print(
                f"{time.monotonic() - self.started:6.1f} s  {(step.__doc__ or '').partition('.')[0]}", flush=True
            )
            step()

    def close(self) -> None:
        """Close the window, and end a run that is still at work because the tour failed."""
        run = self.project.run
        if run is not None and run.status().state in ALIVE:
            process.kill(run)
        session_of(self.viewer).close()
        self.viewer.close()

    # -- the steps ------------------------------------------------------------------------------------------------

    def open_cohort(self) -> None:
        """Open the experiment and read its samples."""
        if not self.project.open(self.path):
            raise self.trouble("the experiment cannot be opened")
        self.wait(lambda: len(self.project.cohort) > 0, "the samples")
        self.wait(lambda: bool(self.project.catalog.entries), "the list of components")

    def start_run(self) -> None:
        """Start a training run in the background."""
        self.model("Training").start()
        self.wait(lambda: self.project.run is not None, "the run")

    def look_at_samples(self) -> None:
        """Look at samples with and without a lesion."""
        self.turn_to("Data")
        for name in [*self.project.cohort.ids[: LOOKED_AT - 1], self.lesions()[0]]:
            self.look_at(name)
        self.wait(lambda: self.shown("gt"), "the outline of the lesion")
        self.picture("data")

    def run_processors(self) -> None:
        """See the sample after every processor."""
        model = self.turn_to("Processors")
        self.wait(lambda: len(model.results) > 1, "the sample after every processor")
        for index in range(len(model.results)):
            model.show(index)
        self.picture("processors")

    def augment(self) -> None:
        """Draw augmentations of the sample, until all steps but one are applied."""
        model = self.turn_to("Augmentation")
        for draw in range(1, DRAWS + 1):
            model.draw.set_number(draw)
            self.wait(lambda: bool(model.drawn) and model.is_whole, "the augmented sample")
            if sum("not applied" in line for line in model.drawn) <= 1:
                break
        self.picture("augmentation")

    def show_model(self) -> None:
        """Look at the drawing of the model and the forms of its parts."""
        graph = self.turn_to("Model").graph
        self.wait(lambda: bool(self.project.flow), "the keys of the batch")
        self.wait(lambda: bool(graph.graph.nodes) and not graph.stale, "the drawing of the model")
        self.picture("model")

    def watch_run(self) -> None:
        """Watch the run while it trains, and wait for its end."""
        model = self.turn_to("Training")
        self.wait(lambda: len(model.history.epochs) > 1 or self.ended(), "two epochs of training", TRAIN)
        self.picture("training")
        self.wait(self.ended, "the end of the run", TRAIN)
        if self.run.status().state != "finished":
            raise self.trouble(f"the run ended as {self.run.status().state}: {self.run.status().message}")

    def analyze(self) -> None:
        """Click from the results to the worst case."""
        model = self.turn_to("Analysis")
        model.refresh()
        self.wait(lambda: len(model.rows) > 0, "the results")
        model.next_worst()
        self.wait(lambda: self.read() and self.shown("image"), "the worst case")
        self.model("Inference").predict()
        self.wait(lambda: self.shown("pred"), "its prediction")
        self.picture("analysis")

    def predict(self) -> None:
        """Predict the sample with a lesion that the run knows best, and lay the mask over it."""
        rows = self.model("Analysis").rows
        ranked = [rows.id_at(place) for place in range(len(rows))]
        self.look_at([name for name in ranked if name in self.lesions()][-1])
        model = self.turn_to("Inference")
        model.refresh()
        self.wait(lambda: model.can_predict, "a checkpoint")
        model.predict()
        self.wait(lambda: self.shown("pred"), "the prediction")

    def explain(self) -> None:
        """See where the model looked."""
        self.wait(lambda: bool(self.model("Inference").head), "a head that can be explained")
        self.model("Inference").explain()
        self.wait(lambda: self.shown("heat"), "the heatmap")
        self.picture("inference")
        self.viewer.export_figure(str(self.path.parent / "heatmap.png"), scale_factor=4, flash=False)

    def overview(self) -> None:
        """Take the picture of the whole window."""
        self.project.screen.hide("heat")
        self.show([*RIGHT, *BOTTOM], SIZE[0] * 2 // 5, SIZE[1] * 2 // 5)
        self.docks["Data"][0].raise_()
        self.docks["Training"][0].raise_()
        self.picture("overview")

    # -- means ----------------------------------------------------------------------------------------------------

    @property
    def run(self) -> RunFolder:
        """The run of the tour."""
        if self.project.run is None:
            raise self.trouble("there is no run")
        return self.project.run

    def model(self, name: str) -> Any:
        """Return the model of a panel."""
        return self.docks[name][1].model

    def lesions(self) -> list[str]:
        """Return the ids of the samples with a lesion that the model shall find."""
        rows = Rows(self.project.cohort.columns, self.project.cohort.id)
        rows.set_filter('biopsy==positive & contours!="[]"')
        return rows.ids(0, len(rows))

    def look_at(self, name: str) -> None:
        """Choose a sample and wait for its picture."""
        self.project.select(name)
        self.wait(lambda: self.read() and self.shown("image"), f"sample {name}")

    def read(self) -> bool:
        """Whether the engine has read the chosen sample."""
        return not self.project.requests.is_running("sample")

    def shown(self, name: str) -> bool:
        """Whether a picture is on the screen."""
        return self.project.screen.picture(name) is not None

    def ended(self) -> bool:
        """Whether the run is over and the panels know it."""
        state = self.model("Training").status.state
        return state not in ALIVE and state not in ("queued", "starting") and self.run.status().state not in ALIVE

    def wait(self, done: Callable[[], bool], what: str, seconds: float = READ) -> None:
        """Wait for something to come; a problem that is shown meanwhile ends the tour.

        Raises:
            FuseError: with the problem, or when it takes too long.
        """
        wait_until(lambda: done() or bool(self.project.problems), seconds, f"waiting for {what}")
        if not done():
            raise self.trouble(f"waiting for {what}")

    def trouble(self, what: str) -> FuseError:
        """Return an error that says what the panels say."""
        return FuseError(what, got="; ".join(map(str, self.project.problems)) or self.project.message)

    def turn_to(self, name: str) -> Any:
        """Show one panel, enlarged beside the canvas, and return its model."""
        self.show([name], SIZE[0] // 2, SIZE[1] * 11 // 20)
        return self.model(name)

    def show(self, names: list[str], width: int, height: int) -> None:
        """Show those docks only: the ones at the side that wide, the ones below that high."""
        for name, (dock, _) in self.docks.items():
            dock.setVisible(name in names)
        for area, size, way in ((RIGHT, width, Qt.Horizontal), (BOTTOM, height, Qt.Vertical)):
            docks = [self.docks[name][0] for name in area if name in names]
            if docks:
                docks[0].window().resizeDocks(docks[:1], [size], way)

    def picture(self, name: str) -> None:
        """Save the window when it has come to rest."""
        seen: list[Any] = []

        def still() -> bool:
            docks: list[QDockWidget] = [dock for dock, _ in self.docks.values()]
            seen.append([dock.geometry().getRect() for dock in docks])
            return len(seen) > STILL and all(looked == seen[-1] for looked in seen[-STILL:])

        self.wait(still, "the window")
        hide_empty_tab_bars(self.docks["Data"][0].window())
        self.viewer.reset_view()
        self.viewer.screenshot(str(self.pictures / f"{name}.png"), canvas_only=False, flash=False)


def main(path: Path) -> int:
    """Take the tour; return the exit code."""
    tour = Tour(path)
    try:
        tour.take()
    except FuseError as error:
        print(f"demo: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        tour.close()
        QApplication.processEvents()
    print(f"finished in {time.monotonic() - tour.started:.0f} s; everything is in {path.parent}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
