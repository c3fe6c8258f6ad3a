"""Dotted paths into the sample and batch dict, as fields of components."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel

from fuse_engine.core.batch import NestedDict

_PATH = re.compile(r"[A-Za-z_]\w*(\.\w+)+")


Role = Literal["", "input", "image", "vector", "logits", "output", "truth"]
"""What a key is meant for: any input, an image, a vector, a head's logits or output, a truth; any where empty."""


Holding = Literal["classes", "labels", "label map", "map", "numbers", "boxes"]
"""What a truth holds: of samples their class, marks of labels, numbers or boxes; of pixels their class (`label
map`), or marks or numbers (`map`)."""


class KeyMark:
    """Marks an annotation as a key, for forms and for the key check."""

    def __init__(self, role: Role = "", holds: tuple[Holding, ...] = ()) -> None:
        """Take what the key is meant for and, of a truth, what it can hold; forms offer the keys that fit."""
        self.role, self.holds = role, holds


def _check(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ValueError("expected a dotted key such as 'data.input.image'")
    return text


Key = Annotated[str, KeyMark(), AfterValidator(_check)]
"""Where a component reads: `data.input.<name>`, `data.gt.<name>`, `model.logits.<head>`, `model.output.<head>`."""

InputKey = Annotated[str, KeyMark("input"), AfterValidator(_check)]
"""What a backbone takes: an image, a signal (channel, x), or a vector (n,) or ()."""
ImageKey = Annotated[str, KeyMark("image"), AfterValidator(_check)]
"""An image that is put in: (channel, [z,] y, x)."""
VectorKey = Annotated[str, KeyMark("vector"), AfterValidator(_check)]
"""Table columns or one number that are put in: (n,) or ()."""
LogitsKey = Annotated[str, KeyMark("logits"), AfterValidator(_check)]
"""The logits of a head: `model.logits.<head>`."""
OutputKey = Annotated[str, KeyMark("output"), AfterValidator(_check)]
"""The output of a head, after its activation: `model.output.<head>`."""
TruthKey = Annotated[str, KeyMark("truth"), AfterValidator(_check)]
"""A ground truth of any kind: `data.gt.<name>`."""
ClassKey = Annotated[str, KeyMark("truth", ("classes", "labels")), AfterValidator(_check)]
"""A ground truth of samples: their class, or marks of labels."""
MapKey = Annotated[str, KeyMark("truth", ("label map", "map")), AfterValidator(_check)]
"""A ground truth of pixels: their class, or marks of labels."""
ClassOrMapKey = Annotated[str, KeyMark("truth", ("classes", "labels", "label map", "map")), AfterValidator(_check)]
"""A ground truth of samples or of pixels: their class, or marks of labels."""
NumberKey = Annotated[str, KeyMark("truth", ("numbers", "map")), AfterValidator(_check)]
"""A ground truth of numbers, of samples or of pixels."""
BoxKey = Annotated[str, KeyMark("truth", ("boxes",)), AfterValidator(_check)]
"""A ground truth of boxes."""


def geometry_key(key: str) -> str:
    """Return where the geometry of an image stands, e.g. `data.geometry.input.image` for `data.input.image`."""
    return key.replace("data.", "data.geometry.", 1)


def is_key(annotation: Any, metadata: list[Any]) -> bool:
    """Say whether a field's annotation is a key, a list of keys, or an optional one."""
    if any(isinstance(mark, KeyMark) for mark in metadata):
        return True
    return any(
        isinstance(part, KeyMark) or is_key(part, []) for part in get_args(annotation) if part is not annotation
    )


def key_fields(cls: type[BaseModel]) -> list[str]:
    """Return the names of the fields of a component class that hold keys."""
    return [name for name, info in cls.model_fields.items() if is_key(info.annotation, info.metadata)]


def keys_of(component: BaseModel) -> dict[str, tuple[str, ...]]:
    """Return the keys a component reads, by field; fields left empty are absent."""
    found: dict[str, tuple[str, ...]] = {}
    for name in key_fields(type(component)):
        value = getattr(component, name)
        if value:
            found[name] = (value,) if isinstance(value, str) else tuple(value)
    return found


def read(component: BaseModel, batch: NestedDict) -> dict[str, Any]:
    """Return what a component's keys stand for in `batch`, by field; a list for a list of keys, None for none.

    Raises:
        KeyMissing: naming the nearest keys.
    """
    values: dict[str, Any] = {}
    for name in key_fields(type(component)):
        key = getattr(component, name)
        values[name] = [batch[item] for item in key] if isinstance(key, list) else key and batch[key]
    return values
