"""Puts the slices of a series in order and finds what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry

OFF = 0.1
"""Share of a pixel that counts as no difference of place."""
_UNEVEN = 0.2
"""Share of the distance between slices that one may lie off its place, as positions are written rounded.

The least that a missing slice makes is 0.33: one of three.
"""
_SAME = 1e-3
"""Difference of direction cosines, and share of a pixel, that count as equal."""
_SHOWN = 3
_UPRIGHT = (1, 0, 0, 0, 1, 0)


@dataclass(frozen=True)
class Plane:
    """Where one slice lies, and what it has to share with the others."""

    name: str
    """Name of the file, for messages."""
    sop: str
    """SOPInstanceUID of the file, with the number of the frame where there are several."""
    size: tuple[int, int]
    """Rows, columns."""
    spacing: tuple[float, float] | None
    """mm between pixel centres along (y, x)."""
    position: tuple[float, float, float] | None
    """mm, LPS: the centre of the first pixel."""
    orientation: tuple[float, ...] | None
    """Direction cosines of a row and of a column, LPS."""
    rescale: tuple[float, float] = (1.0, 0.0)
    """Slope and intercept of the modality."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a series; a blocking one keeps it from being read as a volume."""

    message: str
    files: tuple[str, ...] = ()
    blocking: bool = True

    def __str__(self) -> str:
        """Return the message with the first of the files."""
        shown = ", ".join(self.files[:_SHOWN])
        more = f" and {len(self.files) - _SHOWN} more" if len(self.files) > _SHOWN else ""
        return f"{self.message} ({shown}{more})" if shown else self.message


@dataclass(frozen=True)
class Stack:
    """Slices in order along their normal, several at one place where a file holds several volumes."""

    order: NDArray[np.intp]
    """Places of the slices in the given list, (position, volume)."""
    geometry: Geometry


def arrange(planes: Sequence[Plane], volumes: bool = False) -> Stack:
    """Return slices in order and their grid; `volumes` allows several slices at each position.

    Raises:
        SampleError: with everything that keeps them from being one volume.
    """
    blocking = [fault for fault in faults(planes, volumes) if fault.blocking]
    if blocking:
        raise SampleError(
            "; ".join(map(str, blocking)), expected="the complete slices of one volume", check="series"
        )
    first = planes[0]
    if len(planes) == 1 and (first.position is None or crooked(planes)):
        return Stack(
            np.zeros((1, 1), np.intp), Geometry.plain((1, *first.size), (1.0, *(first.spacing or (1.0, 1.0))))
        )
    matrix = axes(planes[0])
    positions = _positions(planes)
    along = positions @ matrix[:, 2]
    order = np.argsort(along, kind="stable")
    many = _several(np.sort(along)) if volumes else 1
    order = order.reshape(-1, many)
    places = along[order[:, 0]]
    step = (places[-1] - places[0]) / (len(places) - 1) if len(places) > 1 else 1.0
    spacing = first.spacing or (1.0, 1.0)
    geometry = Geometry(
        (first.size[1], first.size[0], len(places)), (spacing[1], spacing[0], float(step)),
        tuple(positions[order[0, 0]].tolist()), tuple(matrix.ravel().tolist()),
    )  # fmt: skip
    return Stack(order, geometry)


def axes(plane: Plane) -> NDArray[np.float64]:
    """Return the directions of x, y and the normal as columns, exactly perpendicular."""
    row, column = np.reshape(plane.orientation or _UPRIGHT, (2, 3)).astype(float)
    row = row / np.linalg.norm(row)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return np.stack((row, np.cross(normal, row), normal), axis=1)


def faults(planes: Sequence[Plane], volumes: bool = False) -> list[Fault]:
    """Return everything that is wrong with the slices of a series, the worst first."""
    if len(planes) < 2:
        return []
    lost = [plane.name for plane in planes if plane.position is None or plane.orientation is None]
    if lost:
        return [Fault("slices without a position cannot be put in order", tuple(lost))]
    found = [*crooked(planes), *_mixed(planes)]
    if not any(plane.spacing for plane in planes):
        found.append(Fault("no slice says how far apart its pixels are (PixelSpacing)"))
    if not found:
        found = _misplaced(planes, volumes)
    if len({plane.rescale for plane in planes}) > 1:
        found.append(Fault("the slices have different rescale slopes or intercepts", blocking=False))
    return found


def crooked(planes: Sequence[Plane]) -> list[Fault]:
    """Find direction cosines that are none."""
    both = np.array([plane.orientation or _UPRIGHT for plane in planes], float).reshape(-1, 2, 3)
    off = np.abs(both @ both.transpose(0, 2, 1) - np.eye(2)).max(axis=(1, 2)) > 10 * _SAME
    bad = tuple(plane.name for plane, wrong in zip(planes, off, strict=True) if wrong)
    return [Fault("the directions of rows and columns are not perpendicular unit vectors", bad)] if bad else []


