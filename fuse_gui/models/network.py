"""The sample as the network gets it: cut, collated and normalised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import FuseError, Problem
from fuse_gui.models.bound import in_short
from fuse_gui.models.calm import Calm
from fuse_gui.models.draw import DrawModel
from fuse_gui.models.project import Project
from fuse_gui.models.subject import subject


class Network:
    """The tensors of the draw that is looked at, computed while somebody looks."""

    title = "As the network sees it"

    changed = Signal()
    """There are other tensors, or they are out of date."""

    def __init__(self, project: Project, draw: DrawModel, arrived: Callable[[], None]) -> None:
        """Take what is called with new tensors, before `changed` tells of them."""
        self._project, self._draw, self._tell = project, draw, arrived
        self._calm = Calm(project, self._ask)
        self._open = False
        self.tensors: Mapping[str, Mapping[str, Any]] = {}
        self.stale = False
        self.error = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """Every tensor in words."""
        return tuple(_line(key, tensor) for key, tensor in self.tensors.items())

    @property
    def state(self) -> str:
        """Why there are no tensors, or that they are out of date."""
        return self.error or ("computing …" if self.stale else "")

    def set_open(self, is_open: bool) -> None:
        """Say whether anybody looks."""
        self._open = is_open
        self.poke()

    def poke(self) -> None:
        """Say that the sample, its draw or the experiment is another one."""
        if self._open:
            self.stale = True
            self._calm.poke()
            self.changed.emit()

    def _ask(self) -> None:
        if self._open and self._project.sample_id:
            self._project.ask(
                "augment_network", "augment_network", self._arrived, failed=self._failed,
                about=subject(self._project), id=self._project.sample_id, draw=dict(self._draw.plain),
            )  # fmt: skip

    def _arrived(self, reply: Mapping[str, Any]) -> None:
        self.tensors, self.stale, self.error = reply["tensors"], False, ""
        self._tell()
        self.changed.emit()

    def _failed(self, error: FuseError) -> None:
        problems: tuple[Problem, ...] = tuple(error.problems)
        self.tensors, self.stale, self.error = {}, False, "\n".join(map(in_short, problems))
        self.changed.emit()


def _line(key: str, tensor: Mapping[str, Any]) -> str:
    shape = " × ".join(map(str, tensor["shape"])) or "one number"
    span = f", {tensor['low']:.4g} to {tensor['high']:.4g}" if tensor.get("low") is not None else ""
    note = f"; {tensor['note']}" if tensor.get("note") else ""
    return f"{key}: {shape} {tensor['dtype']}{span}{note}"
