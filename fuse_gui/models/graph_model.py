"""The drawing of the open experiment's model: asked for while somebody looks, and what is wrong in it."""

from __future__ import annotations

from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.bound import in_short
from fuse_gui.models.graph import Graph, Node, Wrong
from fuse_gui.models.graph_layout import Layout, layout
from fuse_gui.models.guards import Fix
from fuse_gui.models.project import Project
from fuse_gui.models.refresh import Refresh

PAUSE = 0.06
"""Seconds between an edit and the request for its drawing, so that several edits share one."""
CHANNEL = "graph"


class GraphModel:
    """The parts of the model and what flows between them."""

    title = "Graph"
    empty = "The drawing appears when an experiment is open."
    waiting = "Drawing the model …"
    late = "Out of date: the drawing is made again …"
    fix_help = "Change the experiment; Undo takes it back"

    changed = Signal()
    """Another drawing, or it went out of date, or another part is chosen."""

    def __init__(self, project: Project, pause: float = PAUSE) -> None:
        """Follow the open project; nothing is asked for until somebody looks."""
        self.project = project
        self.graph = Graph()
        self.chosen = ""
        """Id of the part whose form was asked for last."""
        self.error = ""
        self._active = self._known = False
        self.refresh = Refresh(project, CHANNEL, self._ask, pause)
        self.refresh.changed.connect(self._tell)
        project.experiment_changed.connect(self._poke)
        project.cohort_changed.connect(self._poke)
        project.catalog_changed.connect(self._poke)
        project.closed.connect(self.refresh.stop)

    @property
    def state(self) -> str:
        """Why there is no drawing, or that it is out of date; empty when it is right."""
        if self.project.experiment is None:
            return self.empty
        if self.error:
            return self.error
        if not self.graph.nodes:
            return self.waiting if self.refresh.stale else ""
        return self.late if self.refresh.stale else ""

    @property
    def stale(self) -> bool:
        """Whether the drawing is not that of the open experiment as it is now."""
        return self.refresh.stale or bool(self.error)

    @property
    def wrong(self) -> Wrong | None:
        """The first thing that does not fit."""
        return next(iter(self.graph.wrong), None)

    @property
    def sentence(self) -> str:
        """The first thing that does not fit, in a sentence."""
        wrong = self.wrong
        return f"{_spoken(wrong.problem.where)}{in_short(wrong.problem)}" if wrong else ""

    @property
    def active(self) -> bool:
        """Whether somebody looks."""
        return self._active

    def set_active(self, active: bool) -> None:
        """Say whether somebody looks; only then the drawing is asked for."""
        if active == self._active:
            return
        self._active = active
        if active and not self._known:
            self._poke()

    def layout(self, wide: float) -> Layout:
        """Return the drawing at a width in pixels."""
        return layout(self.graph, wide)

    def choose(self, node: Node) -> None:
        """Mark a part."""
        self.chosen = node.id
        self.changed.emit()

    def apply(self, fix: Fix) -> None:
        """Change the experiment; it can be undone."""
        self.project.edit(fix.path, fix.value)

    def _poke(self) -> None:
        self._known = False
        if self.project.experiment is None:
            self.graph, self.error = Graph(), ""
        elif self._active:
            self.refresh.poke()
        self.changed.emit()

    def _ask(self) -> None:
        if not self._active or self.project.experiment is None:
            self.refresh.arrived()
            return
        self._known = True
        self.project.ask(CHANNEL, CHANNEL, self._take, failed=self._failed, read=_read)

    def _take(self, graph: Graph) -> None:
        self.graph, self.error = graph, ""
        self.refresh.arrived()
        self.changed.emit()

    def _failed(self, error: FuseError) -> None:
        self.error, self._known = "\n".join(map(in_short, error.problems)), False
        self.refresh.arrived()
        self.changed.emit()

    def _tell(self) -> None:
        self.changed.emit()


def _spoken(place: str) -> str:
    """Return a dotted place as words without the components on the way: `losses cls target: `."""
    words = [word for word in place.split(".") if not word[:1].isupper()]
    return f"{' '.join(words)}: " if place else ""


def _read(reply: Any) -> Graph:
    return Graph.of(reply)
