"""A part of a panel that folds out: it takes long to compute, and is computed only while somebody looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.bound import in_short
from fuse_gui.models.calm import CALM, Calm
from fuse_gui.models.project import Project
from fuse_gui.models.subject import subject


class Foldout(ABC):
    """Asks the engine once the hand rests, while its panel is seen and the part itself is open."""

    method: ClassVar[str]
    """What the engine is asked; also the channel of the requests."""
    late: ClassVar[str] = "drawing …"
    """That what is shown is out of date, in words."""

    changed = Signal()
    """There is something else to show, or it is out of date."""

    def __init__(self, project: Project, pause: float = CALM) -> None:
        """Start closed; questions are asked `pause` seconds after the last change."""
        self._project = project
        self._calm = Calm(project, self._ask, pause)
        self._open = self._seen = False
        self.stale = False
        """Whether what is shown is out of date, and another answer is on its way."""
        self.error = ""

    @property
    def state(self) -> str:
        """Why there is nothing to see, or that it is out of date."""
        return self.error or (self.late if self.stale else "")

    def set_open(self, is_open: bool) -> None:
        """Say whether the part is open."""
        self._open = is_open
        self._begin_or_end()

    def set_seen(self, seen: bool) -> None:
        """Say whether the panel is looked at that the part belongs to."""
        self._seen = seen
        self._begin_or_end()

    def poke(self) -> None:
        """Say that what is shown is out of date."""
        if self._looked_at and self._project.sample_id:
            self._project.requests.cancel(self.method)
            self.stale = True
            self._calm.poke()
            self.changed.emit()

    def make_way(self) -> None:
        """Give up the answer that is awaited for one that is wanted sooner, and ask again afterwards."""
        if self._project.requests.is_running(self.method):
            self.poke()

    def forget(self) -> None:
        """Show nothing: there is no sample, or it cannot be read."""
        self._calm.stop()
        self._project.requests.cancel(self.method)
        self._drop()
        self.stale, self.error = False, ""
        self.changed.emit()

    @property
    def _looked_at(self) -> bool:
        return self._open and self._seen

    @property
    def _ready(self) -> bool:
        """Whether there is something to ask about."""
        return self._looked_at and bool(self._project.sample_id)

    def _begin_or_end(self) -> None:
        """Begin when somebody begins to look, without a rest, and end with it."""
        self._calm.stop()
        self._project.requests.cancel(self.method)
        self.stale = self._ready
        self._ask()
        self.changed.emit()

    def _ask(self) -> None:
        if self._ready:
            self._project.ask(
                self.method, self.method, self._arrived, failed=self._failed, about=subject(self._project),
                read=self._read, id=self._project.sample_id, **self._question(),
            )  # fmt: skip

    def _arrived(self, found: Any) -> None:
        self._take(found)
        self.stale, self.error = False, ""
        self.changed.emit()

    def _failed(self, error: FuseError) -> None:
        self._drop()
        self.stale, self.error = False, "\n".join(map(in_short, error.problems))
        self.changed.emit()

    @abstractmethod
    def _question(self) -> dict[str, Any]:
        """Return what the engine is told besides the sample."""

    def _read(self, reply: Any) -> Any:
        """Return what `_take` takes, made of an answer on the thread that it comes on."""
        return reply

    @abstractmethod
    def _take(self, found: Any) -> None:
        """Keep what is shown from now on."""

    @abstractmethod
    def _drop(self) -> None:
        """Forget what is shown."""
