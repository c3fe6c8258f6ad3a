"""The batch microscope: one batch of a run, rebuilt as the model saw it, sample by sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.history import TOTAL
from fuse_gui.models.project import OVERLAYS, Project
from fuse_gui.models.screen import Screen
from fuse_gui.models.step_facts import named

Pictures = Mapping[str, Mapping[str, Any]]
"""Pictures of the engine by key."""


@dataclass(frozen=True)
class Seen:
    """One sample of the batch."""

    id: str
    loss: float
    """NaN where the losses do not say what each sample adds."""
    losses: Mapping[str, float]
    """The parts of the loss by name."""
    drawn: tuple[str, ...]
    """What augmentation drew for it, a line each step."""
    pictures: Pictures

    @property
    def loss_text(self) -> str:
        """The loss as a person reads it."""
        return "" if math.isnan(self.loss) else f"{self.loss:.4g}"

    @property
    def text(self) -> str:
        """Sample and losses in one line."""
        parts = [f"{name} {value:.4g}" for name, value in self.losses.items() if not math.isnan(value)]
        apart = f" ({', '.join(parts)})" if len(parts) > 1 else ""
        return f"{self.id}   loss {self.loss_text}{apart}" if self.loss_text else self.id


class Microscope:
    """The batch of one step: its samples, the one with the highest loss first, and the one on the screen."""

    title = "Batch"
    hint = "Click a point of a batch curve: its batch opens here, augmented as it was then."
    close_label, close_help = "Close batch", "Back to the sample that was on the screen"
    sample_label, loss_label, drawn_label = "Sample", "Loss", "What was drawn"
    step_label, open_label = "Step", "Open batch"
    open_help = "Rebuild the batch of this step: the samples with their losses and what was drawn"

    changed = Signal()
    """Another batch, or another sample of it, is looked at."""

    def __init__(self, project: Project, screen: Screen | None = None) -> None:
        """Follow the run that is watched; samples are put on the own `screen`, or on that of the project."""
        self._project, self.screen = project, screen or project.screen
        self.step = -1
        """The step whose batch is looked at, counted from 0; -1 where there is none."""
        self.samples: tuple[Seen, ...] = ()
        self.chosen = -1
        """Position of the sample on the screen; -1 where there is none."""
        self._state, self._epoch, self._note = "", 0, ""
        project.run_changed.connect(self.close)
        project.sample_changed.connect(self._sample_changed)

    @property
    def is_open(self) -> bool:
        """Whether there is a batch to look at, or one is being rebuilt."""
        return self.step >= 0

    @property
    def state(self) -> str:
        """Which batch is looked at, or why there is none."""
        if not self.is_open:
            return self.hint
        if self._state:
            return f"Step {self.step}: {self._state}"
        return f"Step {self.step}, epoch {self._epoch + 1}: {_count(len(self.samples))}, worst first"

    @property
    def note(self) -> str:
        """What there is to know about how the batch was rebuilt."""
        return self._note

    @property
    def drawn(self) -> tuple[str, ...]:
        """What was drawn for the sample on the screen, a line each step."""
        return self.samples[self.chosen].drawn if self.chosen >= 0 else ()

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the parts of the loss; none where there is one part only."""
        names = tuple(dict.fromkeys(name for sample in self.samples for name in sample.losses))
        return names if len(names) > 1 else ()

    def open(self, step: int) -> None:
        """Have the batch of a step rebuilt; the sample with the highest loss comes to the screen."""
        run = self._project.run
        if run is None:
            return
        self.step, self._state, self._note, self.samples, self.chosen = step, "rebuilding …", "", (), -1
        self._project.ask(
            "batch", "batch", lambda found: self._arrived(step, *found), read=_read, failed=self._failed,
            about={"run": str(run.path)}, step=step,
        )  # fmt: skip
        self.changed.emit()

    def choose(self, index: int) -> None:
        """Put a sample of the batch on the screen."""
        if 0 <= index < len(self.samples) and index != self.chosen:
            self.chosen = index
            self._put(self.samples[index].pictures)
            self.changed.emit()

    def close(self) -> None:
        """Forget the batch; the sample of the Data panel comes back to the screen."""
        if not self.is_open:
            return
        self._project.requests.cancel("batch")
        shown = self.chosen >= 0
        self.step, self.samples, self.chosen, self._state, self._note = -1, (), -1, "", ""
        if shown:
            self._leave()
        self.changed.emit()

    def _arrived(self, step: int, facts: Mapping[str, Any], samples: tuple[Seen, ...]) -> None:
        if step != self.step:
            return
        self.samples, self._epoch, self._note = samples, int(facts["epoch"]), str(facts.get("note") or "")
        self._state = ""
        self.choose(0)
        self.changed.emit()

    def _failed(self, error: FuseError) -> None:
        self._state = str(error)
        self.changed.emit()

    def _sample_changed(self, _sample: str) -> None:
        if self.screen is self._project.screen and self.chosen >= 0:
            self.chosen = -1
            self.changed.emit()

    def _put(self, pictures: Pictures) -> None:
        for name in OVERLAYS:
            self.screen.hide(name)  # they are of another sample, and would lie beside what is shown
        for place, found in _shown(pictures, self._project.shown.key).items():
            self.screen.show_picture(place, found)

    def _leave(self) -> None:
        for place in ("image", "gt"):
            self.screen.hide(place)
        if self.screen is self._project.screen:
            self._project.shown.again()


def _read(reply: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[Seen, ...]]:
    seen = [_seen(sample) for sample in reply["samples"]]
    worst = sorted(seen, key=lambda one: math.inf if math.isnan(one.loss) else -one.loss)
    return {name: reply.get(name) for name in ("epoch", "note")}, tuple(worst)


def _seen(sample: Mapping[str, Any]) -> Seen:
    losses = {str(name): _number(value) for name, value in sample["losses"].items() if name != TOTAL}
    lines = [f"{number}  {named(item)}" for number, item in enumerate(sample["applied"], 1)]
    return Seen(str(sample["id"]), _number(sample["loss"]), losses, tuple(lines), sample["pictures"])


def _shown(pictures: Pictures, keys: Mapping[str, str]) -> Mapping[str, Mapping[str, Any] | None]:
    """Return what comes to which place of the screen: what a person looks at of other samples, else the first."""
    images = [key for key, found in pictures.items() if not found["label"]]
    labels = [key for key, found in pictures.items() if found["label"]]
    return {
        place: pictures[keys[place]] if keys.get(place) in own else pictures[own[0]] if own else None
        for place, own in (("image", images), ("gt", labels))
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _count(number: int) -> str:
    return f"{number} sample{'' if number == 1 else 's'}"
