"""Names of items in an experiment, made from names of components and kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterable


def snake(name: str) -> str:
    """Return a name as small words joined by `_`: `CrossEntropy` is `cross_entropy`, `IoU` is `iou`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    joined = words[:1]
    for place, word in enumerate(words[1:], 1):
        glued = word.isdigit() or (len(word) == 1 and place == len(words) - 1)
        joined[-1:] = [joined[-1] + word] if glued else [joined[-1], word]
    return "_".join(joined).lower()


def free(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number where it is taken."""
    names = set(taken)
    return next(n for n in (name, *(f"{name}_{i}" for i in range(2, len(names) + 3))) if n not in names)
