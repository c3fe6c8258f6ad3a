"""From an edit of an augmentation to the picture in a real window: planes and contact sheets; prints the figures.

Run with a display: xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/augment_preview.py [drags]
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

from fuse_engine.core.experiment import Experiment
from fuse_gui.viewer.launch import open_window
from fuse_gui.viewer.session import session_of
from fuse_gui.viewer.waiting import wait_until

DRAGS = 60
WARM, WARMING = 1010, 5
"""The tick of the slider that the first drag goes to, and how many drags are not counted."""
SECONDS = 60.0
"""Longest wait for one answer."""
BOTH, ONE = "keys: [data.input.image, data.gt.mask]", "keys: [data.input.image]"
STEPS = f"""
  - Flip: {{{BOTH}, p: 0.5}}
  - Affine: {{{BOTH}, rotate: [-10, 10], scale: [0.9, 1.1], translate: [-0.05, 0.05]}}
  - Elastic: {{{BOTH}}}
  - Gamma: {{{ONE}, gamma: [0.7, 1.4]}}
  - GaussianNoise: {{{ONE}, std: [0, 0.05]}}
  - Blur: {{{ONE}, sigma: [0.5, 1.0]}}
"""
TEXT = """
name: preview
data:
  source: {{Table: {{path: cohort.csv}}}}
  input: {{image: [{{LoadImage: {{column: image}}}}]}}
  gt: {{mask: [{{LoadImage: {{column: mask, label: true, values: [0, 1, 2]}}}}]}}
  split: {{folds: 3}}
augmentation: {steps}
model: {{Wrap: {{inputs: [data.input.image], network: {{UNet: {{}}}}, output: mask, classes: 3}}}}
"""


def write(folder: Path, shape: tuple[int, ...]) -> Path:
    """Write a cohort of one smooth image with two round structures, and its experiment."""
    grid = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in shape), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in grid))
    near = np.sqrt(sum((axis - 0.35) ** 2 for axis in grid))
    image = np.clip(1 - radius, 0, 1) + 0.2 * np.sin(20 * grid[-1]) * np.cos(20 * grid[-2]) + (near < 0.2)
    mask = (radius < 0.6).astype(np.uint8) + (near < 0.2)
    for name, array in (("image", image.astype(np.float32)), ("mask", mask.astype(np.uint8))):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}.nrrd"))
    with (folder / "cohort.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["id", "image", "mask"], *((f"s{n}", "image.nrrd", "mask.nrrd") for n in range(6))]
        )
    path = folder / "experiment.yaml"
    Experiment.from_text(TEXT.format(steps=STEPS), folder).save(path)
    return path


class Window:
    """A real window on an experiment, with the Augmentation panel in front."""

    def __init__(self) -> None:
        """Open it."""
        self.viewer, docks = open_window()
        self.dock, self.view = docks["Augmentation"]
        self.model = self.view.model
        self.session = session_of(self.viewer)
        self.touched, self.painted = 0.0, 0.0
        self.engine: list[float] = []
        canvas: Any = self.viewer.window._qt_viewer.canvas._scene_canvas
        canvas.events.draw.connect(self._paint, position="last")
        self.model.screen.touched.connect(self._touch)
        taken = self.model._take
        self.model._take = lambda preview: (self.engine.append(float(preview[1]["ms"])), taken(preview))

    def open(self, path: Path) -> None:
        """Open an experiment and look at its first sample."""
        project = self.session.project
        project.open(path)
        wait_until(lambda: len(project.cohort) > 0, SECONDS, "the samples")
        project.select(project.cohort.ids[0])
        self.dock.show()
        self.dock.raise_()
        wait_until(lambda: self.model.is_whole, SECONDS, "the augmented sample")

    def until(self, done: Callable[[], bool]) -> None:
        """Handle events until something has happened; without the ticks of a longer wait."""
        end = time.perf_counter() + SECONDS
        while not done() and time.perf_counter() < end:
            QApplication.processEvents()
            time.sleep(0.0005)

    def drag(self, tick: int) -> tuple[float, float]:
        """Drag a slider; return the ms until that is acknowledged, and until the new plane is painted."""
        start = time.perf_counter()
        self.model.steps.find(("1", "Affine", "rotate")).drag("", 1, tick)
        acknowledged = time.perf_counter()
        self.until(lambda: self.touched > start and self.painted > self.touched)
        return 1000 * (acknowledged - start), 1000 * (self.painted - start)

    def sheet(self) -> float:
        """Open the contact sheet; return the ms until it is painted."""
        fold, sheet = self.view.sheet, self.model.sheet
        sheet.tiles = ()
        start = time.perf_counter()
        fold.head.setChecked(True)
        self.until(lambda: bool(sheet.tiles) and not sheet.stale)
        QApplication.processEvents()
        spent = 1000 * (time.perf_counter() - start)
        fold.head.setChecked(False)
        return spent

    def _touch(self, name: str) -> None:
        if name == "image":
            self.touched = time.perf_counter()

    def _paint(self, _event: object) -> None:
        self.painted = time.perf_counter()


def say(name: str, found: list[float]) -> None:
    p50, p95 = np.percentile(found, [50, 95])
    print(f"{name}: median {p50:.0f}  p95 {p95:.0f}  max {max(found):.0f} ms ({len(found)})", flush=True)


def measure(window: Window, name: str, drags: int) -> None:
    """Drag a bound again and again, with the ticks of the event loop counted meanwhile."""
    ticks = list[float]()
    timer = QTimer()
    timer.setTimerType(Qt.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    for number in range(WARMING):
        window.drag(WARM + number)
    ticks[:] = [time.perf_counter()]
    timer.start(5)
    window.engine.clear()
    spent = time.thread_time()
    found = [window.drag(WARM + WARMING + number) for number in range(drags)]
    spent = 1000 * (time.thread_time() - spent) / drags
    timer.stop()
    say(f"{name}, drag to painted plane     ", [painted for _, painted in found])
    say(f"{name}, drag acknowledged         ", [acknowledged for acknowledged, _ in found])
    say(f"{name}, of that in the engine      ", window.engine)
    print(f"{name}, of that CPU of the window: {spent:.0f} ms each (this loop included)", flush=True)
    say(f"{name}, gap of the event loop     ", list(1000 * np.diff(ticks)))
    say(f"{name}, contact sheet of nine     ", [window.sheet() for _ in range(5)])
    start = time.perf_counter()
    wait_until(lambda: window.model.is_whole, SECONDS, "the whole sample")
    print(f"{name}, whole sample after the rest: {time.perf_counter() - start:.2f} s", flush=True)


def main(drags: int) -> None:
    warnings.simplefilter("ignore")
    window = Window()
    for name, shape in (("3-D 128x256x256", (128, 256, 256)), ("2-D 512x512    ", (512, 512))):
        with tempfile.TemporaryDirectory() as scratch:
            window.open(write(Path(scratch), shape))
            measure(window, name, drags)
    window.session.close()
    window.viewer.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DRAGS)
