"""Steps that cannot change anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fuse_engine.augment.base import Augmentation, Intensity, Operation, Params
from fuse_engine.augment.chance import Chance, Extreme
from fuse_engine.augment.guards.caution import Caution, Fix, Placed, every_step
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry

_DRAWS = 8
_BESIDE = ("seed", "spacing")
"""Parameters that change nothing by themselves."""


def idle(steps: Sequence[Augmentation], grids: Mapping[str, Geometry], labels: Sequence[str]) -> list[Caution]:
    """Return a warning for every step that does nothing to a sample, whatever it draws.

    `grids` are those of the sample's images, `labels` the keys of its label maps.
    """
    found = []
    for placed in every_step(steps):
        reason, fixes = _reason(placed, grids, labels)
        if reason:
            found.append(Caution(placed.path, "nothing", f"{placed.step.name()} does nothing: {reason}.", fixes))
    return found


def _reason(
    placed: Placed, grids: Mapping[str, Geometry], labels: Sequence[str]
) -> tuple[str, tuple[Fix, ...]]:  # fmt: skip
    step = placed.step
    if step.p == 0 and step.name() != "Maybe":
        return "its chance p is 0", (Fix("Set p to 1", (*placed.place, "p"), 1.0), placed.off)
    if not isinstance(step, Operation):
        return "", ()
    if isinstance(step, Intensity) and all(key in labels for key in step.keys):
        return "its keys are label maps, and it changes only the values of images", (placed.off,)
    grid = grids.get(step.keys[0])
    if grid is not None and _neutral(step, grid):
        return "whatever it draws changes nothing", (placed.off,)
    return "", ()


def _neutral(step: Operation, grid: Geometry) -> bool:
    """Whether everything that can be drawn is neutral."""
    neutral = step.neutral(grid)
    if neutral is None:
        return False
    bare = _bare(neutral)
    try:
        return all(_bare(params) == bare for params in _draws(step, grid))
    except (FuseError, ValueError):  # settings that do not fit the sample are said when it is drawn
        return False


def _draws(step: Operation, grid: Geometry) -> Iterator[Params]:
    ends = [Extreme(high, "idle") for high in (True, False)]
    for chance in [*ends, *(Chance("idle", number) for number in range(_DRAWS))]:
        yield step.sample(chance, grid)


def _bare(params: Params) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in _BESIDE}
