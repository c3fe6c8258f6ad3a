"""What augmentation does to the labels, and what is likely a mistake, with the ways to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from fuse_gui.models.project import Project

LITTLE = 0.0005
"""Change of size, as a share, that is called none."""


@dataclass(frozen=True)
class Meter:
    """One class of a label map."""

    text: str
    wrong: bool
    """Whether more is lost than the limits allow."""


@dataclass(frozen=True)
class Fix:
    """A change of the experiment that ends a warning."""

    title: str
    path: tuple[str | int, ...]
    value: Any


@dataclass(frozen=True)
class Warned:
    """Something about a step that is likely a mistake."""

    text: str
    step: int | None
    fixes: tuple[Fix, ...]


class Guards:
    """The label-damage meter and the warnings for the draw that is looked at."""

    damage_label, warnings_label = "Label damage", "Warnings"
    fix_help = "Change the experiment; Undo takes it back"

    changed = Signal()
    """There are other meters or warnings."""

    def __init__(self, project: Project) -> None:
        """Start with nothing found."""
        self._project = project
        self.meters: tuple[Meter, ...] = ()
        self.warnings: tuple[Warned, ...] = ()
        self.note = ""
        """Why there is no meter."""

    def take(self, reply: Mapping[str, Any]) -> None:
        """Take the engine's exact result."""
        labelled = any(picture["label"] for picture in reply["before"].values())
        damage = reply.get("damage", ())
        several = len({found.get("key") for found in damage}) > 1
        self.meters = tuple(_meter(found, several) for found in damage)
        empty = "Nothing is labelled in this sample." if labelled else "This sample has no label map."
        self.note = "" if self.meters else empty
        told = [found for found in reply.get("warnings", ()) if found["check"] != "damage" or found["fixes"]]
        self.warnings = tuple(map(_warned, told))  # damage without a remedy is what the meters say
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was found: it was of another sample."""
        self.meters, self.warnings, self.note = (), (), ""
        self.changed.emit()

    def apply(self, fix: Fix) -> None:
        """Change the experiment; it can be undone."""
        self._project.edit(fix.path, fix.value)


def _meter(found: Mapping[str, Any], several: bool) -> Meter:
    """Return the meter of a class; of `several` label maps each is named."""
    name = str(found.get("name") or f"class {found['label']}")
    name = f"{str(found['key']).rpartition('.')[2]}, {name}" if several else name
    warn = str(found.get("warn") or "")
    return Meter(f"{name}: {', '.join(_harm(found))}" + (f" ({warn})" if warn else ""), bool(warn))


def _harm(found: Mapping[str, Any]) -> list[str]:
    if found["vanished"]:
        return ["gone"]
    if found.get("new"):
        return ["was not there before"]
    change = found.get("volume_change")
    size = "size unchanged" if abs(change or 0) < LITTLE else f"size {change:+.1%}"
    words = ["motion not known" if change is None else size]
    if found.get("components_lost"):
        words.append(f"{found['components_lost']} of {found.get('components', '?')} parts lost")
    if found.get("boundary_mm") is not None:
        words.append(f"boundary off by {float(found['boundary_mm']):.2g} mm")
    return words


def _warned(found: Mapping[str, Any]) -> Warned:
    fixes: Sequence[Mapping[str, Any]] = found.get("fixes", ())
    top = str(found.get("step", "")).split(".")[0]
    return Warned(
        str(found["message"]), int(top) if top.isdigit() else None,
        tuple(Fix(str(fix["title"]), tuple(fix["path"]), fix["value"]) for fix in fixes),
    )  # fmt: skip
