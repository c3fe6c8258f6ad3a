"""Mirroring a patient turns left into right: a guard for experiments whose names tell the two apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.base import Augmentation, Operation, Params, Spatial, Together
from fuse_engine.augment.chance import Chance, Extreme
from fuse_engine.augment.guards.caution import Caution, Fix, Placed, every_step
from fuse_engine.augment.pull import Matrix
from fuse_engine.augment.spatial import Flip
from fuse_engine.core.distribution import AXES
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry

_SIDES = {
    "left": "right", "links": "rechts", "linke": "rechte", "linker": "rechter", "linkes": "rechtes",
    "linken": "rechten",
}  # fmt: skip
_SHORT = {"l": "r", "lt": "rt", "li": "re", "lh": "rh", "sin": "dex"}
"""Words that only mean a side where the other one is named too."""
_ABOUT = ("laterality", "lateralität", "side", "seite")
"""Last words of columns that say a side."""
_NAMED = ("column", "columns", "classes", "categories", "labels", "names", "structures", "values", "heads")
"""Fields that hold names of what is in the images, or mappings by such names."""
_GROUPS = ("input", "gt", "losses", "metrics")
_WORD = re.compile(r"[A-Z]+(?![a-zäöü])|[A-Z]?[a-zäöü]+")
_DRAWS = 32
_PROBE, _PROBED = 16, 8
"""Pixels along each axis of the image that shows what a step does, and draws that are tried."""
_SHOWN = 4


def laterality(steps: Sequence[Augmentation], experiment: Experiment, grid: Geometry) -> list[Caution]:
    """Return a warning for every step that can turn left into right where names tell the two apart.

    `grid` is that of the sample's first image, where its axes point in the patient decides which one is meant.
    """
    names = sided_names(experiment)
    if not names:
        return []
    axis = left_right_axis(grid)
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    shown += f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    sure = "" if grid.dims == 3 else ", if the picture shows the patient from the front or from above"
    found = []
    for placed in every_step(steps):
        how = _swaps(placed.step, axis, grid) if placed.p else ""
        if how:
            message = (
                f"{placed.step.name()} {how} left and right of the patient ({axis} of the image{sure}), but the "
                f"experiment tells them apart: {shown}. What is labelled left would lie on the right."
            )
            found.append(Caution(placed.path, "laterality", message, _fixes(placed, axis)))
    return found


def left_right_axis(grid: Geometry) -> str:
    """Return which axis of the array, x, y or z, runs from right to left of the patient, as nearly as any does."""
    return AXES[::-1][int(np.abs(grid.matrix[0]).argmax())]


def sided_names(experiment: Experiment) -> list[str]:
    """Return the names of labels, columns and structures in an experiment that say a side."""
    names = dict.fromkeys(_names(experiment.to_data(), "", False))
    words = {name: [word.lower() for word in _WORD.findall(name)] for name in names}
    every = {tuple(found) for found in words.values()}
    return [name for name in names if _says_side(words[name], every)]


def _says_side(words: list[str], every: set[tuple[str, ...]]) -> bool:
    if any(word in (*_SIDES, *_SIDES.values()) for word in words) or words[-1:] in [[word] for word in _ABOUT]:
        return True
    short = {**_SHORT, **{right: left for left, right in _SHORT.items()}}
    return any(
        (*words[:at], short[word], *words[at + 1 :]) in every for at, word in enumerate(words) if word in short
    )


def _names(node: Any, field: str, named: bool) -> Iterator[str]:
    """Go over the names in plain data; `field` is where it stands, `named` whether names stand there."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if named or field in _GROUPS:
                yield str(key)
            yield from _names(value, str(key), str(key) in _NAMED or field == "categories")
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _names(value, "", named)
    elif named and isinstance(node, str):
        yield node


def _swaps(step: Augmentation, axis: str, grid: Geometry) -> str:
    """Return what a step does to left and right in some of its draws, in words; empty where nothing."""
    at = AXES.index(axis) - 3
    if isinstance(step, Together):
        seen = _seen_to_swap(type(step), step.model_dump_json(exclude={"p"}), at, grid.dims)
        return "mirrors or turns round" if seen else ""
    return _moves_to_swap(step, at, grid) if isinstance(step, Spatial) else ""


def _moves_to_swap(step: Spatial, at: int, grid: Geometry) -> str:
    found = ""
    for params in _draws(step, grid):
        matrix = _matrix(step, params, grid.shape)
        row = matrix[at]
        if row[at] < 0 and np.abs(row).argmax() == at % len(row):
            if np.linalg.det(matrix) < 0:
                return "mirrors"
            found = "turns round"
    return found


@lru_cache(maxsize=64)
def _seen_to_swap(kind: type[Together], settings: str, at: int, dims: int) -> bool:
    """Whether a step whose motion nobody knows puts the far end of an axis before the near one."""
    step, shape = kind.model_validate_json(settings), (_PROBE,) * dims
    places = np.broadcast_to(np.arange(1, _PROBE + 1, dtype=np.uint8), shape)
    ramp: NDArray[Any] = np.ascontiguousarray(np.swapaxes(places, at, -1))[None]
    probe: dict[str, NDArray[Any]] = {"image": ramp.astype(np.float32), "label": ramp}
    for params in islice(_draws(step, Geometry.plain(shape)), _PROBED):
        try:
            moved = step.together(probe, params)["label"]
        except FuseError:  # said when it is applied
            return False
        inside = moved > 0  # what comes in from outside is 0
        if inside.any() and np.cov(moved[inside], ramp[inside])[0, 1] < -ramp.var() / 2:
            return True
    return False


def _draws(step: Operation, grid: Geometry) -> Iterator[Params]:
    ends = [Extreme(high, "laterality") for high in (True, False)]
    for chance in [*ends, *(Chance("laterality", number) for number in range(_DRAWS))]:
        try:
            yield step.sample(chance, grid)
        except (FuseError, ValueError):  # settings that do not fit the sample are said when it is drawn
            return


def _matrix(step: Spatial, params: Params, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the linear part of a move, from output to input ([z,] y, x)."""
    found: NDArray[np.float64] = np.eye(len(shape))
    for stage in step.pull(params, shape).stages:
        if isinstance(stage, Matrix):
            found = stage.rows[:, :-1] @ found
    return found


def _fixes(placed: Placed, axis: str) -> tuple[Fix, ...]:
    step = placed.step
    if isinstance(step, Flip) and len(set(step.axes)) > 1:
        rest = [other for other in step.axes if other != axis]
        return (Fix(f"Take {axis} out of {step.name()}", (*placed.place, "axes"), rest), placed.off)
    return (placed.off,)
