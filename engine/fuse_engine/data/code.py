"""Which code and libraries a step's result depends on, as digests: an edited helper counts as the step does."""

from __future__ import annotations

import hashlib
import re
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

_PLUMBING = tuple(
    f"fuse_engine.data.{name}"
    for name in (
        "cache", "classes", "code", "collate", "dataset", "doctor", "fingerprint", "fit", "patches", "processor",
        "sampler", "slots", "source", "split",
    )
)  # fmt: skip
"""Our modules that bring values about or along, and do not change them."""
_NEUTRAL = frozenset(("fuse_engine", "fuse_resources", "psutil", "pydantic"))
"""Packages whose version says nothing about pixels; what counts of our own is followed file by file."""

_IMPORT = re.compile(r"^\s*(?:import\s+([\w., ]+)|from\s+([\w.]+)\s+import\s+(\([^)]*\)|[\w, *]+))", re.MULTILINE)
_COMMENT = re.compile(r"#.*")
_WORD = re.compile(r"(?<!as )\b\w+\b(?<!\bas)")
_BEGAN = time.time()
_PROCESS = uuid.uuid4().hex
_CALLED = (FunctionType, classmethod, staticmethod, property)


@dataclass(frozen=True)
class Code:
    """What a step is written in."""

    digest: str
    """Changes with its module, the modules that it imports from its own package, and our reading of files."""
    libraries: dict[str, str]
    """Version of every other package that they import, by name."""


@dataclass(frozen=True)
class _Module:
    """One source file."""

    digest: str
    imports: tuple[str, ...]


def code_of(items: Iterable[object]) -> Code:
    """Return the code of modules, functions and classes, with that of their base classes."""
    found: dict[str, str] = {}
    libraries: dict[str, str] = {}
    for item in items:
        if isinstance(item, ModuleType):
            _follow(item.__name__, found, libraries)
            continue
        for owner in _owners(item):
            found[f"{owner.__module__}:{owner.__qualname__}"] = _typed(owner) if is_typed(owner) else ""
            if not is_typed(owner):
                _follow(owner.__module__, found, libraries)
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(found.items()))
    return Code(hashlib.sha256(text.encode()).hexdigest(), dict(sorted(libraries.items())))


def is_typed(item: object) -> bool:
    """Say whether something was typed into a shell or notebook: its code may change while this process runs."""
    return not isinstance(item, ModuleType) and _path(str(getattr(item, "__module__", ""))) is None


def _owners(item: object) -> list[Any]:
    """Return a function, or a class and what it inherits from, as far as that decides a result."""
    found: list[Any] = list(item.__mro__) if isinstance(item, type) else [item]
    return [found[0], *(base for base in found[1:] if _counts(base.__module__, found[0].__module__))]


def _typed(item: Any) -> str:
    """Return a digest of typed code, and of the typed code that it calls; good for this process only."""
    waiting, seen, parts = [item], set[int](), [_PROCESS]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        one = getattr(one, "__func__", one)
        if isinstance(one, type) and is_typed(one):
            waiting += [value for value in vars(one).values() if isinstance(value, _CALLED)]
        elif isinstance(one, FunctionType):
            parts.append(repr((one.__code__.co_code, one.__code__.co_consts, one.__defaults__)))
            waiting += [one.__globals__[name] for name in one.__code__.co_names if name in one.__globals__]
        else:
            parts.append(str(id(one)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _follow(start: str, found: dict[str, str], libraries: dict[str, str]) -> None:
    """Add a module, and what it imports of its own package and of ours, to `found`."""
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        module = _module(name)
        found[name] = module.digest
        for other in module.imports:
            top = other.partition(".")[0]
            if _counts(other, start):
                waiting.append(other)
            elif top not in _NEUTRAL and top not in sys.stdlib_module_names:
                libraries[top] = _version(top)


def _counts(name: str, start: str) -> bool:
    """Say whether the source of a module is followed from a step that is written in module `start`."""
    top = start.partition(".")[0]
    if name.startswith("fuse_engine."):
        ours = name.startswith("fuse_engine.data.") or name == "fuse_engine.core.geometry"
        return ours and not is_plumbing(name)
    if name.partition(".")[0] == top:
        return True
    here, there = _path(start), _path(name)  # files beside a script or a component file belong to it
    return "." not in start and here is not None and there is not None and here.parent == there.parent


def is_plumbing(name: str) -> bool:
    """Say whether a module of ours brings values along and does not change them."""
    return any(name == plain or name.startswith(f"{plain}.") for plain in _PLUMBING)


@lru_cache(maxsize=4096)
def _module(name: str) -> _Module:
    path = _path(name)
    if path is None or path.stat().st_mtime > _BEGAN:
        # edited since it was perhaps loaded: nobody can tell whether the next process runs the same code
        return _Module(_PROCESS, ())
    content = path.read_bytes()
    imports = tuple(dict.fromkeys(_imports(content, name))) if path.suffix == ".py" else ()
    return _Module(hashlib.sha256(content).hexdigest(), imports)


def _imports(content: bytes, name: str) -> Iterator[str]:
    """Yield the full names of the modules that a source file takes something from, wherever it does so.

    What merely looks like an import, in a text, is a name that is not found, or a file too many that counts.
    """
    package = name if _is_package(name) else name.rpartition(".")[0]
    for plain, base, names in _IMPORT.findall(content.decode("utf-8", "replace")):
        if plain:
            yield from (part.split()[0] for part in plain.split(",") if part.strip())
        else:
            with suppress(ImportError):  # beyond the top of the package
                module = util.resolve_name(base, package)
                yield from (_origin(module, part) for part in _WORD.findall(_COMMENT.sub("", names)))


def _origin(module: str, name: str) -> str:
    """Return the module that `from module import name` takes a module, class or function from."""
    full = f"{module}.{name}"
    if full in sys.modules or (_is_package(module) and _path(full) is not None):
        return full
    found = getattr(sys.modules.get(module), name, None)
    return found.__module__ if isinstance(found, type | FunctionType) else module


def _is_package(name: str) -> bool:
    path = _path(name)
    return path is not None and path.stem == "__init__"


@lru_cache(maxsize=4096)
def _path(name: str) -> Path | None:
    """Return the file of a module."""
    place = getattr(sys.modules.get(name), "__file__", None)
    if place is None and name not in sys.modules:
        try:
            spec = util.find_spec(name)
        except (ImportError, ValueError, AttributeError):  # not installed, or no module
            return None
        place = spec.origin if spec is not None and spec.has_location else None
    return Path(place) if place and Path(place).is_file() else None


@lru_cache(maxsize=256)
def _version(package: str) -> str:
    known = getattr(sys.modules.get(package), "__version__", "")
    if known:
        return str(known)
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
