"""The question before edits are lost: when another experiment is opened, or the window is closed."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project


def may_leave(parent: QWidget | None, project: Project) -> bool:
    """Whether the open experiment may go: it has no edits, or the person saved them or gives them up."""
    if not project.would_lose:
        return True
    buttons = QMessageBox.StandardButton
    choices = buttons.Save | buttons.Discard | buttons.Cancel
    answer = QMessageBox.question(parent, DataModel.leave_title, DataModel.leave_question, choices, buttons.Save)
    if answer == buttons.Save:
        return save(parent, project)
    return bool(answer == buttons.Discard)


def save(parent: QWidget | None, project: Project) -> bool:
    """Write the experiment to its file, or to one that is asked for; return whether it was written."""
    return project.save() if project.path is not None else save_as(parent, project)


def save_as(parent: QWidget | None, project: Project) -> bool:
    """Write the experiment to a file that is asked for; return whether it was written."""
    path, _ = QFileDialog.getSaveFileName(
        parent, DataModel.save_as_help, str(project.folder), DataModel.file_types
    )
    return bool(path) and project.save(DataModel.with_ending(path))


class _Closing(QObject):  # type: ignore[misc]
    """Sees the window being closed before the window does."""

    def __init__(self, window: Any, project: Project) -> None:
        super().__init__(window)
        self._project = project

    def eventFilter(self, watched: Any, event: Any) -> bool:
        if event.type() != QEvent.Type.Close or may_leave(watched, self._project):
            return False
        event.ignore()
        return True


def ask_before_close(window: Any, project: Project) -> None:
    """Ask from now on before `window` is closed over edits that are not saved."""
    window.installEventFilter(_Closing(window, project))
