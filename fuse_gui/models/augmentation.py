"""The Augmentation panel: what the steps drew for a sample, and what that did to it and to its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from psygnal import Signal

from fuse_engine.core.catalog import describe
from fuse_engine.core.errors import Problem
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.damage import Damage, damages
from fuse_gui.models.project import OVERLAYS, Project
from fuse_gui.models.refresh import PAUSE
from fuse_gui.models.screen import Screen
from fuse_gui.models.steps import StepsModel

DRAWS = 100
"""Draws that the slider goes over, from 1 on; draw n is what epoch n trains on."""

SIDES = ("sample", "before", "after")
"""What the panel puts on the screen: nothing, the sample before, or after the augmentation."""


class AugmentationModel(StepsModel):
    """The steps, the draw that is looked at, and its result."""

    method = "augment"
    no_sample = "Choose a sample in the Data panel."
    late = "out of date, drawing …"

    title = "Augmentation"
    draw_label, reseed_label, own_label = "Draw", "Other seed", "Own seed"
    draw_help = f"1 to {DRAWS}: draw n is what epoch n trains on"
    reseed_help = "Look at the draws of another seed; the experiment keeps its own"
    own_help = "Back to the seed of the experiment: exactly what training sees"
    slice_label = "Slice"
    show_label, side_labels = "On the screen", {"sample": "Sample", "before": "Before", "after": "After"}
    drawn_label, damage_label = "What was drawn", "What happened to the labels"

    pictures_changed = Signal()
    """The pictures before and after are new."""

    def __init__(self, project: Project, pause: float = PAUSE) -> None:
        """Follow the open project; nothing is asked for until the panel is looked at."""
        spec = next(spec for spec in describe(Experiment).fields if spec.name == "augmentation")
        super().__init__(project, spec, ("augmentation",), pause)
        self.before, self.after = Screen(), Screen()
        self.draw, self.side = 1, "after"
        self.drawn: tuple[str, ...] = ()
        self.damage: tuple[Damage, ...] = ()
        self._reply: Mapping[str, Any] | None = None
        self._other: int | None = None
        project.values_changed.connect(self._to_screen)

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
    def damage_text(self) -> str:
        """What happened to the labels, one class a line."""
        if self._reply is None:
            return ""
        maps = any(picture["label"] for picture in self._reply["before"].values())
        return "\n".join(map(str, self.damage)) or (
            "Nothing is labelled in this sample." if maps else "This sample has no label map."
        )

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

    @property
    def _trouble(self) -> str:
        return self.error or ("" if self.steps.items else "No steps yet: samples are trained on as they are.")

    def _question(self) -> Mapping[str, Any]:
        return {"draw": {"seed": self.seed, "epoch": self.draw - 1}}

    def _read(self, reply: Mapping[str, Any]) -> tuple[Mapping[str, Any], Sequence[Damage]]:
        return reply, damages(reply["before"], reply["after"])

    def _take(self, preview: tuple[Mapping[str, Any], Sequence[Damage]]) -> None:
        reply, damage = preview
        self._reply, self.damage = reply, tuple(damage)
        self.drawn = tuple(f"{number}  {_step(step)}" for number, step in enumerate(reply["applied"], 1))
        _fill(self.before, reply["before"])
        _fill(self.after, reply["after"])
        self.pictures_changed.emit()
        self._to_screen()

    def _lose(self, problems: Sequence[Problem]) -> None:
        self._forget()

    def _leave(self) -> None:
        self._put("before")

    def _sample_changed(self, sample: str) -> None:
        self._forget()
        self._poke()

    def _forget(self) -> None:
        self._reply, self.drawn, self.damage, self.error = None, (), (), ""
        self.before.clear()
        self.after.clear()
        self.pictures_changed.emit()

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
