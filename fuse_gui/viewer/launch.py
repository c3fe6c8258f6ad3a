"""`fuse-gui open`: a napari window with all docks on one experiment."""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuse_engine.cli.options import OK, Subparsers, add_command
from fuse_engine.core.errors import FuseError
from fuse_gui.models.calm import Calm

if TYPE_CHECKING:
    from fuse_gui.models.project import Project

PLUGIN = "fuse-gui"
EXAMPLES = """\
  fuse-gui open
  fuse-gui open mammography.yaml
"""
RIGHT = ("Data", "Processors", "Augmentation", "Model")
BOTTOM = ("Training", "Inference", "Analysis")
SIZE = (1600, 1000)
"""Pixels of the window, where the screen allows."""
REST = 1.0
"""Seconds after the first sample when all that is loaded with it is there."""


def add_open(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command `open` to the shell command."""
    parser = add_command(subparsers, "open", "open a napari window with all docks", EXAMPLES, open_command)
    parser.add_argument("experiment", nargs="?", type=Path, metavar="FILE", help="experiment (YAML) to open")


def open_command(options: argparse.Namespace) -> int:
    """Open the window and return when it is closed."""
    require_window()
    import napari

    from fuse_gui.qt.leave import ask_before_close
    from fuse_gui.viewer.session import project_of

    viewer, _ = open_window()
    ask_before_close(viewer.window._qt_window, project_of(viewer))
    if options.experiment is not None:
        project_of(viewer).open(options.experiment)
    napari.run()
    return OK


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
            expected="DISPLAY or WAYLAND_DISPLAY to be set; without one `fuse-gui demo --headless` takes "
            "the tour, and `fuse-gui train` and the notebook panels need none",
        )


def has_display() -> bool:
    """Whether a window can be shown."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_window() -> tuple[Any, dict[str, tuple[Any, Any]]]:
    """Return a new napari viewer, and its docks and views by name."""
    import napari

    from fuse_gui.viewer.session import project_of

    viewer = napari.Viewer(title="FuseGUI", show_welcome_screen=False)
    docks = open_docks(viewer)
    # what stands now stays: without this, each full garbage collection walks all of napari and holds up the window
    gc.collect()
    gc.freeze()
    keep_with_sample(project_of(viewer))
    return viewer, docks


def keep_with_sample(project: Project, rest: float = REST) -> None:
    """Have garbage collections pass over what the first sample brought as well as over what stood before."""

    def keep() -> None:
        project.values_changed.disconnect(read)
        gc.collect(1)  # a full one would hold up the window for a tenth of a second
        gc.freeze()

    def read() -> None:
        if project.sample_id:
            calm.poke()

    calm = Calm(project, keep, rest)
    project.values_changed.connect(read)


def open_docks(viewer: Any) -> dict[str, tuple[Any, Any]]:
    """Add all docks, settings as tabs on the right, runs and results below; return dock and view by name."""
    from qtpy.QtCore import Qt, QTimer

    added = {name: viewer.window.add_plugin_dock_widget(PLUGIN, name) for name in (*RIGHT, *BOTTOM)}
    found = {name: (dock, inner.view) for name, (dock, inner) in added.items()}
    main = found[RIGHT[0]][0].window()
    main.setCorner(Qt.BottomRightCorner, Qt.RightDockWidgetArea)  # forms and tables need the height of the window
    for names, area in ((RIGHT, Qt.RightDockWidgetArea), (BOTTOM, Qt.BottomDockWidgetArea)):
        docks = [found[name][0] for name in names]
        main.addDockWidget(area, docks[0])
        for dock in docks[1:]:
            main.tabifyDockWidget(docks[0], dock)
        docks[0].raise_()
    for name, (dock, _) in found.items():
        dock.setWindowTitle(name)  # the tabs have no room for the name of the plugin
        dock.destroyOnClose = dock.hide  # a panel comes back where it was, with what it shows, from the menu
    ours = [dock for dock, _ in found.values()]
    theirs = [
        dock for dock in main.findChildren(type(ours[0])) if main.dockWidgetArea(dock) == Qt.LeftDockWidgetArea
    ]
    for dock in theirs[1:]:
        main.tabifyDockWidget(theirs[0], dock)  # one below the other they leave too little height for the rest
    main.resize(*SIZE)
    main.resizeDocks([found[RIGHT[0]][0]], [SIZE[0] * 2 // 5], Qt.Horizontal)
    main.resizeDocks([found[BOTTOM[0]][0]], [SIZE[1] * 2 // 5], Qt.Vertical)
    laid_out = QTimer(main)  # a child of the window, so that it does not outlive it
    laid_out.setSingleShot(True)
    laid_out.timeout.connect(lambda: hide_empty_tab_bars(main))
    laid_out.start(0)
    return found


def hide_empty_tab_bars(main: Any) -> None:
    """Hide the tab bars without tabs that Qt leaves lying over the window when docks become tabs."""
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QTabBar

    for bar in main.findChildren(QTabBar, options=Qt.FindDirectChildrenOnly):
        if not bar.count():
            bar.hide()
