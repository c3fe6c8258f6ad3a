"""What moving did to the labels beyond the motion: cells lost to interpolation, and what was cut off.

A label map is compared with its ideal: every voxel moved as a whole and cut by no edge. A mirror image and a shift
by whole voxels inside of the image do no damage, whatever they move.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from fuse_engine.core.geometry import Geometry

Labels = NDArray[Any]
"""(channel, [z,] y, x), whole numbers; 0 is the background."""
Push = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From voxel indices (n, dims) of the label map to the places where they come to lie."""
_SAMPLED = 20_000
"""Voxels of a class whose growth, and points of a surface whose distance, stand for all."""
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
    ideal_mm3: float
    """What the motion alone makes of it."""
    after_mm3: float
    volume_change: float | None
    """(after - ideal) / ideal; None for a new value."""
    components: int
    """Parts that do not touch, not even at a corner, before."""
    components_lost: int
    """Those of which no voxel is left."""
    vanished: bool
    new: bool
    """The value was nowhere before."""
    boundary_mm: float
    """95th percentile of the distances between the surface and the ideal one, either way."""
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
    push: Push


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

    def voxels(self) -> NDArray[np.float64]:
        """Return voxel indices (n, dims), evenly spread where there are many."""
        return _some(np.argwhere(self.inside)[:, 1:].astype(float)) + self.start

    def faces(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the middles (n, dims) of the faces between these voxels and others, and their axes."""
        places, across = [], []
        for channel in self.inside:
            wide = np.pad(channel, 1)
            for axis in range(channel.ndim):
                faces = np.argwhere(np.diff(wide, axis=axis)).astype(float) - 1
                faces[:, axis] += 0.5
                places.append(faces + self.start)
                across.append(np.full(len(faces), axis))
        return np.concatenate(places), np.concatenate(across)


def _damage(
    moved: Moved, before: _Region | None, after: _Region | None, facts: tuple[int, str, int, int], limits: Limits
) -> Damage:
    label, name, components, lost = facts
    spacing = np.array(moved.grid.spacing[::-1])
    voxel = float(spacing.prod())
    count, left = before.count if before else 0, after.count if after else 0
    ideal = count * _growth(before, moved.push) if before else 0.0
    apart = _apart(before, after, moved.push, spacing) if before and after else 0.0
    change = (left - ideal) / ideal if before else None
    words = _words(count, left, change, lost, apart / spacing.max(), limits)
    return Damage(
        moved.key, label, name, "mm³" if len(spacing) == 3 else "mm²", count * voxel, ideal * voxel, left * voxel,
        change, components, lost, vanished=bool(count and not left), new=not count, boundary_mm=apart,
        warn=", ".join(words),
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


def _growth(region: _Region, push: Push) -> float:
    """Return by what factor the motion changes the volume of a region, the mean over its voxels."""
    places = region.voxels()
    dims = places.shape[1]
    sides = np.empty((len(places), dims, dims))
    for axis in range(dims):
        step = np.eye(dims)[axis] * _STEP
        sides[:, axis] = (push(places + step) - push(places - step)) / (2 * _STEP)
    return float(np.abs(np.linalg.det(sides)).mean())


def _apart(before: _Region, after: _Region, push: Push, spacing: NDArray[np.float64]) -> float:
    """Return the 95th percentile of the distances in mm between moved and ideal surface, either way."""
    places, across = before.faces()
    ideal = push(_spread(places, across) if len(places) <= _SAMPLED else places) * spacing
    places, across = after.faces()
    found, sides = places * spacing, np.where(np.eye(len(spacing), dtype=bool)[across], 0, spacing / 2)
    some = _some(ideal)
    nearest = _tree(found).query(some)[1]
    apart = np.abs(some - found[nearest]) - sides[nearest]
    there = np.linalg.norm(np.maximum(apart, 0), axis=1)
    return float(np.percentile(np.concatenate([there, _tree(ideal).query(_some(found))[0]]), 95))


def _spread(places: NDArray[np.float64], across: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return nine points of each face, three in the plane, a quarter of its side apart."""
    spread = []
    for axis in range(places.shape[1]):
        sides = [(0.0,) if other == axis else (-0.25, 0.0, 0.25) for other in range(places.shape[1])]
        spread.append(places[across == axis][:, None] + np.array(list(itertools.product(*sides))))
    return np.concatenate([points.reshape(-1, places.shape[1]) for points in spread])


def _some(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points[:: -(-len(points) // _SAMPLED)]


def _tree(points: NDArray[np.float64]) -> cKDTree:
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def _places(labels: Labels) -> dict[int, tuple[slice, ...]]:
    """Return the box of every class but 0."""
    values, ranks = np.unique(labels), labels
    if values.size and (values[0] < 0 or values[-1] > _SAMPLED):
        ranks = np.searchsorted(values, labels) + 1
        boxes = dict(zip(values.tolist(), ndimage.find_objects(ranks), strict=True))
    else:
        boxes = dict(enumerate(ndimage.find_objects(ranks), 1))
    return {int(label): place for label, place in boxes.items() if place is not None and label != 0}
