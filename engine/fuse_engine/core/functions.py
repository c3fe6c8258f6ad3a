"""What a user wrote and an experiment names: from installed packages, or from a component file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any, TypeVar

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError, nearest

F = TypeVar("F", bound=Callable[..., Any])


class Registered:
    """What is known by name because its author said so: an experiment can call nothing else."""

    def __init__(self, noun: str, group: str) -> None:
        """Take the word for it, which is its decorator too, and the group of the packages' entry points."""
        self.noun, self.group = noun, group
        self.known: dict[str, Callable[..., Any]] = {}

    def add(self, work: F) -> F:
        """Make it known under its own name.

        Raises:
            FuseError: when another module's has that name.
        """
        name = work.__name__
        other = self.known.get(name)
        if other is not None and other.__module__ != work.__module__:
            raise FuseError(
                f"the {self.noun} {name} of {work.__module__} is already registered by {other.__module__}"
            )
        self.known[name] = work
        return work

    def find(self, name: str) -> Callable[..., Any]:
        """Return the one of that name; of the installed packages, only the one that has it is imported.

        Raises:
            FuseError: for an unknown name, with the nearest one, and for a package that cannot be imported.
        """
        if name not in self.known:
            registry.load()
        if name not in self.known:
            self.known[name] = self._imported(name)
        return self.known[name]

    def _imported(self, name: str) -> Callable[..., Any]:
        entries = {entry.name: entry for entry in metadata.entry_points(group=self.group)}
        if name not in entries:
            names = sorted({*self.known, *entries})
            nothing = f"`@{self.noun}` above it, or an entry point {self.group}"
            raise FuseError(
                f"unknown {self.noun} '{name}'", nearest=nearest(name, names),
                expected=f"one of {', '.join(names)}" if names else nothing,
            )  # fmt: skip
        try:
            found: Callable[..., Any] = entries[name].load()
        except Exception as error:  # the boundary: a package may fail in any way, and it must be named
            raise FuseError(
                f"the {self.noun} '{name}' ({entries[name].value}) cannot be imported",
                got=f"{type(error).__name__}: {error}",
            ) from error
        if not callable(found):
            raise FuseError(f"the entry point '{name}' ({entries[name].value}) is no {self.noun}")
        return found


functions = Registered("function", "fuse_engine.functions")
"""Functions that steps and wrapped modules call."""
modules = Registered("module", "fuse_engine.modules")
"""Classes of torch modules, or functions that return one."""


def function(work: F) -> F:
    """Make a function known under its own name; use as a decorator.

    The `Function` step calls it with a value (an `Image`, an array, a number or a text), the row where it has a
    parameter `row`, and the step's arguments by name; it returns the new value, or for an image an array of the
    same shape. `WrapModule` calls it with tensors, before or after the module.

    Raises:
        FuseError: when another module's function has that name.
    """
    return functions.add(work)


def module(make: F) -> F:
    """Make a class of torch modules, or a function that returns one, known under its own name; use as a decorator.

    `WrapModule` calls it with the arguments that stand in the experiment.

    Raises:
        FuseError: when another module's has that name.
    """
    return modules.add(make)
