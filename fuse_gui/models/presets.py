"""Lists of augmentations that come with the program, to start from."""

from __future__ import annotations

from fuse_engine.core.augmentation_presets import ImageKeys, augmentation_preset, augmentation_presets
from fuse_engine.core.errors import FuseError
from fuse_gui.models.project import Project
from fuse_gui.models.stage import Stage


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
