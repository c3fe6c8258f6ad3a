"""What is known of each key of the batch, and which keys are meant for a field."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ROLES = {"data.gt.": "truth", "model.logits.": "logits", "model.output.": "output"}
"""What the keys below a branch are meant for."""
PIXELS = ("label map", "map")
"""What a truth of pixels holds; every other one is of samples."""
INPUT = "data.input."
INPUTS = ("input", "image", "signal", "vector")
"""Roles of what is put into a model."""


@dataclass(frozen=True)
class KeyFact:
    """One key of the batch."""

    key: str
    shape: tuple[int, ...] | None = None
    """Of one sample: (channel, [z,] y, x), (n,) or (); None where it is not known."""
    dtype: str = ""
    role: str = ""
    """What the engine says it is: image, signal, vector, text, truth, logits, output, features; or nothing."""
    holds: str = ""
    """What a truth holds, as the engine says: a `Holding` of keys, or text; empty where it is not known."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> KeyFact:
        """Return what the engine says of a key, typed."""
        shape = found.get("shape")
        sizes = None if shape is None else tuple(map(int, shape))
        if found.get("known") is False:
            sizes = None
        texts = [str(found.get(name) or "") for name in ("dtype", "role", "holds")]
        return cls(str(found["key"]), sizes, *texts)

    @property
    def text(self) -> str:
        """The shape in words."""
        return "" if self.shape is None else " × ".join(map(str, self.shape)) or "one number"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition(".")[2]

    @property
    def spatial(self) -> bool | None:
        """Whether it has axes of an image; None where that is not known."""
        return None if self.shape is None else len(self.shape) > 1

    @property
    def meant(self) -> str:
        """What it can be meant for: as the engine says, else as its branch and its shape tell."""
        branch = next((role for start, role in ROLES.items() if self.key.startswith(start)), "")
        if branch or self.role or not self.key.startswith(INPUT):
            return branch or self.role
        return "" if self.spatial is None else "image" if self.spatial else "vector"

    def fits(self, role: str, holds: Collection[str] = ()) -> bool:
        """Say whether a field of that role can mean this key, a truth that holds one of `holds`."""
        if not role:
            return True
        if holds and self.spatial is not None and not any((kind in PIXELS) == self.spatial for kind in holds):
            return False
        if self.meant:
            return self.meant == role or (role == "input" and self.meant in INPUTS)
        return role in INPUTS and self.key.startswith(INPUT)

    def goes_with(self, others: Iterable[KeyFact]) -> bool:
        """Say whether it can be put together with others along the channels: all of one size."""
        sizes = {fact.shape[1:] for fact in (self, *others) if fact.shape is not None}
        return len(sizes) <= 1


def facts_of(found: Iterable[Mapping[str, Any]]) -> dict[str, KeyFact]:
    """Return what is known, by key."""
    return {fact.key: fact for fact in map(KeyFact.of, found)}
