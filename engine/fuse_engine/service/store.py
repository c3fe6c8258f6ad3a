"""The catalogue on disk, so that forms open without a worker."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.files import atomic_write, cache_dir
from fuse_engine.core.registry import component_files
from fuse_engine.service.identity import identity

_KEPT = 8
"""Catalogues of other environments and older versions that stay."""


def catalog_key() -> str:
    """Return a text that changes with every package, plugin, source file and component file that matters."""
    plugins = sorted(metadata.entry_points(group="fuse_engine.plugins"), key=lambda entry: entry.name)
    packages = dict.fromkeys(["fuse_engine", *(entry.module.partition(".")[0] for entry in plugins)])
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "program": _version("fuse-gui"),
        "plugins": [[entry.name, entry.value, entry.dist.version if entry.dist else ""] for entry in plugins],
        "sources": {name: _sources(name) for name in packages},
        "files": {str(path): identity(path) for path in component_files()},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def read_catalog(key: str) -> Catalog | None:
    """Return the catalogue kept under `key`, or None where there is none that can be read."""
    try:
        return Catalog.model_validate_json(_path(key).read_bytes())
    except (OSError, ValueError):
        return None


def write_catalog(key: str, catalog: Catalog) -> None:
    """Keep a catalogue and remove the oldest ones."""
    atomic_write(_path(key), catalog.model_dump_json().encode())
    kept = sorted(cache_dir().glob("catalog-*.json"), key=lambda path: identity(path), reverse=True)
    for path in kept[_KEPT:]:
        path.unlink(missing_ok=True)


def _path(key: str) -> Path:
    return cache_dir() / f"catalog-{key}.json"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # run from the source folder
        return ""


def _sources(package: str) -> list[list[Any]]:
    spec = importlib.util.find_spec(package)
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [[package, *identity(spec.origin or "")]]
    roots = [Path(folder) for folder in spec.submodule_search_locations]
    return [
        [str(path.relative_to(root)), *identity(path)] for root in roots for path in sorted(root.rglob("*.py"))
    ]
