"""The sample as the network gets it: cut, collated and normalised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fuse_gui.models.draw import DrawModel
from fuse_gui.models.foldout import Foldout
from fuse_gui.models.project import Project


class Network(Foldout):
    """The tensors of the draw that is looked at."""

    method = "augment_network"
    late = "computing …"

    title = "As the network sees it"

    def __init__(self, project: Project, draw: DrawModel, arrived: Callable[[], None]) -> None:
        """Take what is called with new tensors, before `changed` tells of them."""
        super().__init__(project)
        self._draw, self._tell = draw, arrived
        self.tensors: Mapping[str, Mapping[str, Any]] = {}

    @property
    def lines(self) -> tuple[str, ...]:
        """Every tensor in words."""
        return tuple(_line(key, tensor) for key, tensor in self.tensors.items())

    def _question(self) -> dict[str, Any]:
        return {"draw": dict(self._draw.plain)}

    def _take(self, found: Mapping[str, Any]) -> None:
        self.tensors = found["tensors"]
        self._tell()

    def _drop(self) -> None:
        self.tensors = {}


def _line(key: str, tensor: Mapping[str, Any]) -> str:
    shape = " × ".join(map(str, tensor["shape"])) or "one number"
    span = f", {tensor['low']:.4g} to {tensor['high']:.4g}" if tensor.get("low") is not None else ""
    note = f"; {tensor['note']}" if tensor.get("note") else ""
    return f"{key}: {shape} {tensor['dtype']}{span}{note}"
