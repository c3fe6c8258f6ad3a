"""What a model answers, head by head, and where in the experiment that is said."""

from __future__ import annotations

from dataclasses import dataclass

from fuse_engine.core.component import Component
from fuse_engine.core.document import Place
from fuse_engine.models.base import Activation, BatchModule, Head
from fuse_engine.models.shapes import head_keys
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.readers import within


@dataclass(frozen=True)
class Answer:
    """One answer of a model."""

    name: str
    """Name of the head, e.g. `classifier`."""
    place: Place
    """Of the head, or of a model that is one whole network."""
    component: Component
    width: int | None
    """Channels of the answer, None where it is not said."""
    activation: Activation | None
    """What makes the output of the logits, None where it is not said."""

    @property
    def count(self) -> str:
        """Name of the field that says how many classes or labels there are, empty where there is none."""
        fields = type(self.component).model_fields
        return next((name for name in ("classes", "labels", "values") if name in fields), "")


def answers(assembly: Assembly, module: BatchModule) -> dict[str, Answer]:
    """Return what makes each key `model.logits.<name>` and `model.output.<name>`."""
    model, place = assembly.model, assembly.model_place
    heads = {str(at[-2]): (at, item) for at, item in within(place, model) if isinstance(item, Head)}
    found: dict[str, Answer] = {}
    for key in model.outputs():
        if not key.startswith(("model.logits.", "model.output.")):
            continue
        name = key.split(".", 2)[2]
        if name in heads:
            at, head = heads[name]
            found[key] = Answer(name, at, head, head.width, module.answers.get(name))
        else:
            found[key] = Answer(name, place, model, getattr(model, "classes", None), module.answers.get(name))
    return found


def other_key(key: str) -> str:
    """Return the output of a head whose logits are given, or the other way round."""
    name = key.split(".", 2)[2]
    logits, output = head_keys(name)
    return output if key == logits else logits
