"""Histograms of what the steps draw over a thousand samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_gui.models.draw import DrawModel
from fuse_gui.models.foldout import Foldout
from fuse_gui.models.plot import Axes, Bars, Figure
from fuse_gui.models.project import Project
from fuse_gui.models.step_facts import top

COUNT = 1_000
BINS = 30
FEW = 12
"""Different values up to which each has a bar of its own."""


class Histograms(Foldout):
    """The distributions of one step's parameters."""

    method = "augment_draws"

    title = "Histograms"
    step_label, step_help = "Step", f"The numbers it draws for {COUNT:,} samples"

    def __init__(self, project: Project, draw: DrawModel) -> None:
        """Take the project and the draw, whose seed is used."""
        super().__init__(project)
        self._draw = draw
        self._parameters: tuple[Mapping[str, Any], ...] = ()
        self._applied: Mapping[str, float] = {}
        self._chosen = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The steps there are to choose from."""
        steps = self._project.experiment.augmentation if self._project.experiment else []
        return tuple(f"{number} {step.name}" for number, step in enumerate(steps, 1))

    @property
    def name(self) -> str:
        """The chosen step."""
        names = self.names
        return names[min(self._chosen, len(names) - 1)] if names else ""

    @property
    def state(self) -> str:
        """How often the step is applied, or why nothing is drawn."""
        share = self._applied.get(str(self._chosen))
        if share is None or self.stale:
            return super().state
        same = [f"{_title(found)} {float(found['values'][0]):.4g}" for found in self._own if not _varies(found)]
        fixed = f" Always the same: {', '.join(same)}." if same else ""
        return f"Applied to {share:.0%} of {COUNT:,} samples.{fixed}"

    @property
    def figure(self) -> Figure:
        """One plot for each parameter of the step."""
        several = len({found["step"] for found in self._own}) > 1
        return Figure(tuple(_axes(found, several) for found in self._own if _varies(found)))

    @property
    def _own(self) -> list[Mapping[str, Any]]:
        return [found for found in self._parameters if top(found["step"]) == self._chosen and len(found["values"])]

    def choose(self, name: str) -> None:
        """Look at another step."""
        if name in self.names:
            self._chosen = self.names.index(name)
            self.changed.emit()

    def _question(self) -> dict[str, Any]:
        return {"count": COUNT, "seed": self._draw.seed}

    def _take(self, found: Mapping[str, Any]) -> None:
        self._parameters, self._applied = tuple(found["parameters"]), found["applied"]

    def _drop(self) -> None:
        self._parameters, self._applied = (), {}


def _varies(found: Mapping[str, Any]) -> bool:
    return bool(np.ptp(np.asarray(found["values"], float)) > 0)


def _title(found: Mapping[str, Any]) -> str:
    words = [str(found["parameter"]).replace("_", " "), str(found.get("axis", ""))]
    return " ".join(filter(None, words))


def _axes(found: Mapping[str, Any], several: bool) -> Axes:
    title = f"{found['name']}: {_title(found)}" if several else _title(found)
    return Axes(title=title, bars=bars_of(np.asarray(found["values"], float)))


def bars_of(values: NDArray[np.float64]) -> Bars:
    """Return how often values occur: each of a few, or ranges of the same width."""
    unique, counts = np.unique(values, return_counts=True)
    if len(unique) <= FEW:
        labels = _labels(unique.tolist())
        return Bars(counts.astype(np.int64), np.arange(len(unique) + 1.0), labels)
    counts, edges = np.histogram(values, BINS)
    return Bars(counts.astype(np.int64), edges)


def _labels(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{value:.4g}" for value in values)
