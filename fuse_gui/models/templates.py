"""Templates: a whole model with losses and metrics for the keys of the open experiment, in one step."""

from __future__ import annotations

from collections.abc import Mapping

import fuse_resources
from fuse_engine.core.errors import FuseError
from fuse_engine.core.model_presets import PARTS, ModelKeys, ModelPreset, model_preset, title
from fuse_gui.models.key_facts import INPUT, INPUTS, KeyFact
from fuse_gui.models.project import Project
from fuse_gui.models.scene import Scene, SceneNow
from fuse_gui.models.starts import class_count, truth_kind


class Templates:
    """Replaces model, losses and metrics by a ready combination."""

    label = "Template …"

    def __init__(self, project: Project, scene: SceneNow) -> None:
        """Take the project."""
        self._project, self._scene = project, scene

    @property
    def names(self) -> tuple[str, ...]:
        """The templates there are."""
        return tuple(fuse_resources.model_presets())

    def title(self, name: str) -> str:
        """Return what a template is called."""
        return title(name)

    def help(self, name: str) -> str:
        """Return what a template makes, in a sentence."""
        return f"{model_preset(name).sentence} It replaces model, losses and metrics; Undo brings them back."

    def use(self, name: str) -> None:
        """Replace model, losses and metrics, and what the best epoch is chosen by; say what was chosen."""
        with self._project.reporting("templates"):
            scene = self._scene.now
            if scene is None:
                raise FuseError("no experiment is open")
            preset = model_preset(name)
            _known(preset, scene)
            keys = keys_of(scene)
            filled, told = preset.fill(keys), preset.choices(keys)
            data = scene.experiment.to_data()
            data.update({part: filled[part] for part in PARTS})
            data["training"] = {**data["training"], "best": filled["best"]}
            self._project.set_experiment(scene.experiment.with_data(data))
            self._project.say(told)


def keys_of(scene: Scene) -> ModelKeys:
    """Return what an experiment offers a model; what is not known of a truth is read from its steps."""
    facts = scene.facts.values()
    images = _images(scene)
    axes = len(images[0].shape) if images and images[0].shape else None
    truths = {fact: truth_kind(scene.experiment, fact) for fact in facts if fact.fits("truth")}

    def counted(*wanted: str) -> dict[str, int]:
        return {fact.key: class_count(scene.experiment, fact) for fact, kind in truths.items() if kind in wanted}

    return ModelKeys(
        tuple(fact.key for fact in images if axes is None or fact.shape is None or len(fact.shape) == axes),
        tuple(fact.key for fact in facts if fact.fits("vector") and fact.shape is not None),
        counted("classes"), counted("label map"), tuple(counted("numbers")),
    )  # fmt: skip


def _images(scene: Scene) -> list[KeyFact]:
    """Return the images among the inputs: those of that shape, or that the model reads while no shape is known."""
    inputs = [fact for fact in scene.facts.values() if fact.key.startswith(INPUT)]
    known = [fact for fact in inputs if fact.spatial and fact.fits("image")]
    if known or any(fact.shape is not None for fact in inputs):
        return known
    read = {key for spot in scene.model_spots if spot.role in INPUTS for key in spot.keys}
    return [fact for fact in inputs if fact.key in read] or inputs[:1]


def _known(preset: ModelPreset, scene: Scene) -> None:
    """Raise a sentence where a component of the preset is not installed."""
    known: Mapping[str, object] = {entry.name: entry for entry in scene.catalog.entries}
    for name in preset.components():
        if name not in known:
            raise FuseError(f"the template {preset.title} needs '{name}', which is not among the components")
