"""The Augmentation panel: what the steps drew for a sample, and what that did to it and to its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from psygnal import Signal

from fuse_engine.core.catalog import describe
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.bound import Bound, in_short, live_offers
from fuse_gui.models.damage import Damage, damages
from fuse_gui.models.field_list import FieldList
from fuse_gui.models.form import item_of
from fuse_gui.models.project import OVERLAYS, Project
from fuse_gui.models.refresh import PAUSE, Refresh
from fuse_gui.models.screen import Screen

DRAWS = 100
"""Draws that the slider goes over, from 1 on; draw n is what epoch n trains on."""

SIDES = ("sample", "before", "after")
"""What the panel puts on the screen: nothing, the sample before, or after the augmentation."""


class AugmentationModel:
    """The steps, the draw that is looked at, and its result."""

    title = "Augmentation"
    draw_label, reseed_label, own_label = "Draw", "Other seed", "Own seed"
    draw_help = f"1 to {DRAWS}: draw n is what epoch n trains on"
    reseed_help = "Look at the draws of another seed; the experiment keeps its own"
    own_help = "Back to the seed of the experiment: exactly what training sees"
    slice_label = "Slice"
    show_label, side_labels = "On the screen", {"sample": "Sample", "before": "Before", "after": "After"}
    drawn_label, damage_label = "What was drawn", "What happened to the labels"

    changed = Signal()
    """Draw, seed, texts or staleness changed."""
    pictures_changed = Signal()
    """The pictures before and after are new."""

    def __init__(self, project: Project, pause: float = PAUSE) -> None:
        """Follow the open project; nothing is asked for until the panel is looked at."""
        self.project = project
        spec = next(spec for spec in describe(Experiment).fields if spec.name == "augmentation")
        item = item_of(spec, live_offers(project))
        assert isinstance(item, FieldList)  # noqa: S101 the experiment declares a list
        self.steps = item
        self.bound = Bound(project, ("augmentation",), item)
        self.before, self.after = Screen(), Screen()
        self.draw, self.side, self.error = 1, "after", ""
        self.drawn: tuple[str, ...] = ()
        self.damage: tuple[Damage, ...] = ()
        self._reply: Mapping[str, Any] | None = None
        self._other: int | None = None
        self._active = False
        self.refresh = Refresh(project, "augment", self._ask, pause)
        self.refresh.changed.connect(self._tell)
        project.experiment_changed.connect(self._poke)
        project.sample_changed.connect(self._sample_changed)
        project.values_changed.connect(self._to_screen)
        project.closed.connect(self.refresh.stop)

    @property
    def seed(self) -> int:
        """The seed of the draws."""
        own = self.project.experiment.seed if self.project.experiment else 0
        return own if self._other is None else self._other

    @property
    def is_own_seed(self) -> bool:
        """Whether the draws are those of the experiment's seed."""
        return self._other is None

    @property
    def draw_text(self) -> str:
        """Which draw is looked at, in words."""
        if self._other is None:
            return f"Seed {self.seed}, draw {self.draw}: what epoch {self.draw} trains on"
        return f"Seed {self.seed}, draw {self.draw}: not what is trained"

    @property
    def state(self) -> str:
        """Why there is no result, or that it is out of date; empty when it is right."""
        if self.project.experiment is None:
            return "No experiment is open."
        if not self.project.sample_id:
            return "Choose a sample in the Data panel."
        if self.error:
            return self.error
        if not self.steps.items:
            return "No steps yet: samples are trained on as they are."
        return "out of date, drawing …" if self.refresh.stale else ""

    @property
    def damage_text(self) -> str:
        """What happened to the labels, one class a line."""
        if self._reply is None:
            return ""
        maps = any(picture["label"] for picture in self._reply["before"].values())
        return "\n".join(map(str, self.damage)) or (
            "Nothing is labelled in this sample." if maps else "This sample has no label map."
        )

    @property
    def active(self) -> bool:
        """Whether the panel is looked at."""
        return self._active

    def set_active(self, active: bool) -> None:
        """Say whether the panel is looked at; only then it computes and uses the screen."""
        if active == self._active:
            return
        if not active:
            self._put("before")
        self._active = active
        self._poke()

    def set_draw(self, draw: int) -> None:
        """Look at another draw."""
        draw = min(max(draw, 1), DRAWS)
        if draw != self.draw:
            self.draw = draw
            self._poke()

    def reseed(self) -> None:
        """Look at the draws of another seed; the experiment keeps its own."""
        self._other = (self.seed * 1_103_515_245 + 12_345) % 2**31
        self._poke()

    def own_seed(self) -> None:
        """Look at the draws that training sees."""
        if self._other is not None:
            self._other = None
            self._poke()

    def show(self, side: str) -> None:
        """Choose what the panel puts on the screen, one of `SIDES`."""
        if side == self.side or side not in SIDES:
            return
        if side == "sample":
            self._put("before")
        self.side = side
        self._to_screen()
        self.changed.emit()

    def _poke(self) -> None:
        ready = self._active and self.project.experiment is not None and bool(self.project.sample_id)
        if ready:
            self.refresh.poke()
        self.changed.emit()

    def _sample_changed(self, _: str) -> None:
        self._forget()
        self._poke()

    def _forget(self) -> None:
        self._reply, self.drawn, self.damage, self.error = None, (), (), ""
        self.before.clear()
        self.after.clear()
        self.pictures_changed.emit()

    def _ask(self) -> None:
        sample = self.project.sample_id
        if not (self._active and sample):
            self.refresh.arrived()
            return
        self.project.ask(
            "augment", "augment", lambda result: self._arrived(sample, *result), failed=self._failed,
            read=_read, id=sample, epoch=self.draw - 1, seed=self.seed,
        )  # fmt: skip

    def _arrived(self, sample: str, reply: Mapping[str, Any], damage: Sequence[Damage]) -> None:
        if sample == self.project.sample_id:
            self._reply, self.error = reply, ""
            self.damage = tuple(damage)
            self.drawn = tuple(f"{number}  {_step(step)}" for number, step in enumerate(reply["applied"], 1))
            _fill(self.before, reply["before"])
            _fill(self.after, reply["after"])
            self.pictures_changed.emit()
            self._to_screen()
        self.refresh.arrived()
        self.changed.emit()

    def _failed(self, error: FuseError) -> None:
        self._forget()
        self.error = "\n".join(map(in_short, error.problems))
        self.refresh.arrived()
        self.changed.emit()

    def _to_screen(self) -> None:
        if self._active and self.side != "sample":
            self._put(self.side)

    def _put(self, side: str) -> None:
        if self._reply is None or not self._active:
            return
        source = self.before if side == "before" else self.after
        for name in OVERLAYS if side == "after" else ():
            self.project.screen.hide(name)  # they are of the sample as it is, and would lie beside what is shown
        for name in ("image", "gt"):
            picture = source.picture(name)
            if picture is not None:
                self.project.screen.show(name, picture.array, picture.geometry, picture.label)

    def _tell(self) -> None:
        self.changed.emit()


def _read(reply: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Damage]]:
    return reply, damages(reply["before"], reply["after"])


def _fill(screen: Screen, pictures: Mapping[str, Any]) -> None:
    images = [
        picture for key, picture in pictures.items() if key.startswith("data.input.") and not picture["label"]
    ]
    labels = [picture for key, picture in pictures.items() if picture["label"]]
    screen.show_picture("image", next(iter(images), None))
    screen.show_picture("gt", next(iter(labels), None))


def _step(step: Mapping[str, Any]) -> str:
    if step["params"] is None:
        return f"{step['name']}: not applied"
    drawn = ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in step["params"].items())
    return f"{step['name']}: {drawn or 'applied'}"


def _number(value: Any) -> str:
    if isinstance(value, list | tuple) and not value:
        return "none"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_number, value))})"
    if isinstance(value, float):
        return np.format_float_positional(value, 4, unique=True, fractional=False, trim="-")
    return str(value)
