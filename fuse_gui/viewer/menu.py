"""The commands of the napari menu File > IO Utilities > Experiment."""

from __future__ import annotations

from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication, QFileDialog, QInputDialog

from fuse_gui.models.data import DataModel
from fuse_gui.qt.leave import may_leave, save, save_as
from fuse_gui.viewer.session import project_of

COMPONENTS = "Component files (*.py)"


def open_experiment(viewer: napari.Viewer) -> None:
    """Ask for an experiment file and open it."""
    if not may_leave(QApplication.activeWindow(), project_of(viewer)):
        return
    path, _ = QFileDialog.getOpenFileName(
        QApplication.activeWindow(), DataModel.open_help, str(project_of(viewer).folder), DataModel.file_types
    )
    if path:
        project_of(viewer).open(path)


def new_from_preset(viewer: napari.Viewer) -> None:
    """Ask for a preset and start an experiment from it."""
    if not may_leave(QApplication.activeWindow(), project_of(viewer)):
        return
    name, chosen = QInputDialog.getItem(
        QApplication.activeWindow(), "New experiment", DataModel.new_help, project_of(viewer).presets(), 0, False
    )
    if chosen:
        project_of(viewer).new(name)


def save_experiment(viewer: napari.Viewer) -> None:
    """Write the experiment to its file; ask for one where it has none yet."""
    save(QApplication.activeWindow(), project_of(viewer))


def save_experiment_as(viewer: napari.Viewer) -> None:
    """Ask for a file and write the experiment to it."""
    save_as(QApplication.activeWindow(), project_of(viewer))


def add_component_file(viewer: napari.Viewer) -> None:
    """Ask for a Python file of the user's own components and use it; the engine imports it, not the window."""
    path, _ = QFileDialog.getOpenFileName(
        QApplication.activeWindow(), "Add a file of components", str(project_of(viewer).folder), COMPONENTS
    )
    if path:
        project_of(viewer).add_components(Path(path))
