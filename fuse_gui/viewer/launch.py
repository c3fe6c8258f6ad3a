"""`fuse-gui open`: a napari window with all docks on one experiment."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from fuse_engine.core.errors import FuseError

PLUGIN = "fuse-gui"
RIGHT = ("Data", "Processors", "Augmentation", "Model")
BOTTOM = ("Training", "Inference", "Analysis")
SIZE = (1600, 1000)
"""Pixels of the window, where the screen allows."""


def add_open(subparsers: Any) -> None:
    """Add the command `open` to the shell command."""
    parser = subparsers.add_parser(
        "open",
        help="open napari on an experiment",
        description="Open a napari window with all docks, on an experiment where one is given.",
        epilog="examples:\n  fuse-gui open\n  fuse-gui open mammography.yaml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", nargs="?", type=Path, help="experiment file to open")
    parser.set_defaults(handler=open_command)


def open_command(arguments: argparse.Namespace) -> int:
    """Open the window and return when it is closed."""
    require_window()
    import napari

    viewer = open_window(arguments.experiment)
    napari.run()
    del viewer
    return 0


def require_window() -> None:
    """Check that a window can be opened, before anything heavy is imported.

    Raises:
        FuseError: saying what is missing and what to do about it.
    """
    missing = [name for name in ("napari", "qtpy") if importlib.util.find_spec(name) is None]
    bindings = [name for name in ("PyQt5", "PyQt6", "PySide6") if importlib.util.find_spec(name) is not None]
    if missing or not bindings:
        absent = ", ".join(missing) or "a Qt toolkit"
        raise FuseError(f"the window needs {absent}", expected="pip install 'fuse-gui[pyqt5]'")
    if not has_display():
        raise FuseError(
            "there is no display",
            expected="DISPLAY or WAYLAND_DISPLAY to be set; without one `fuse-gui demo --headless` takes the tour, "
            "and `fuse-gui train` and the notebook panels need none",
        )


def has_display() -> bool:
    """Whether a window can be shown."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_window(experiment: Path | None = None) -> Any:
    """Return a napari viewer with all docks, on an experiment where one is given."""
    import napari

    from fuse_gui.viewer.session import project_of

    viewer = napari.Viewer(title="FuseGUI")
    open_docks(viewer)
    if experiment is not None:
        project_of(viewer).open(experiment)
    return viewer


def open_docks(viewer: Any) -> dict[str, Any]:
    """Add all docks: settings as tabs on the right, runs and results as tabs below; return them by name."""
    from qtpy.QtCore import Qt

    docks = {name: viewer.window.add_plugin_dock_widget(PLUGIN, name)[0] for name in (*RIGHT, *BOTTOM)}
    for names, area in ((RIGHT, Qt.RightDockWidgetArea), (BOTTOM, Qt.BottomDockWidgetArea)):
        first = docks[names[0]]
        main = first.window()
        main.addDockWidget(area, first)
        for name in names[1:]:
            main.tabifyDockWidget(first, docks[name])
        first.raise_()
    main.resize(*SIZE)
    main.resizeDocks([docks[RIGHT[0]]], [SIZE[0] // 3], Qt.Horizontal)
    main.resizeDocks([docks[BOTTOM[0]]], [SIZE[1] // 3], Qt.Vertical)
    return docks
