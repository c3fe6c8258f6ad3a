"""The Model panel: a model is put together from parts, drawn, checked and tried, with forms for every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import Problem
from fuse_gui.models.as_text import AsTextModel
from fuse_gui.models.bound import Bound
from fuse_gui.models.boxes import BoxesModel
from fuse_gui.models.field import Item, Offers
from fuse_gui.models.form import item_of
from fuse_gui.models.graph import Node
from fuse_gui.models.graph_model import PAUSE, GraphModel
from fuse_gui.models.key_facts import facts_of
from fuse_gui.models.part_palette import PartPalette
from fuse_gui.models.preflight import PreflightModel
from fuse_gui.models.project import Project
from fuse_gui.models.renaming import follow, renamed
from fuse_gui.models.scene import PARTS, SceneNow, experiment_fields
from fuse_gui.models.spots import Spot
from fuse_gui.models.templates import Templates


class PartForm(Bound):
    """A part of the experiment; whoever reads a head, loss or metric follows when it gets another name."""

    def _edited(self) -> None:
        experiment, part = self.project.experiment, str(self.place[0])
        names = None
        if experiment is not None:
            data, plain = experiment.to_data(), self.item.plain()
            names = renamed(data.get(part), plain)
        if experiment is None or names is None:
            super()._edited()
            return
        with self.project.reporting("edit", part):
            self.project.set_experiment(experiment.with_data(follow({**data, part: plain}, part, *names)))


class BuilderModel:
    """Forms over model, losses and metrics, the drawing of what they make, and ways to add to it."""

    title = "Model"
    columns = ("Key", "Shape", "Type", "Made by", "Read by")
    keys_label, no_keys = "Keys and shapes", "Keys and shapes appear when the experiment fits together."
    no_problems = "Everything fits together."
    undo_label, redo_label = "Undo", "Redo"
    show_label = "Show a part …"

    problems_changed = Signal()
    flow_changed = Signal()
    undo_changed = Signal()
    chosen_changed = Signal()
    """Another part of the model is chosen; its form is shown."""

    def __init__(self, project: Project, pause: float = PAUSE) -> None:
        """Follow the open project; the drawing is asked for while somebody looks."""
        self.project = project
        self.as_text = AsTextModel(project)
        self.graph = GraphModel(project, pause)
        self.scene = SceneNow(project, lambda: self.graph.graph.keys)
        self.palette = PartPalette(project, self.scene, lambda: self.chosen_place)
        self.templates = Templates(project, self.scene)
        self.preflight = PreflightModel(project)
        self.boxes = BoxesModel(project, self.graph)
        self.chosen_place = ""
        """Dotted place of the form that was asked for last."""
        self.offers = self._offers()
        specs = experiment_fields()
        self.parts = {name: PartForm(project, (name,), item_of(specs[name], self.offers)) for name in PARTS}
        self._take_keys()
        self.graph.changed.connect(self._take_keys)
        self.palette.added.connect(self.show_place)
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

    def set_active(self, active: bool) -> None:
        """Say whether the panel is looked at; only then the model is drawn."""
        self.graph.set_active(active)

    def focus(self, problem: Problem) -> None:
        """Have the field shown that a problem is about."""
        self.show_place(problem.where)

    def choose(self, node: Node) -> None:
        """Choose a part of the drawing: its form is shown, or for a key the first field that reads it."""
        self.graph.choose(node)
        self.chosen_place = self.place_of(node)
        self.show_place(self.chosen_place)
        self.palette.tell()
        self.chosen_changed.emit()

    def place_of(self, node: Node) -> str:
        """Return the dotted place of the form of a part; empty where there is none in this panel."""
        if node.place.split(".")[0] in self.parts:
            return node.place
        scene = self.scene.now
        readers = [spot for spot in scene.spots if {node.place, node.id} & set(spot.keys)] if scene else []
        return dotted(readers[0]) if readers else ""

    def show_place(self, place: str) -> None:
        """Have the form of a dotted place shown."""
        part, *rest = place.split(".")
        if part in self.parts:
            self.parts[part].show(rest)

    @property
    def chosen_entry(self) -> tuple[str, Any] | None:
        """Kind and plain component of the chosen part, where it is one that can be kept as a preset."""
        node, scene = self.graph.graph.node(self.graph.chosen), self.scene.now
        for spot in scene.spots if node and scene else ():
            if spot.spec.kind == "slot" and spot.spec.slot and node and node.place in _names(spot):
                return spot.spec.slot, spot.value
        return None

    def save_chosen(self, name: str) -> None:
        """Keep the chosen part with its settings as a preset of the user's own."""
        found = self.chosen_entry
        if found is not None:
            self.palette.save(found[0], name, found[1])

    # -- inside ---------------------------------------------------------------------------------------------------

    def _offers(self) -> Offers:
        """Return what the forms offer: keys with their shapes, components for the images there are."""
        offers = Offers(lambda kind: self.project.catalog.of(kind))
        offers.usable, offers.folded = self.palette.usable, True
        offers.starts = lambda entry: self.scene.now.starts.of(entry) if self.scene.now else {}
        return offers

    def _take_keys(self) -> None:
        facts = self.graph.graph.keys or facts_of(self.project.flow)
        if (facts, tuple(facts)) != (self.offers.facts, self.offers.keys):
            self.offers.set_keys(facts, facts)
            self.palette.tell()

    def _problems_changed(self) -> None:
        self.problems_changed.emit()

    def _flow_changed(self) -> None:
        self._take_keys()
        self.flow_changed.emit()

    def _experiment_changed(self) -> None:
        self.undo_changed.emit()


def dotted(spot: Spot) -> str:
    """Return the place of a question as one text."""
    return ".".join(map(str, spot.place))


def _names(spot: Spot) -> tuple[str, ...]:
    """Return the places of what stands in a slot, without and with its component."""
    named = isinstance(spot.value, Mapping) and len(spot.value) == 1
    return (dotted(spot), f"{dotted(spot)}.{next(iter(spot.value))}") if named else (dotted(spot),)


def _row(info: Mapping[str, Any]) -> tuple[str, ...]:
    shape = info.get("shape")
    size = "" if shape is None else " × ".join(map(str, shape)) or "one number"
    readers = info.get("consumers") or ()
    return (
        str(info["key"]), size, str(info.get("dtype") or ""), str(info.get("producer") or ""),
        ", ".join(map(str, readers)),
    )  # fmt: skip
