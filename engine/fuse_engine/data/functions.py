"""Functions of the user that the `Function` step calls: from installed packages, or from a component file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any, TypeVar

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError, nearest

GROUP = "fuse_engine.functions"
"""Entry points of this group name functions of installed packages."""

F = TypeVar("F", bound=Callable[..., Any])

_functions: dict[str, Callable[..., Any]] = {}


def function(work: F) -> F:
    """Make a function known to the `Function` step under its own name; use as a decorator.

    It takes a value (an `Image`, an array, a number or a text), the row where it has a parameter `row`, and the
    step's arguments by name; it returns the new value, or for an image an array of the same shape.

    Raises:
        FuseError: when another module's function has that name.
    """
    name = work.__name__
    other = _functions.get(name)
    if other is not None and other.__module__ != work.__module__:
        raise FuseError(f"the function {name} of {work.__module__} is already registered by {other.__module__}")
    _functions[name] = work
    return work


def find(name: str) -> Callable[..., Any]:
    """Return the function of that name; of the installed packages, only the one that has it is imported.

    Raises:
        FuseError: for an unknown name, with the nearest one, and for a package that cannot be imported.
    """
    if name not in _functions:
        registry.load()
    if name in _functions:
        return _functions[name]
    entries = {entry.name: entry for entry in metadata.entry_points(group=GROUP)}
    if name not in entries:
        known = sorted({*_functions, *entries})
        raise FuseError(
            f"unknown function '{name}'", nearest=nearest(name, known),
            expected=f"one of {', '.join(known)}" if known else f"`@function` above it, or an entry point {GROUP}",
        )  # fmt: skip
    try:
        found = entries[name].load()
    except Exception as error:  # the boundary: a package may fail in any way, and it must be named
        raise FuseError(
            f"the function '{name}' ({entries[name].value}) cannot be imported",
            got=f"{type(error).__name__}: {error}",
        ) from error
    if not callable(found):
        raise FuseError(f"the entry point '{name}' ({entries[name].value}) is no function")
    _functions[name] = found
    return _functions[name]
