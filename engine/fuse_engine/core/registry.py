"""Which components there are: ours, the plugins', and the user's own files."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fuse_engine.core.errors import FuseError, nearest

if TYPE_CHECKING:
    from fuse_engine.core.component import Component

KINDS = (
    "source", "processor", "patches", "cache", "augmentation", "backbone", "network", "head", "model", "loss",
    "metric", "optimizer", "schedule", "callback", "heatmap", "executor",
)  # fmt: skip
"""The kinds of component, in the order a person meets them."""

COMPONENTS_VARIABLE = "FUSE_COMPONENTS"
"""Environment variable: the user's own component files, separated like `PATH`; child processes inherit it."""

OURS = (
    "fuse_engine.data", "fuse_engine.augment", "fuse_engine.models", "fuse_engine.losses", "fuse_engine.metrics",
    "fuse_engine.run.parts",
)  # fmt: skip
"""The packages whose import registers the components we ship."""

_components: dict[str, dict[str, type[Component]]] = {kind: {} for kind in KINDS}
_loaded: set[str] = set()
broken: dict[str, str] = {}
"""Plugins and files that could not be imported, with the reason."""

C = TypeVar("C", bound="type[Component]")


def register(cls: C) -> C:
    """Make a component class known under its class name; use as a decorator.

    Raises:
        FuseError: for an unknown kind, a lower-case name, a missing docstring, or a name that is taken.
    """
    name, known = cls.__name__, _components.get(cls.kind)
    if known is None:
        raise FuseError(
            f"{name} has no kind", expected=f"a subclass of one of {', '.join(KINDS)}", got=repr(cls.kind)
        )
    if not name[0].isupper():
        raise FuseError(f"component names begin with a capital letter, '{name}' does not")
    if not (cls.__doc__ or "").strip():
        raise FuseError(f"{cls.kind} {name} needs a docstring: its first sentence is its help")
    other = known.get(name)
    if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
        raise FuseError(f"the {cls.kind} {name} of {cls.__module__} is already registered by {other.__module__}")
    known[name] = cls
    return cls


def get(kind: str, name: str) -> type[Component]:
    """Return the component class of that kind and name.

    Raises:
        FuseError: names the nearest one, or the kind under which the name is known.
    """
    if name not in _components[kind]:
        load()  # not always: it looks through all installed packages, which takes long
    if found := _components[kind].get(name):
        return found
    elsewhere = [other for other in KINDS if name in _components[other]]
    message = f"unknown {kind} '{name}'" + (f" ({name} is a {elsewhere[0]})" if elsewhere else "")
    raise FuseError(
        message, expected=f"one of {', '.join(sorted(_components[kind])) or 'none'}",
        nearest=nearest(name, _components[kind]),
    )  # fmt: skip


def every(kind: str) -> dict[str, type[Component]]:
    """Return the component classes of one kind by name, sorted."""
    load()
    return dict(sorted(_components[kind].items()))


def load() -> None:
    """Import our components, the installed plugins, and the files of `FUSE_COMPONENTS`, once each."""
    for module in OURS:
        if module not in _loaded:
            importlib.import_module(module)
            _loaded.add(module)
    for entry in metadata.entry_points(group="fuse_engine.plugins"):
        _try(f"plugin {entry.name}", entry.load)
    for path in component_files():
        _try(f"file {path}", lambda path=path: _import_file(path))


def component_files() -> list[Path]:
    """Return the user's own component files: Python that the user asked to run."""
    text = os.environ.get(COMPONENTS_VARIABLE, "")
    return [Path(part).resolve() for part in text.split(os.pathsep) if part]


def use_files(paths: Iterable[Path]) -> None:
    """Add component files for this process and the processes it starts."""
    every_path = [*component_files(), *(path.resolve() for path in paths)]
    os.environ[COMPONENTS_VARIABLE] = os.pathsep.join(dict.fromkeys(map(str, every_path)))


def _try(label: str, action: object) -> None:
    if label in _loaded:
        return
    _loaded.add(label)
    try:
        action()  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 the boundary: a broken plugin is reported, the rest goes on
        broken[label] = f"{type(error).__name__}: {error}"


def _import_file(path: Path) -> None:
    name = f"fuse_components_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FuseError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
