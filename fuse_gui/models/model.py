"""The Model panel: model, backbone, heads, losses and metrics in forms, and the keys and shapes between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import describe
from fuse_engine.core.errors import Problem
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.as_text import AsTextModel
from fuse_gui.models.bound import Bound, live_offers
from fuse_gui.models.field import Item
from fuse_gui.models.form import item_of
from fuse_gui.models.project import Project

PARTS = ("model", "losses", "metrics")
"""The fields of the experiment that this panel edits."""


class ModelModel:
    """Forms over model, losses and metrics; problems stand at their fields and in a list."""

    title = "Model"
    columns = ("Key", "Shape", "Type", "Made by", "Read by")
    keys_label, no_keys = "Keys and shapes", "Keys and shapes appear when the experiment fits together."
    no_problems = "Everything fits together."
    undo_label, redo_label = "Undo", "Redo"

    problems_changed = Signal()
    flow_changed = Signal()
    undo_changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the open project."""
        self.project = project
        self.as_text = AsTextModel(project)
        offers = live_offers(project)
        specs = {spec.name: spec for spec in describe(Experiment).fields}
        self.parts = {name: Bound(project, (name,), item_of(specs[name], offers)) for name in PARTS}
        project.problems_changed.connect(self._problems_changed)
        project.flow_changed.connect(self._flow_changed)
        project.experiment_changed.connect(self._experiment_changed)

    @property
    def items(self) -> Mapping[str, Item]:
        """The forms: model, losses, metrics."""
        return {name: bound.item for name, bound in self.parts.items()}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with model, losses and metrics."""
        return tuple(p for p in self.project.problems if any(bound.covers(p) for bound in self.parts.values()))

    @property
    def problems_label(self) -> str:
        """The heading over the problems."""
        count = len(self.problems)
        return f"Problems ({count})" if count else "Problems"

    @property
    def rows(self) -> Sequence[tuple[str, ...]]:
        """One row for each key of the batch, as `columns` name them."""
        return [_row(info) for info in self.project.flow]

    def focus(self, problem: Problem) -> None:
        """Have the field shown that a problem is about."""
        for bound in self.parts.values():
            if bound.covers(problem):
                bound.focus(problem)

    def _problems_changed(self) -> None:
        self.problems_changed.emit()

    def _flow_changed(self) -> None:
        self.flow_changed.emit()

    def _experiment_changed(self) -> None:
        self.undo_changed.emit()


def _row(info: Mapping[str, Any]) -> tuple[str, ...]:
    shape = info.get("shape")
    size = "" if shape is None else " × ".join(map(str, shape)) or "one number"
    readers = info.get("consumers") or ()
    return (
        str(info["key"]), size, str(info.get("dtype") or ""), str(info.get("producer") or ""),
        ", ".join(map(str, readers)),
    )  # fmt: skip
