"""Which draw of the augmentation is looked at: one of an epoch, one of another seed, or an extreme."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from psygnal import Signal

from fuse_gui.models.project import Project

DRAWS = 100
"""Draws that the slider goes over, from 1 on; draw n is what epoch n trains on."""
ENDS = {"low": "smallest", "high": "largest"}
"""The extremes there are, and the word for each."""

Plain = Mapping[str, Any]
"""A draw as the engine takes it: `{seed, epoch}`, or `{extreme: low or high}` with `only` one step."""


class DrawModel:
    """The draw that is looked at; it stays the same while steps are edited, as long as it is locked."""

    label, help = "Draw", f"1 to {DRAWS}: draw n is what epoch n trains on"
    dice_label, dice_help = "Dice", "Look at the draws of another seed; the experiment keeps its own"
    own_label, own_help = "Own seed", "Back to the seed of the experiment: exactly what training sees"
    lock_label, lock_help = "Keep", "Keep the draw while steps are edited; without it every edit throws the dice"

    changed = Signal()
    """Another draw is looked at, or it is kept or not."""

    def __init__(self, project: Project) -> None:
        """Start at the first epoch of the experiment's own seed."""
        self._project = project
        self._seed: int | None = None
        self.number = 1
        self.locked = True
        self.extreme: Plain | None = None
        """The extreme that is looked at instead of a draw."""

    @property
    def seed(self) -> int:
        """The seed of the draws."""
        own = self._project.experiment.seed if self._project.experiment else 0
        return own if self._seed is None else self._seed

    @property
    def is_own(self) -> bool:
        """Whether the draw is one that training sees."""
        return self._seed is None and self.extreme is None

    @property
    def plain(self) -> Plain:
        """The draw as the engine takes it."""
        return self.extreme or self.plain_of(self.number)

    def plain_of(self, number: int) -> Plain:
        """Return a draw of this seed as the engine takes it."""
        return {"seed": self.seed, "epoch": number - 1}

    @property
    def text(self) -> str:
        """Which draw is looked at, in words."""
        if self.extreme is not None:
            step = self.extreme.get("only")
            where = f"of step {int(str(step).split('.')[0]) + 1} alone" if step is not None else "of every step"
            return f"The {ENDS[self.extreme['extreme']]} numbers {where}: a corner, not a draw"
        seen = f"what epoch {self.number} trains on" if self.is_own else "not what is trained"
        return f"Seed {self.seed}, draw {self.number}: {seen}"

    def set_number(self, number: int) -> None:
        """Look at another draw of the seed."""
        number = min(max(number, 1), DRAWS)
        if number != self.number or self.extreme is not None:
            self.number, self.extreme = number, None
            self.changed.emit()

    def throw_dice(self) -> None:
        """Look at the draws of another seed; the experiment keeps its own."""
        self._seed, self.extreme = random.randrange(2**31), None  # noqa: S311 nothing secret is drawn
        self.changed.emit()

    def own_seed(self) -> None:
        """Look at the draws that training sees."""
        if not self.is_own:
            self._seed, self.extreme = None, None
            self.changed.emit()

    def set_locked(self, locked: bool) -> None:
        """Say whether the draw stays while steps are edited."""
        if locked != self.locked:
            self.locked = locked
            self.changed.emit()

    def look_at(self, plain: Plain) -> None:
        """Look at a draw of this seed, or at an extreme, given as the engine takes it."""
        if "extreme" not in plain:
            self.set_number(int(plain["epoch"]) + 1)
        elif plain != self.extreme:
            self.extreme = dict(plain)
            self.changed.emit()

    def edited(self) -> None:
        """Say that a step was edited."""
        if not self.locked:
            self.throw_dice()
