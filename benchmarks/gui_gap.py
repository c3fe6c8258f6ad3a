"""The worst gap between two turns of napari's event loop while a real run trains; prints the figures.

Run with a display: xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui_gap.py [seconds]
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt, QTimer

from fuse_engine.core.experiment import Experiment
from fuse_engine.run import process
from fuse_gui.viewer.launch import open_window
from fuse_gui.viewer.phantom import PRESET, write_phantom
from fuse_gui.viewer.session import project_of
from fuse_gui.viewer.waiting import wait_until

SECONDS = 30.0
PATIENTS = 40
EPOCHS = 500
SWITCH = 0.5
"""Seconds between two changes of the sample while the gaps are measured."""


def gaps(seconds: float, act: object) -> np.ndarray:
    """Return the gaps in ms between the ticks of a 10 ms timer, while `act` is called again and again."""
    ticks = [time.perf_counter()]
    timer = QTimer()
    timer.setTimerType(Qt.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    doing = QTimer()
    doing.timeout.connect(act)
    timer.start(10)
    doing.start(int(SWITCH * 1000))
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, seconds + 60, "the end of the measurement")
    timer.stop()
    doing.stop()
    return np.diff(ticks) * 1000


def report(name: str, found: np.ndarray) -> None:
    p50, p95, p99 = np.percentile(found, [50, 95, 99])
    seconds = found.sum() / 1000
    print(f"{name}: p50 {p50:.1f}  p95 {p95:.1f}  p99 {p99:.1f}  max {found.max():.0f} ms over {seconds:.0f} s")


def main(seconds: float) -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_phantom(folder, PATIENTS)
        path = folder / "experiment.yaml"
        Experiment.from_preset(PRESET, folder=folder).changed(
            ("training", "stages"), [{"epochs": EPOCHS}]
        ).changed(("training", "callbacks"), []).save(path)
        viewer, docks = open_window()
        project = project_of(viewer)
        project.open(path)
        wait_until(lambda: len(project.cohort) > 0, 90, "the samples")
        data, training = docks["Data"][1].model, docks["Training"][1].model
        report("window, no run          ", gaps(seconds / 3, lambda: data.step(1)))
        training.start()
        wait_until(lambda: len(training.history.steps) > 3, 120, "the first batches")
        try:
            report("run trains, curves drawn", gaps(seconds, lambda: None))
            report("run trains, samples step", gaps(seconds / 3, lambda: data.step(1)))
        finally:
            process.kill(project.run)
        viewer.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
