"""`fuse-gui demo`: a phantom cohort, a run in the background, the window on both; or a tour without a screen."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fuse_engine.cli.options import FAILED, OK, Subparsers, add_command
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run import process
from fuse_engine.run.child import import_path
from fuse_engine.run.folder import RunFolder, list_runs, runs_root
from fuse_engine.run.status import ALIVE
from fuse_gui.viewer.launch import has_display, open_window, require_window
from fuse_gui.viewer.phantom import PRESET, write_phantom
from fuse_gui.viewer.virtual_display import virtual_display

EXAMPLES = """\
  fuse-gui demo
  fuse-gui demo --headless --folder demo
"""
FILE = "experiment.yaml"
PATIENTS = 60
TOUR_SECONDS = 240
"""The tour is ended after this time, whatever it waits for."""


def add_demo(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command `demo` to the shell command."""
    sentence = "try everything on a phantom cohort: in a window, or without a screen as files and pictures"
    parser = add_command(subparsers, "demo", sentence, EXAMPLES, demo_command)
    parser.add_argument(
        "--folder", type=Path, default=Path("demo"), metavar="FOLDER", help="where it is made (demo)"
    )
    parser.add_argument(
        "--headless", action="store_true", help="take the tour without a screen, even if there is one"
    )


def demo_command(options: argparse.Namespace) -> int:
    """Write the cohort and the experiment; then open the window on them, or take the tour."""
    headless = options.headless or not has_display()
    if not headless:
        require_window()
    path = prepare(options.folder.resolve())
    return take_tour(path) if headless else open_demo(path)


def prepare(folder: Path) -> Path:
    """Write the phantom cohort and its experiment into `folder`; return the experiment's file."""
    print(f"writing a phantom cohort of {PATIENTS} patients to {folder} ...", flush=True)
    write_phantom(folder, PATIENTS)
    path = folder / FILE
    if not path.exists():
        Experiment.from_preset(PRESET, folder=folder).save(path)
    return path


def open_demo(path: Path) -> int:
    """Start a run, open the window on it, and return when the window is closed; the run goes on."""
    import napari

    from fuse_gui.qt.leave import ask_before_close
    from fuse_gui.viewer.session import project_of

    run = process.start(Experiment.load(path))
    print(f"training in the background: {run.path}", flush=True)
    viewer, _ = open_window()
    ask_before_close(viewer.window._qt_window, project_of(viewer))
    project_of(viewer).open(path)
    napari.run()
    return OK


def take_tour(path: Path) -> int:
    """Take the tour in a process of its own on a display of its own; leave nothing running."""
    before = set(list_runs(runs_root(Experiment.load(path))))
    shutil.rmtree(path.parent / "screenshots", ignore_errors=True)
    with virtual_display() as display, tempfile.TemporaryDirectory(prefix="fuse-tour-") as scratch:
        tour = subprocess.Popen(
            [sys.executable, "-P", "-m", "fuse_gui.viewer.tour", str(path)],
            env=tour_environment(display, Path(scratch)), stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            code = tour.wait(TOUR_SECONDS)
        except subprocess.TimeoutExpired:
            raise FuseError(
                "the demo was ended", expected=f"the tour to take less than {TOUR_SECONDS} s"
            ) from None
        finally:
            _end(tour)
            _end_runs(set(list_runs(runs_root(Experiment.load(path)))) - before)
    return OK if code == 0 else FAILED


def tour_environment(display: str, scratch: Path) -> dict[str, str]:
    """Return an environment in which every tour looks the same, whatever the user's settings are."""
    scratch.chmod(0o700)  # Qt refuses a runtime folder that others may read
    own = {
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "NAPARI_CONFIG": str(scratch / "napari.yaml"),
        "XDG_RUNTIME_DIR": str(scratch),
        "PYTHONPATH": os.pathsep.join(import_path()),
        "PYTHONWARNINGS": "ignore",
    }
    kept = {
        name: value for name, value in os.environ.items() if name not in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE")
    }
    return {**kept, **own}


def _end(tour: subprocess.Popen[bytes]) -> None:
    if tour.poll() is None:
        os.killpg(tour.pid, signal.SIGKILL)
        tour.wait()


def _end_runs(runs: Iterable[RunFolder]) -> None:
    """End the runs of the tour that are still at work, because it failed."""
    for run in runs:
        if run.status().state in ALIVE:
            process.kill(run)
