"""Components with their settings that a person keeps under a name, one YAML file each in a folder of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from fuse_engine.core import document
from fuse_engine.core.component import split_entry
from fuse_engine.core.errors import ExperimentError, FuseError, Problem
from fuse_engine.core.files import atomic_write
from fuse_engine.core.registry import KINDS

FOLDER_VARIABLE = "FUSE_PRESETS"
"""Environment variable: another folder for the presets."""
_NAME = re.compile(r"\w[\w -]{0,59}")


@dataclass(frozen=True)
class ComponentPreset:
    """A component with its arguments under a name."""

    kind: str
    name: str
    component: str
    args: Mapping[str, Any]


def presets_folder() -> Path:
    """Return the user's folder of presets; `FUSE_PRESETS` overrides it. It need not exist."""
    found = os.environ.get(FOLDER_VARIABLE)
    return Path(found) if found else Path(platformdirs.user_data_dir("fuse-gui")) / "components"


def save_component_preset(kind: str, name: str, entry: Any) -> ComponentPreset:
    """Keep a component as it stands in the experiment, `Name` or `{Name: {field: value}}`, under `name`.

    Raises:
        FuseError: for a name that is no file name, an unknown kind, or what is no component.
        OSError: where the folder cannot be written.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise FuseError(f"'{name}' cannot be a name", expected="letters, digits, _, - and blanks, at most 60")
    if kind not in KINDS:
        raise FuseError(f"there is no kind of component '{kind}'", expected=f"one of {', '.join(KINDS)}")
    component, args = split_entry(entry)
    folder = presets_folder() / kind
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / f"{name}.yaml", document.dump({component: args}).encode())
    return ComponentPreset(kind, name, component, args)


def component_presets() -> tuple[list[ComponentPreset], list[Problem]]:
    """Return the presets of every kind by name, and what is wrong with the files that hold none."""
    presets: list[ComponentPreset] = []
    problems: list[Problem] = []
    for kind in KINDS:
        for path in sorted((presets_folder() / kind).glob("*.yaml")):
            try:
                component, args = split_entry(document.read(path).data)
            except ExperimentError as error:
                problems += error.problems
            except FuseError as error:
                problems += error.placed(source=path.name).problems
            else:
                presets.append(ComponentPreset(kind, path.stem, component, args))
    return presets, problems
