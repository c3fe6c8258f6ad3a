"""What moving did to the labels beyond the motion: cells lost to interpolation, and what was cut off.

A label map is compared with its ideal: every voxel moved as a whole and cut by no edge. A mirror image and a shift
by whole voxels inside of the image do no damage, whatever they move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from fuse_engine.augment.pull import Pull
from fuse_engine.core.geometry import Geometry

Labels = NDArray[Any]
"""(channel, [z,] y, x), whole numbers; 0 is the background."""
Places = NDArray[np.float64]
"""Voxel indices (n, dims), not rounded."""
_SAMPLED = 5_000
"""Voxels of a class whose growth, and points of a surface whose distance, stand for all."""
_MANY = 65_535
"""Labels up to which no table of those in use is made."""
_STEP = 0.25
"""Voxels on either side between which growth is measured."""


@dataclass(frozen=True)
class Limits:
    """What is warned of."""

    volume: float = 0.1
    """Largest change of a class's volume, as a share."""
    boundary: float = 1.5
    """Largest displacement of a class's surface, in units of the longest side of a voxel."""
    components: int = 0
    """Components that a class may lose."""


@dataclass(frozen=True)
class Damage:
    """One class of one label map, moved, against its ideal."""

    key: str
    label: int
    name: str
    unit: str
    """mm³, or mm² in 2-D."""
    before_mm3: float
    ideal_mm3: float | None
    """What the motion alone makes of it; None where nobody knows the motion."""
    after_mm3: float
    volume_change: float | None
    """(after - ideal) / ideal; None for a new value, and where nobody knows the motion."""
    components: int
    """Parts that do not touch, not even at a corner, before."""
    components_lost: int
    """Those of which no voxel is left."""
    vanished: bool
    new: bool
    """The value was nowhere before."""
    boundary_mm: float | None
    """95th percentile of the distances between the surface and the ideal one, either way; None where nobody knows
    the motion."""
    warn: str
    """What is too much, in words; empty where nothing is."""


@dataclass(frozen=True)
class Moved:
    """A label map and what became of it."""

    key: str
    before: Labels
    after: Labels
    components: NDArray[np.int32]
    """The number of the component that every voxel of `after` is of, see `components_of`."""
    owners: Mapping[int, int]
    """The class of each component."""
    grid: Geometry
    """Of `before`; the spacing of `after` is the same."""
    pulls: Sequence[Pull]
    """How it was moved, move after move."""
    known: bool = True
    """Whether `pulls` are all that moved it; a transform of another library does not say how it moves."""

    def push(self, places: Places) -> Places:
        """Return where voxels (n, dims) of `before` come to lie."""
        return reduce(lambda at, pull: pull.push(at), self.pulls, places)

    def pull(self, places: Places) -> Places:
        """Return where voxels (n, dims) of `after` come from."""
        return reduce(lambda at, pull: pull(at), reversed(self.pulls), places)

    def slopes(self, places: Places) -> NDArray[np.float64]:
        """Return the derivatives (n, to, from) of `pull` at voxels (n, dims) of `after`."""
        sides = np.eye(places.shape[1]) * _STEP
        return np.stack([(self.pull(places + side) - self.pull(places - side)) / (2 * _STEP) for side in sides], 2)


def components_of(labels: Labels) -> tuple[NDArray[np.int32], dict[int, int]]:
    """Return the components of all classes, numbered from 1, and the class of each."""
    found, owners = np.zeros(labels.shape, np.int32), dict[int, int]()
    touching = np.ones((3,) * labels.ndim, int)
    touching[[0, 2]] = 0  # channels are apart
    for label, place in _places(labels).items():
        parts, count = ndimage.label(labels[place] == label, touching)
        part = found[place]
        part[parts > 0] = parts[parts > 0] + len(owners)
        owners.update(dict.fromkeys(range(len(owners) + 1, len(owners) + count + 1), label))
    return found, owners


def damages(
    moved: Moved, names: Mapping[int, str], limits: Limits | None = None, check: Callable[[], None] | None = None
) -> list[Damage]:
    """Return what happened to every class of a label map; `check` is called before each.

    Distances are those of M. Heimann et al., 10.1109/TMI.2009.2013851, with the 95th percentile for the maximum.
    """
    left, limits = set(np.unique(moved.components).tolist()), limits or Limits()
    before, after = _places(moved.before), _places(moved.after)
    found = []
    for label in sorted({*before, *after}):
        if check is not None:
            check()
        mine = [number for number, owner in moved.owners.items() if owner == label]
        lost = sum(number not in left for number in mine)
        first, last = _Region.of(moved.before, label, before), _Region.of(moved.after, label, after)
        found.append(_damage(moved, first, last, (label, names.get(label, ""), len(mine), lost), limits))
    return found


