"""The nested sample and batch dict, read and written by dotted keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from fuse_engine.core.errors import KeyMissing


class NestedDict(MutableMapping[str, Any]):
    """A tree of dicts addressed by dotted keys, e.g. `batch["data.input.image"]`.

    A prefix (`batch["data.input"]`) is a view: what is set through it is set in the whole. Iteration and
    `len` go over the leaves.

    Raises:
        KeyMissing: for a key that is not there; it names the nearest keys.
    """

    __slots__ = ("_tree",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        """Copy the structure of `values` (nested or dotted); leaves are shared."""
        self._tree: dict[str, Any] = {}
        for key, value in (values or {}).items():
            self[key] = value

    @classmethod
    def _view(cls, tree: dict[str, Any]) -> NestedDict:
        view = cls()
        view._tree = tree
        return view

    def __getitem__(self, key: str) -> Any:
        """Return a leaf, or a writing view of everything below a prefix."""
        node: Any = self._tree
        for part in key.split("."):
            if not isinstance(node, dict) or part not in node:
                raise self._missing(key)
            node = node[part]
        return self._view(node) if isinstance(node, dict) else node

    def __setitem__(self, key: str, value: Any) -> None:
        """Set a leaf, or a whole branch from a mapping."""
        *parents, last = key.split(".")
        node = self._tree
        for part in parents:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise KeyMissing(f"'{part}' in '{key}' is a value, nothing can be set below it")
        node[last] = type(self)(value)._tree if isinstance(value, Mapping) else value

    def __delitem__(self, key: str) -> None:
        """Remove a leaf or a branch."""
        parent, _, last = key.rpartition(".")
        if key not in self:
            raise self._missing(key)
        (self[parent]._tree if parent else self._tree).pop(last)

    def __contains__(self, key: object) -> bool:
        """Say whether a leaf or a branch of that name is there."""
        node: Any = self._tree
        for part in str(key).split("."):
            if not isinstance(node, dict) or part not in node:
                return False
            node = node[part]
        return True

    def __iter__(self) -> Iterator[str]:
        """Go over the dotted keys of the leaves, in the order they were set."""
        return _leaves(self._tree, "")

    def __len__(self) -> int:
        """Return the number of leaves."""
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        """Name the keys, never the values: a sample may hold what must not be logged."""
        return f"NestedDict({', '.join(self)})"

    def copy(self) -> NestedDict:
        """Return a new tree over the same leaves."""
        return type(self)(self._tree)

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as plain nested dicts over the same leaves."""
        return self.copy()._tree

    def _missing(self, key: str) -> KeyMissing:
        known = list(self)
        near = difflib.get_close_matches(key, known, 3, 0.4) or known[:3]
        return KeyMissing(f"no key '{key}'", nearest="' or '".join(near))


def _leaves(tree: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name