def _mixed(planes: Sequence[Plane]) -> list[Fault]:
    """Find slices of another size, spacing or direction than most."""
    found = []
    sizes = [plane.size for plane in planes]
    spacings = [plane.spacing and (round(plane.spacing[0], 4), round(plane.spacing[1], 4)) for plane in planes]
    for what, values in (("size", sizes), ("pixel spacing", spacings)):
        others = _others(planes, values)
        if others:
            found.append(Fault(f"{len(others)} of {len(planes)} slices have another {what}", others))
    turned = np.array([plane.orientation for plane in planes], float)
    others = _others(planes, [tuple(row) for row in np.round(turned - np.median(turned, axis=0), 2)])
    if others or np.ptp(turned, axis=0).max() > _SAME:
        far = np.abs(turned - np.median(turned, axis=0)).max(1) > _SAME
        names = others or tuple(plane.name for plane, off in zip(planes, far, strict=True) if off)
        found.append(Fault(f"{len(names)} of {len(planes)} slices have another orientation", names))
    return found


def _others(planes: Sequence[Plane], values: Sequence[object]) -> tuple[str, ...]:
    usual = Counter(values).most_common(1)[0][0]
    return tuple(plane.name for plane, value in zip(planes, values, strict=True) if value != usual)


def _misplaced(planes: Sequence[Plane], volumes: bool) -> list[Fault]:
    """Find slices twice, missing or moved sideways, in planes of one orientation."""
    matrix = axes(planes[0])
    positions = _positions(planes)
    along = positions @ matrix[:, 2]
    order = np.argsort(along, kind="stable")
    places = along[order]
    names = [planes[index].name for index in order]
    found = _twice(planes, places, names, volumes)
    if not any(fault.blocking for fault in found):
        many = _several(places) if volumes else 1
        found += _gaps(places[::many], names[::many])
    sideways = (positions - np.outer(along, matrix[:, 2])) @ matrix[:, :2]
    limit = max(0.01, OFF * min(planes[0].spacing or (1.0, 1.0)))
    moved = float(np.ptp(sideways, axis=0).max())
    if moved > limit:
        found.append(Fault(f"the slices are shifted sideways by up to {moved:.1f} mm, as with a tilted gantry"))
    return found


def _twice(planes: Sequence[Plane], places: NDArray[np.float64], names: list[str], volumes: bool) -> list[Fault]:
    found = []
    near = np.diff(places) < 1e-3
    if near.any() and not (volumes and _several(places) > 1):
        both = sorted({names[index + side] for index in np.flatnonzero(near) for side in (0, 1)})
        found.append(Fault(f"{near.sum()} slices lie at the position of another one", tuple(both)))
    counted = Counter(plane.sop for plane in planes)
    twice = tuple(plane.name for plane in planes if plane.sop and counted[plane.sop] > 1)
    if twice:
        found.append(
            Fault(f"{len(twice)} slices share their SOPInstanceUID with another one", twice, blocking=False)
        )
    return found


def _several(places: NDArray[np.float64]) -> int:
    """Return how many slices lie at each position where it is the same number everywhere, else 1."""
    starts = np.flatnonzero(np.diff(places, prepend=-np.inf) >= 1e-3)
    counts = np.diff(starts, append=len(places))
    return int(counts[0]) if (counts == counts[0]).all() else 1


def _gaps(places: NDArray[np.float64], names: list[str]) -> list[Fault]:
    """Find places where the slices do not follow each other evenly."""
    if len(places) < 3:
        return []
    even = np.linspace(places[0], places[-1], len(places))
    gaps = np.diff(places)
    step = float(np.median(gaps))
    if np.abs(places - even).max() <= _UNEVEN * (even[1] - even[0]):
        return []
    found = []
    wide = np.flatnonzero(gaps > (1 + _UNEVEN) * step)
    for index in wide[: _SHOWN + 1]:
        missing = gaps[index] / step - 1
        between = f"between {names[index]} and {names[index + 1]}"
        if abs(missing - round(missing)) < _UNEVEN * (1 + missing) and missing > 0.5:
            found.append(
                Fault(f"{round(missing)} slice(s) missing {between}: {gaps[index]:.2f} mm instead of {step:.2f}")
            )
        else:
            found.append(Fault(f"the distance {between} is {gaps[index]:.2f} mm instead of {step:.2f}"))
    if len(wide) > _SHOWN + 1:
        found.append(Fault(f"{len(wide) - _SHOWN - 1} more gaps between the slices"))
    return found or [Fault(f"the distances between the slices vary from {gaps.min():.2f} to {gaps.max():.2f} mm")]


def _positions(planes: Sequence[Plane]) -> NDArray[np.float64]:
    return np.array([plane.position or (0.0, 0.0, 0.0) for plane in planes], float)
