"""What to start from: lists of augmentations that come with the program, and the keys of a step that is added."""

from __future__ import annotations

from collections.abc import Mapping

from fuse_engine.core.augmentation_presets import ImageKeys, augmentation_preset, augmentation_presets
from fuse_engine.core.catalog import Entry
from fuse_engine.core.errors import FuseError
from fuse_gui.models.project import Project
from fuse_gui.models.stage import PLACES, Stage

KEYS, MOVED = "keys", "points"
"""The fields of the keys that a step changes, and of the points that it moves where it moves pixels."""


class Presets:
    """Fills the steps with a ready list, for the images and label maps of the chosen sample."""

    label = "Preset …"

    def __init__(self, project: Project, stage: Stage) -> None:
        """Take the project, and what knows the sample."""
        self._project, self._stage = project, stage

    @property
    def names(self) -> tuple[str, ...]:
        """The presets there are."""
        return tuple(augmentation_presets())

    def title(self, name: str) -> str:
        """Return what a preset is called."""
        return augmentation_presets()[name].title

    def help(self, name: str) -> str:
        """Return what a preset does, in a sentence."""
        return f"{augmentation_presets()[name].sentence} It replaces the steps; Undo brings them back."

    def use(self, name: str) -> None:
        """Replace the steps of the experiment; it can be undone."""
        with self._project.reporting("presets"):
            image = self._stage.before.get("image")
            if image is None:
                raise FuseError("the presets need a sample", expected="a sample chosen in the Data panel")
            shown = self._project.shown.keys
            keys = ImageKeys(
                shown.get("image", ()), shown.get("gt", ()), 2 if image["array"].ndim == 3 else 3
            )  # fmt: skip
            self._project.edit(("augmentation",), augmentation_preset(name).steps(keys))

    def starts(self, entry: Entry) -> Mapping[str, list[str]]:
        """Return the keys that a step starts with: the images, and the label maps where it moves pixels."""
        fields = {field.name: field for field in entry.fields}
        images, labels = (self._project.shown.keys.get(place, ()) for place in PLACES)
        if not images or KEYS not in fields or not fields[KEYS].required:
            return {}
        return {KEYS: [*images, *(labels if MOVED in fields else ())]}