@dataclass(frozen=True)
class _Region:
    """The voxels of a class."""

    inside: NDArray[np.bool_]
    start: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Labels, label: int, places: Mapping[int, tuple[slice, ...]]) -> _Region | None:
        """Return the voxels of a class, None where there are none."""
        if label not in places:
            return None
        place = places[label]
        return cls(labels[place] == label, np.array([side.start for side in place[1:]]))

    @property
    def count(self) -> int:
        """Number of voxels."""
        return int(self.inside.sum())

    def voxels(self) -> Places:
        """Return the voxels, evenly spread where there are many."""
        return _some(np.argwhere(self.inside)[:, 1:].astype(float)) + self.start

    def faces(self) -> _Faces:
        """Return the faces between these voxels and others."""
        places, across = [], []
        for channel in self.inside:
            wide = np.pad(channel, 1)
            for axis in range(channel.ndim):
                faces = np.argwhere(np.diff(wide, axis=axis)).astype(float) - 1
                faces[:, axis] += 0.5
                places.append(faces + self.start)
                across.append(np.full(len(faces), axis))
        return _Faces(np.concatenate(places), np.concatenate(across))


@dataclass(frozen=True)
class _Faces:
    """The surface of a class."""

    middles: Places
    across: NDArray[np.int64]
    """The axis that each face is across."""

    def some(self) -> Places:
        """Return the middles of the faces, evenly spread where there are many."""
        return _some(self.middles)

    def ways(self, places: Places, spacing: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the ways (n, dims) in voxels from the nearest face, which is as wide as a voxel, to places."""
        tree = cKDTree(self.middles * spacing, balanced_tree=False, compact_nodes=False)
        nearest = tree.query(places * spacing)[1]
        way = places - self.middles[nearest]
        half = np.where(np.eye(len(spacing), dtype=bool)[self.across[nearest]], 0, 0.5)
        found: NDArray[np.float64] = np.sign(way) * np.maximum(np.abs(way) - half, 0)
        return found


def _some(places: Places) -> Places:
    return places[:: -(-len(places) // _SAMPLED)]


def _damage(
    moved: Moved, before: _Region | None, after: _Region | None, facts: tuple[int, str, int, int], limits: Limits
) -> Damage:
    label, name, components, lost = facts
    spacing = np.array(moved.grid.spacing[::-1])
    voxel = float(spacing.prod())
    count, left = before.count if before else 0, after.count if after else 0
    ideal = apart = change = None
    if moved.known:
        ideal = count * _growth(before, moved) if before else 0.0
        apart = _apart(before, after, moved, spacing) if before and after else 0.0
        change = (left - ideal) / ideal if before else None
    words = _words(count, left, change, lost, (apart or 0.0) / spacing.max(), limits)
    return Damage(
        moved.key, label, name, "mm³" if len(spacing) == 3 else "mm²", count * voxel,
        None if ideal is None else ideal * voxel, left * voxel, change, components, lost,
        vanished=bool(count and not left), new=not count, boundary_mm=apart, warn=", ".join(words),
    )  # fmt: skip


def _words(
    count: int, left: int, change: float | None, lost: int, apart: float, limits: Limits
) -> list[str]:  # fmt: skip
    if not count:
        return ["a value that was not there before"]
    if not left:
        return ["vanished"]
    words = []
    if change is not None and abs(change) > limits.volume:
        words.append(f"{abs(change):.0%} of its volume {'lost' if change < 0 else 'too much'}")
    if lost > limits.components:
        words.append(f"{lost} {'component' if lost == 1 else 'components'} lost")
    if apart > limits.boundary:
        words.append(f"surface off by {apart:.1f} voxels")
    return words


def _growth(region: _Region, moved: Moved) -> float:
    """Return by what factor the motion changes the volume of a region, the mean over its voxels."""
    slopes = moved.slopes(moved.push(region.voxels()))
    return float((1 / np.abs(np.linalg.det(slopes))).mean())


def _apart(before: _Region, after: _Region, moved: Moved, spacing: NDArray[np.float64]) -> float:
    """Return the 95th percentile of the distances in mm between moved and ideal surface, either way."""
    ideal, found = before.faces(), after.faces()
    there = found.ways(moved.push(ideal.some()), spacing) * spacing
    # an ideal face lies where it was before, and the way to it is as long as the motion makes it
    at = found.some()
    back = np.linalg.solve(moved.slopes(at), ideal.ways(moved.pull(at), spacing)[..., None])[..., 0] * spacing
    return float(np.percentile(np.linalg.norm(np.concatenate([there, back]), axis=1), 95))


def _places(labels: Labels) -> dict[int, tuple[slice, ...]]:
    """Return the box of every class but 0."""
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high > _MANY:
        values = np.unique(labels)
        ranks = np.searchsorted(values, labels) + 1
    else:
        values, ranks = np.arange(1, high + 1), labels
    boxes = zip(values.tolist(), ndimage.find_objects(ranks), strict=True)
    return {label: place for label, place in boxes if place is not None and label != 0}
