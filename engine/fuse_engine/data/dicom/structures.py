"""Draws the contours of a radiotherapy structure set (RTSTRUCT) onto the grid of an image; PS3.3 C.8.8.6."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from fuse_engine.core.errors import SampleError, nearest
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.reading import reading
from fuse_engine.data.dicom.nested import broken, read_nested
from fuse_engine.data.dicom.overlap import Overlap, taken
from fuse_engine.data.image import Image

Points = NDArray[np.float64]

_NESTED = ("StructureSetROISequence", "ROIContourSequence")
_AREAS = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_ROUNDED = 0.05
"""mm by which the written planes of contours may differ that lie in one."""
_TIE = 0.02
"""Share of the distance between slices that decides for the lower plane."""
_LEVEL = 0.25
"""Share of the distance between slices by which the points of one contour may differ along the normal."""


@dataclass(frozen=True)
class _Roi:
    """One structure: its name, the space it lies in, and its closed contours as LPS mm (n, 3)."""

    name: str
    space: str
    file: str
    item: Dataset | None


def read_structures(
    paths: Sequence[Path], geometry: Geometry, space: str, wanted: Sequence[str], overlap: Overlap
) -> Image:
    """Return the label map (1, z, y, x) of structures on a 3-D grid: 1 for the first that is wanted, then 2, ...

    A pixel belongs to a structure when its centre lies inside an odd number of the contours of its plane, so an
    inner contour, or a keyhole, cuts a hole. A contour stands for a slab as thick as the contours of its structure
    lie apart. `space` is the image's FrameOfReferenceUID.

    Raises:
        SampleError: for an unknown structure (names the nearest), overlapping ones, another space, or contours
            that are open, not parallel to the slices, or all beside the image.
    """
    rois = [roi for path in paths for roi in _rois(path)]
    found, drawn = np.zeros(geometry.shape, np.uint8), False
    for value, name in enumerate(wanted, 1):
        roi = _named(rois, name)
        if roi.space and space and roi.space != space:
            raise SampleError(f"{roi.file}: '{name}' lies in another space than the image")
        with broken(Path(roi.file)):
            contours = list(_contours(roi))
        mask, drawn = rasterize(contours, geometry, name), drawn or bool(contours)
        found[taken(found, mask, overlap, name, dict(enumerate(wanted, 1)))] = value
    if drawn and not found.any():
        raise SampleError(
            f"{rois[0].file}: the contours hold no pixel of the image", expected="the series they were drawn on"
        )
    return Image(found[None], geometry)


def rasterize(contours: Sequence[Points], geometry: Geometry, name: str = "") -> NDArray[np.bool_]:
    """Return the pixels (z, y, x) whose centres lie inside closed planar contours, given as LPS mm (n, 3).

    Raises:
        SampleError: for contours that are not parallel to the slices.
    """
    mask = np.zeros(geometry.shape, bool)
    planes: list[tuple[float, Points]] = []
    for points in contours:
        places = (points - geometry.origin) @ geometry.matrix / geometry.spacing
        level = places[:, 2]
        if np.ptp(level) > _LEVEL:
            raise SampleError(
                f"'{name}': a contour is not parallel to the slices of the image",
                expected="the series it was drawn on",
            )
        planes.append((float(level.mean()), places[:, :2]))
    coplanar = _coplanar(planes, geometry.spacing[2])
    levels = np.array([level for level, _ in coplanar])
    for number, place in enumerate(_nearest(levels, len(mask))):
        if place is not None:
            mask[number] = _filled(coplanar[place][1], geometry.shape[1:])
    return mask


def _rois(path: Path) -> list[_Roi]:
    with reading(path):
        nested = read_nested(path, _NESTED)
        with broken(path):
            if _NESTED[0] not in nested:
                raise SampleError(f"{path.name} is no structure set", expected="an RTSTRUCT object")
            contours = {int(item.ReferencedROINumber): item for item in nested.get(_NESTED[1]) or ()}
            return [
                _Roi(
                    str(item.get("ROIName", "")), str(item.get("ReferencedFrameOfReferenceUID", "")), path.name,
                    contours.get(int(item.ROINumber)),
                )
                for item in nested[_NESTED[0]].value
            ]  # fmt: skip


def _named(rois: Sequence[_Roi], name: str) -> _Roi:
    found = [roi for roi in rois if roi.name == name]
    if len(found) == 1:
        return found[0]
    names = [roi.name for roi in rois]
    raise SampleError(
        f"{len(found) or 'no'} structure(s) '{name}'", expected=f"one of {', '.join(names)}",
        nearest=nearest(name, names) if not found else "",
    )  # fmt: skip


def _contours(roi: _Roi) -> Iterator[Points]:
    """Yield the closed contours of a structure; the caller surrounds it with `broken`."""
    items = (roi.item.get("ContourSequence") if roi.item is not None else None) or ()
    for item in items:
        kind = str(item.get("ContourGeometricType", ""))
        if kind == "POINT":
            continue
        if kind not in _AREAS:
            raise SampleError(
                f"{roi.file}: '{roi.name}' has a contour of type {kind[:20] or 'none'}",
                expected=f"closed ones: {', '.join(_AREAS)}",
            )
        numbers = _numbers(item)
        if len(numbers) < 9 or len(numbers) % 3 or not np.isfinite(numbers).all():
            raise SampleError(f"{roi.file}: '{roi.name}' has a contour without three points")
        yield numbers.reshape(-1, 3)


def _numbers(item: Dataset) -> Points:
    """Return the coordinates of a contour, from their text: pydicom would make an object of each of them."""
    raw = item.get_item("ContourData")
    if raw is None or not isinstance(raw.value, bytes):
        return np.zeros(0)
    return np.array(raw.value.decode("ascii", "replace").strip("\0 ").split("\\"), float)


def _coplanar(planes: Sequence[tuple[float, Points]], step: float) -> list[tuple[float, list[Points]]]:
    """Put the contours of each plane together; planes are slice numbers with fractions, ascending."""
    found: list[tuple[float, list[Points]]] = []
    for level, points in sorted(planes, key=lambda plane: plane[0]):
        if not found or (level - found[-1][0]) * step > _ROUNDED:
            found.append((level, []))
        found[-1][1].append(points)
    return found


def _nearest(levels: NDArray[np.float64], slices: int) -> list[int | None]:
    """Return the plane of contours that each slice takes: the nearest, within half the distance of the planes."""
    if not len(levels):
        return [None] * slices
    # what is thinner than a slice is drawn in one
    thick = max(float(np.median(np.diff(levels))) if len(levels) > 1 else 0.0, 1.0 - float(np.ptp(levels)))
    numbers = np.arange(slices)[:, None]
    # a slice midway between two planes belongs to the lower one, so that no slab is a slice too thick
    away = np.abs(numbers - levels) - _TIE * np.sign(numbers - levels)
    chosen = away.argmin(1)
    least = away[np.arange(slices), chosen]
    return [int(place) if gap <= thick / 2 else None for place, gap in zip(chosen, least, strict=True)]


def _filled(contours: Sequence[Points], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels (y, x) that lie inside an odd number of polygons, given in pixels (n, 2) as x, y."""
    # every edge turns over all pixels to the right of where it crosses their row
    turns = np.zeros((shape[0], shape[1] + 1), np.int32)
    for points in contours:
        _add_turns(turns, points)
    filled: NDArray[np.bool_] = np.cumsum(turns[:, :-1], axis=1) % 2 == 1
    return filled


def _add_turns(turns: NDArray[np.int32], points: Points) -> None:
    start, end = points, np.roll(points, -1, axis=0)
    # an edge that is walked both ways, as in a keyhole, crosses at the same place to the bit
    swap = start[:, 1] > end[:, 1]
    low, high = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    first = np.clip(np.ceil(low[:, 1]), 0, len(turns)).astype(np.int64)
    last = np.clip(np.ceil(high[:, 1]), 0, len(turns)).astype(np.int64)
    counts = last - first
    edge = np.repeat(np.arange(len(low)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    height = high[edge, 1] - low[edge, 1]
    x = low[edge, 0] + (rows - low[edge, 1]) * (high[edge, 0] - low[edge, 0]) / height
    columns = np.clip(np.ceil(x), 0, turns.shape[1] - 1).astype(np.int64)
    np.add.at(turns, (rows, columns), 1)
