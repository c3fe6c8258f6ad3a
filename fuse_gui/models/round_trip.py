"""Whether the steps of a sample can be undone: how far they displace it, and what they cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.bound import in_short
from fuse_gui.models.project import Project


class RoundTrip:
    """Asks for the round trip of the chosen sample: through the steps, and back onto the grid of its file."""

    label = "Round trip"
    help = (
        "Send the sample through its steps and back onto the grid of its file: how far anything ends from where "
        "it lay, and how much of each mask is left"
    )

    changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the open project."""
        self.project = project
        self.lines: tuple[str, ...] = ()
        self.wrong = False
        """Whether a limit is exceeded, or it could not be done."""
        project.sample_changed.connect(lambda _: self._forget())
        project.experiment_changed.connect(self._forget)

    @property
    def possible(self) -> bool:
        """Whether a sample is chosen."""
        return bool(self.project.sample_id) and not self.project.requests.is_running("roundtrip")

    def ask(self) -> None:
        """Ask for the round trip of the chosen sample."""
        self.project.ask("roundtrip", "roundtrip", self._arrived, failed=self._failed, id=self.project.sample_id)
        if not self.possible:  # an engine that answers at once has said more
            self._say(("going there and back …",))

    def _forget(self) -> None:
        """Give up what was found or asked for: the sample or its steps are others."""
        self.project.requests.cancel("roundtrip")
        self._say()

    def _arrived(self, reply: Mapping[str, Mapping[str, Any]]) -> None:
        lines = tuple(_line(key, facts) for key, facts in reply.items())
        self._say(lines or ("no image to send",), not all(facts["ok"] for facts in reply.values()))

    def _failed(self, error: FuseError) -> None:
        self._say(tuple(map(in_short, error.problems)), wrong=True)

    def _say(self, lines: tuple[str, ...] = (), wrong: bool = False) -> None:
        if (lines, wrong) != (self.lines, self.wrong):
            self.lines, self.wrong = lines, wrong
            self.changed.emit()


def _line(key: str, facts: Mapping[str, Any]) -> str:
    parts = [f"displaced by at most {facts['displacement_mm']:.2g} mm ({facts['displacement_voxels']:.2g} voxels)"]
    parts += [f"Dice of label {label} {dice:.3f}" for label, dice in facts.get("dice", {}).items()]
    if facts.get("covered", 1.0) < 1:
        parts.append(f"{1 - facts['covered']:.1%} cut off")
    mark = "✓" if facts["ok"] else "✗"
    reason = f" — {facts['reason']}" if facts.get("reason") else ""
    return f"{mark} {key.removeprefix('data.')}: {', '.join(parts)}{reason}"
