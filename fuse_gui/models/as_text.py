"""The open experiment as text: its file, Python, and the shell command."""

from __future__ import annotations

from psygnal import Signal

from fuse_gui.models.project import Project


class AsTextModel:
    """One of the three texts of the open experiment."""

    title, copy_label = "As YAML, Python or command", "Copy"
    faces = ("YAML", "Python", "Command")

    changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the open project; the YAML is chosen."""
        self._project = project
        self.face = self.faces[0]
        project.experiment_changed.connect(self._follow)

    @property
    def text(self) -> str:
        """The chosen text; empty while no experiment is open."""
        if self._project.experiment is None:
            return ""
        if self.face == "YAML":
            return self._project.as_yaml()
        return self._project.as_python() if self.face == "Python" else self._project.as_command()

    def choose(self, face: str) -> None:
        """Choose one of `faces`."""
        if face != self.face and face in self.faces:
            self.face = face
            self.changed.emit()

    def _follow(self) -> None:
        self.changed.emit()
