"""Which pictures of the sample are on the screen: the first image and the first label map, or the ones chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psygnal import Signal

if TYPE_CHECKING:
    from fuse_gui.models.project import Project


class Shown:
    """Reads the sample that is looked at, and puts one image and one label map of it on the screen."""

    labels = {"image": "Image", "gt": "Ground truth"}  # noqa: RUF012
    helps = {  # noqa: RUF012
        "image": "Which input of the sample is on the screen",
        "gt": "Which label map lies over the image",
    }

    changed = Signal()
    """Other keys hold pictures, or others are shown."""

    def __init__(self, project: Project) -> None:
        """Take the project whose sample is shown."""
        self._project = project
        self.forget()

    def forget(self) -> None:
        """Forget what was chosen: another experiment is opened."""
        self.keys: Mapping[str, tuple[str, ...]] = {}
        """Keys that hold pictures, by the place on the screen they can have: `image` or `gt`."""
        self.key: Mapping[str, str] = {}
        """The key that is shown, by its place on the screen."""
        self.chosen: tuple[str, ...] = ()
        """Keys that a person chose; they are shown of every sample that has them."""
        self.changed.emit()

    def choose(self, key: str) -> None:
        """Show what a key holds, of this sample and the next ones; a key without a picture changes nothing."""
        place = next((name for name, keys in self.keys.items() if key in keys), "")
        if place:
            self.chosen = (*(other for other in self.chosen if other not in self.keys[place]), key)
            self._project.neighbours.forget()
            self._project.screen.restyle(place, visible=True)
            self.read()

    def read(self) -> None:
        """Show the sample that is looked at: at once where it was read ahead, then what changed since."""
        project = self._project
        if not project.sample_id:
            return
        kept = project.neighbours.kept(project.sample_id)
        if kept is not None:
            self._show(kept)
        known = str(kept["fingerprint"]) if kept else ""
        project.ask(
            "sample", "sample", self._arrived, failed=lambda _: self._show_nothing(),
            id=project.sample_id, known=known, chosen=list(self.chosen),
        )  # fmt: skip

    def again(self) -> None:
        """Put the sample on the screen as its last steps left it, where it is known."""
        kept = self._project.neighbours.kept(self._project.sample_id)
        if kept is not None:
            self._show(kept)

    def _arrived(self, reply: Mapping[str, Any]) -> None:
        if not reply.get("unchanged"):
            self._project.neighbours.keep(self._project.sample_id, reply)
            self._show(reply)

    def _show(self, reply: Mapping[str, Any]) -> None:
        screen = self._project.screen
        for place in self.labels:
            screen.show_picture(place, reply[place])
        keys = {place: tuple(found) for place, found in reply["keys"].items()}
        if (keys, reply["shown"]) != (self.keys, self.key):
            self.keys, self.key = keys, dict(reply["shown"])
            self.changed.emit()
        self._project.set_values(reply["values"])

    def _show_nothing(self) -> None:
        self._project.screen.clear()
        self._project.set_values({})
