"""The Processors panel: the steps of one key, and a sample after each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import FieldSpec
from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.key_tree import KeyTree
from fuse_gui.models.project import Project
from fuse_gui.models.refresh import PAUSE
from fuse_gui.models.round_trip import RoundTrip
from fuse_gui.models.steps import StepsModel
from fuse_gui.models.wipe import Wipe

SPEC = FieldSpec(
    name="steps", kind="list", help="", required=True, item=FieldSpec(name="step", kind="slot", slot="processor")
)
SIDES = ("input", "gt")


@dataclass(frozen=True)
class Result:
    """What a step made of the sample."""

    name: str
    facts: str
    """Shape, type and spacing, or the value itself."""
    numbers: str
    """Range, mean, memory, time."""
    picture: Mapping[str, Any] | None


class ProcessorsModel(StepsModel):
    """The steps of the chosen key and what each of them made of the chosen sample."""

    method = "steps"
    no_sample = "Choose a sample in the Data panel to see it after each step."
    late = "out of date, computing …"

    title = "Processors"
    key_label, key_help = "Key", "Which part of a sample these steps make"
    show_label = "Show on screen"
    new_label, new_help = "New …", "Make another part of a sample: data.input.<name> or data.gt.<name>"
    drop_label, drop_help = "Remove", "Remove this key with all its steps"
    new_question = "Name of the new key, e.g. data.input.t2 or data.gt.mask"
    wipe_label = "Before"
    wipe_help = (
        "Draw the sample as it was before the shown step over the left part of the screen; "
        "click what a step made to show that step, there is nothing before the first one"
    )

    keys_changed = Signal()
    """There are other keys, or another one is chosen."""

    def __init__(self, project: Project, pause: float = PAUSE) -> None:
        """Follow the open project; nothing is asked for until the panel is looked at."""
        super().__init__(project, SPEC, (), pause)
        self.key = ""
        self.keys: tuple[str, ...] = ()
        self.results: tuple[Result, ...] = ()
        self.failed: int | None = None
        self.shown: int | None = None
        """The step that is on the screen."""
        self.tree, self.round_trip = KeyTree(project), RoundTrip(project)
        self.wipe = Wipe(project.screen)
        self.kept: tuple[str, ...] = ()
        """Which samples the cache holds, and why the others are computed again."""
        self._counted: Experiment | None = None
        self._experiment_changed()

    @property
    def place(self) -> Place:
        """Where the steps stand in the experiment."""
        return tuple(self.key.split("."))

    def result(self, index: int) -> Result | None:
        """Return what the step at a position made, where that is known and still the same step."""
        if index >= len(self.results):
            return None
        slot_name = getattr(self.steps.items[index], "chosen", "")
        return self.results[index] if self.results[index].name == slot_name else None

    def choose(self, key: str) -> None:
        """Edit and watch the steps of another key."""
        if key == self.key or key not in self.keys:
            return
        self.key = key
        self._forget()
        self.bound.move_to(self.place)
        self.keys_changed.emit()
        self._poke()

    def look_at(self, key: str) -> None:
        """Edit the steps of a key, and put what it holds on the screen."""
        self.choose(key)
        if key in self.keys:
            self.shown = None
            self._to_screen()
            self.project.shown.choose(key)
            self.changed.emit()

    def add_key(self, key: str) -> bool:
        """Make another key, without steps at first; what is no new key becomes a problem."""
        with self.project.reporting("processors"):
            parts = key.strip().split(".")
            if len(parts) != 3 or parts[0] != "data" or parts[1] not in SIDES or not parts[2].isidentifier():
                raise FuseError("not a key", expected="data.input.<name> or data.gt.<name>", got=repr(key))
            if key.strip() in self.keys:
                raise FuseError(f"{key.strip()} is there already")
            self.project.edit(parts, [])
            self.choose(key.strip())
            return True
        return False

    def drop_key(self) -> None:
        """Remove the chosen key with all its steps."""
        if self.key:
            self.project.edit(self.place, None)

    def show(self, index: int) -> None:
        """Put the sample after the step at a position on the screen."""
        self.shown = index
        self._to_screen()
        self.changed.emit()

    def draw_wipe(self, share: float) -> None:
        """Draw the sample as it was before the shown step over a share [0, 1] of the screen."""
        self.wipe.draw_to(share)

    @property
    def _trouble(self) -> str:
        return self.error if self.failed is None else ""

    @property
    def _ready(self) -> bool:
        return super()._ready and bool(self.key and self.steps.items)

    def _question(self) -> Mapping[str, Any]:
        return {"key": self.key}

    def _read(self, reply: Sequence[Mapping[str, Any]]) -> tuple[Result, ...]:
        return tuple(
            Result(str(step["name"]), _facts(step), _numbers(step), step.get("picture")) for step in reply
        )

    def _take(self, preview: tuple[Result, ...]) -> None:
        self.results, self.failed = preview, None
        self._to_screen()

    def _lose(self, problems: Sequence[Problem]) -> None:
        self.failed = next((n for n in map(self._step_of, problems) if n is not None), None)
        self.results = self.results[: self.failed] if self.failed is not None else ()
        if self.shown is not None and self.shown >= len(self.results):
            self.wipe.hang(None)

    def _leave(self) -> None:
        if self.shown is not None and self.results:
            self.project.shown.again()
        self.wipe.hang(None)
        self._counted = None

    def _experiment_changed(self) -> None:
        data = self.project.experiment.data if self.project.experiment else None
        found = [("input", data.input), ("gt", data.gt)] if data else []
        keys = tuple(f"data.{side}.{name}" for side, group in found for name in group)
        if keys != self.keys or self.key not in keys:
            self.keys = keys
            if self.key not in keys:
                self.key = keys[0] if keys else ""
                self._forget()
                self.bound.move_to(self.place)
            self.keys_changed.emit()
        self._poke()

    def _sample_changed(self, sample: str) -> None:
        self.kept = self.kept if sample else ()
        self._forget(keep_shown=True)
        self._poke()

    def _forget(self, keep_shown: bool = False) -> None:
        self.results, self.error, self.failed = (), "", None
        self.shown = self.shown if keep_shown else None
        self.wipe.hang(None)  # it is of another sample or key
        self.changed.emit()

    def _arrived(self, asked: tuple[str, Place], preview: tuple[Result, ...]) -> None:
        super()._arrived(asked, preview)
        if self._active and not self.refresh.stale:
            self._count()

    def _count(self) -> None:
        """Ask what the cache holds, once for each experiment: all samples are looked up for that."""
        if self._counted is not self.project.experiment:
            self._counted = self.project.experiment
            self._count_again()

    def _count_again(self) -> None:
        self.project.ask(
            "cache_status", "cache", self._kept_arrived, failed=lambda _: self._say_kept(()), background=True
        )

    def _kept_arrived(self, reply: Mapping[str, Any] | None) -> None:
        if reply is None:  # it made way for something else
            self._count_again()
        else:
            self._say_kept(tuple(map(str, reply["changes"])))

    def _say_kept(self, lines: tuple[str, ...]) -> None:
        self.kept = lines
        self.changed.emit()

    def _step_of(self, problem: Problem) -> int | None:
        rest = problem.where.removeprefix(f"{self.key}.").split(".")[0]
        return int(rest) if problem.where.startswith(self.key) and rest.isdigit() else None

    def _to_screen(self) -> None:
        if self.shown is None or self.shown >= len(self.results):
            self.wipe.hang(None)
            return
        after = self.results[self.shown]
        self._put(after)
        before = self.results[self.shown - 1].picture if self.shown else None
        self.wipe.hang(before if self._active else None, after.picture)

    def _put(self, result: Result) -> None:
        picture = result.picture
        if picture is not None and self._active:
            self.project.screen.show_picture("gt" if picture["label"] else "image", picture)


def _facts(step: Mapping[str, Any]) -> str:
    if step.get("text") is not None:
        return str(step["text"])
    parts = [f"{step['dtype']}  {' × '.join(map(str, step['shape']))}"]
    if step.get("spacing"):
        parts.append(f"{' × '.join(f'{mm:.4g}' for mm in step['spacing'])} mm")
    return ",  ".join(parts)


def _numbers(step: Mapping[str, Any]) -> str:
    parts = [f"{name} {step[name]:.4g}" for name in ("min", "max", "mean") if step.get(name) is not None]
    if step.get("bytes"):
        parts.append(f"{step['bytes'] / 1e6:.3g} MB")
    parts.append("cached" if step.get("cached") else f"{1000 * step['seconds']:.3g} ms")
    return ",  ".join(parts)
