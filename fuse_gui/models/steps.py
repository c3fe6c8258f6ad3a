"""Steps as a list of cards, with a preview of what they do to the chosen sample; knows no toolkit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from psygnal import Signal

from fuse_engine.core.catalog import FieldSpec
from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError, Problem
from fuse_gui.models.bound import Bound, in_short, live_offers
from fuse_gui.models.field import Item
from fuse_gui.models.field_list import FieldList
from fuse_gui.models.form import item_of
from fuse_gui.models.project import Project
from fuse_gui.models.refresh import PAUSE, Refresh


class StepsModel(ABC):
    """The steps at a place of the experiment, and what they do to the chosen sample while somebody looks.

    `steps` is the list that cards draw: `add`, `remove` and `move` edit the experiment, which can be undone, and
    ask for another preview.
    """

    method: ClassVar[str]
    """What the engine is asked for a preview; also the channel of the requests."""
    no_sample: ClassVar[str]
    """What to do while no sample is chosen, in words."""
    late: ClassVar[str]
    """That the preview is older than the steps, in words."""

    changed = Signal()
    """The preview, its words or its staleness changed."""

    def __init__(self, project: Project, spec: FieldSpec, place: Place, pause: float = PAUSE) -> None:
        """Follow the open project; nothing is asked for until somebody looks."""
        self.project = project
        item = item_of(spec, live_offers(project))
        assert isinstance(item, FieldList)  # noqa: S101 steps are a list
        self.steps = item
        self.bound = Bound(project, place, item)
        self.error = ""
        self._active = False
        self.refresh = Refresh(project, self.method, self._ask, pause)
        self.refresh.changed.connect(self._tell)
        project.experiment_changed.connect(self._experiment_changed)
        project.sample_changed.connect(self._sample_changed)
        project.closed.connect(self.refresh.stop)

    @property
    def state(self) -> str:
        """Why there is no preview, or that it is out of date; empty when it is right."""
        if self.project.experiment is None:
            return "No experiment is open."
        if not self.project.sample_id:
            return self.no_sample
        return self._trouble or (self.late if self.refresh.stale else "")

    @property
    def active(self) -> bool:
        """Whether the panel is looked at."""
        return self._active

    def set_active(self, active: bool) -> None:
        """Say whether the panel is looked at; only then it computes and uses the screen."""
        if active == self._active:
            return
        if not active:
            self._leave()
        self._active = active
        self._poke()

    def position(self, step: Item) -> int:
        """Return where a step stands in the list, -1 once it is removed."""
        return self.steps.items.index(step) if step in self.steps.items else -1

    # -- what a panel says ----------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def _trouble(self) -> str:
        """Why there is no preview of these steps, in words; empty where nothing is wrong."""

    @abstractmethod
    def _question(self) -> Mapping[str, Any]:
        """Return what the engine is told besides the sample."""

    @abstractmethod
    def _read(self, reply: Any) -> Any:
        """Return what `_take` takes, made of an answer on the thread that it comes on."""

    @abstractmethod
    def _take(self, preview: Any) -> None:
        """Keep a preview and bring it to the screen."""

    @abstractmethod
    def _lose(self, problems: Sequence[Problem]) -> None:
        """Drop what cannot be shown because of problems."""

    @abstractmethod
    def _leave(self) -> None:
        """Leave the sample on the screen as others expect it."""

    @abstractmethod
    def _sample_changed(self, sample: str) -> None:
        """Drop what belongs to another sample, and ask again."""

    # -- inside ---------------------------------------------------------------------------------------------------

    @property
    def _ready(self) -> bool:
        return self._active and self.project.experiment is not None and bool(self.project.sample_id)

    def _experiment_changed(self) -> None:
        self._poke()

    def _poke(self) -> None:
        if self._ready:
            self.refresh.poke()
        self.changed.emit()

    def _ask(self) -> None:
        if not self._ready:
            self.refresh.arrived()
            return
        asked = (self.project.sample_id, self.bound.place)
        self.project.ask(
            self.method, self.method, lambda preview: self._arrived(asked, preview), failed=self._failed,
            read=self._read, id=self.project.sample_id, **self._question(),
        )  # fmt: skip

    def _arrived(self, asked: tuple[str, Place], preview: Any) -> None:
        if asked == (self.project.sample_id, self.bound.place):
            self.error = ""
            self._take(preview)
        self.refresh.arrived()
        self.changed.emit()

    def _failed(self, error: FuseError) -> None:
        self._lose(error.problems)
        self.error = "\n".join(map(in_short, error.problems))
        self.refresh.arrived()
        self.changed.emit()

    def _tell(self) -> None:
        self.changed.emit()
