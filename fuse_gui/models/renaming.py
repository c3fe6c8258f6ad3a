"""What follows when a head, loss or metric gets another name: the keys and figures that others read by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

READERS = ("losses", "metrics", "training")
"""Parts of the experiment that name heads, losses and metrics."""


def renamed(before: Any, after: Any) -> tuple[str, str] | None:
    """Return the old and the new name where two plain values differ by the name of one item alone."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        if list(before) != list(after):
            return _renamed_here(before, after)
        found = [renamed(before[name], after[name]) for name in before if before[name] != after[name]]
        return found[0] if len(found) == 1 else None
    return None


def _renamed_here(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str] | None:
    if len(before) != len(after) or list(before.values()) != list(after.values()):
        return None
    changed = [names for names in zip(before, after, strict=True) if names[0] != names[1]]
    return changed[0] if len(changed) == 1 else None


def follow(data: dict[str, Any], part: str, old: str, new: str) -> dict[str, Any]:
    """Return the experiment's plain data in which all readers use the new name of an item of `part`."""
    change = _head(old, new) if part == "model" else _figure(part, old, new)
    return {name: _changed(value, change) if name in READERS else value for name, value in data.items()}


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _changed(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _head(old: str, new: str) -> Callable[[str], str]:
    keys = {f"model.{what}.{old}": f"model.{what}.{new}" for what in ("logits", "output")}
    return lambda text: keys.get(text, text)


def _figure(part: str, old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        words = text.split(".")
        if len(words) > 2 and words[1] == part and words[2] == old:
            return ".".join([*words[:2], new, *words[3:]])
        return text

    return change
