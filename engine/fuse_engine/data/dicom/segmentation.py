"""Reads DICOM segmentations (SEG) onto the grid of the image they are drawn on; PS3.3 A.51 and C.8.20."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from fuse_engine.core.errors import SampleError, nearest
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.reading import reading
from fuse_engine.data.dicom.frames import READ_TAGS, frames_of, group
from fuse_engine.data.dicom.header import Header, read_header, tags_of
from fuse_engine.data.dicom.layout import Layout
from fuse_engine.data.dicom.nested import broken, read_nested
from fuse_engine.data.dicom.overlap import Overlap, taken
from fuse_engine.data.dicom.pixels import read_frames
from fuse_engine.data.dicom.stack import OFF, Plane, axes, crooked
from fuse_engine.data.image import Image, resample
from fuse_engine.data.memory import require_memory

_TAGS = READ_TAGS | tags_of(("SegmentationType", "MaximumFractionalValue", "FrameOfReferenceUID"))
_NESTED = ("SegmentSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


@dataclass(frozen=True)
class Segment:
    """One segment of one file, with the numbers of the frames it is stored in."""

    number: int
    label: str
    file: int


@dataclass(frozen=True)
class _Seg:
    """One segmentation file."""

    header: Header
    layout: Layout
    planes: list[Plane]
    owners: list[int]
    """Number of the segment of each frame; 0 where the pixels are the numbers."""
    segments: dict[int, str]
    """Label of each segment by its number."""


def read_segmentation(
    paths: Sequence[Path], geometry: Geometry, space: str, wanted: Sequence[str], overlap: Overlap
) -> Image:
    """Return the label map (1, z, y, x) of segments on a 3-D grid: 1 for the first that is wanted, then 2, ...

    Without any wanted, each segment keeps its own number. `space` is the image's FrameOfReferenceUID.

    Raises:
        SampleError: for an unknown segment (names the nearest), overlapping ones, another space, or when all lie
            beside the image.
    """
    files = [_opened(path, space) for path in paths]
    chosen = _chosen(files, wanted)
    labels = {value: segment.label for value, segment in chosen}
    found, drawn = np.zeros(geometry.shape, np.int32), False
    for value, segment in chosen:
        inside, planes = _drawn(files[segment.file], segment.number)
        mask, drawn = _mask(inside, planes, geometry, files[segment.file]), drawn or bool(inside.any())
        found[taken(found, mask, overlap, segment.label, labels)] = value
    if drawn and not found.any():
        raise SampleError(
            f"{paths[0].name} marks no pixel of the image", expected="the series that it was drawn on"
        )
    kind = np.uint8 if found.max(initial=0) <= 255 else np.int32
    return Image(found[None].astype(kind), geometry)


def _opened(path: Path, space: str) -> _Seg:
    with reading(path):
        header = read_header(path, _TAGS)
        if "SegmentationType" not in header:
            raise SampleError(f"{path.name} is no DICOM segmentation", expected="a SEG object")
        own = header.text("FrameOfReferenceUID")
        if own and space and own != space:
            raise SampleError(
                f"{path.name} lies in another space than its image", expected="the same frame of reference"
            )
        layout, frames = frames_of(header)
        nested = read_nested(path, _NESTED)
        with broken(path):
            segments = {
                int(item.SegmentNumber): str(item.get("SegmentLabel", "")) for item in nested.SegmentSequence
            }
            if header.text("SegmentationType") == "LABELMAP":
                owners = [0] * len(frames)
            else:
                shared = next(iter(nested.get(_NESTED[1]) or ()), Dataset())
                owners = [_owner((own_groups, shared)) for own_groups in nested.get(_NESTED[2]) or ()]
        planes = [frame.plane for frame in frames]
        placed = all(plane.position and plane.orientation and plane.spacing for plane in planes)
        if len(owners) != len(planes) or not placed or crooked(planes):
            raise SampleError(f"{path.name} does not say where each frame lies and which segment it shows")
        return _Seg(header, layout, planes, owners, segments)


def _owner(groups: Sequence[Dataset]) -> int:
    return int(group(groups, "SegmentIdentificationSequence").ReferencedSegmentNumber)


def _chosen(files: Sequence[_Seg], wanted: Sequence[str]) -> list[tuple[int, Segment]]:
    """Return the segments to draw with the value of each, in the order of drawing."""
    every = [
        Segment(number, label, place)
        for place, file in enumerate(files)
        for number, label in file.segments.items()
    ]
    if not wanted:
        if len({segment.number for segment in every}) < len(every):
            raise SampleError(
                "several files have segments of the same number", expected="`segments` by their labels"
            )
        return [(segment.number, segment) for segment in every]
    return [(value, _named(every, name)) for value, name in enumerate(wanted, 1)]


def _named(every: Sequence[Segment], name: str) -> Segment:
    found = [segment for segment in every if segment.label == name]
    found = found or [segment for segment in every if str(segment.number) == name]
    if len(found) == 1:
        return found[0]
    labels = [segment.label for segment in every]
    raise SampleError(
        f"{len(found) or 'no'} segment(s) '{name}'",
        expected=f"one of {', '.join(f'{segment.number} {segment.label}' for segment in every)}",
        nearest=nearest(name, labels) if not found else "",
    )


def _drawn(file: _Seg, number: int) -> tuple[NDArray[np.bool_], list[Plane]]:
    """Return the pixels of the frames that show a segment (frame, y, x), and where each frame lies."""
    chosen = [place for place, owner in enumerate(file.owners) if owner in (0, number)]
    if not chosen:
        return np.zeros((0, 1, 1), bool), []
    require_memory(file.header.path.name, 8 * len(chosen) * file.layout.rows * file.layout.columns)
    with reading(file.header.path):
        stored = read_frames(file.header, file.layout, chosen)[..., 0]
    return _inside(stored, file, number), [file.planes[place] for place in chosen]


def _mask(inside: NDArray[np.bool_], planes: Sequence[Plane], geometry: Geometry, file: _Seg) -> NDArray[np.bool_]:
    """Return where the frames of a segment lie on the grid of the image."""
    mask = np.zeros(geometry.shape, bool)
    if not planes:
        return mask
    offsets = _offsets(planes, geometry)
    if offsets is None:
        return _resampled(inside, planes, geometry, file)
    for frame, offset in zip(inside, offsets, strict=True):
        _paste(mask, frame, offset)
    return mask


def _inside(stored: NDArray[Any], file: _Seg, number: int) -> NDArray[np.bool_]:
    if file.header.text("SegmentationType") == "LABELMAP":
        found: NDArray[np.bool_] = stored == number
    elif file.header.text("SegmentationType") == "FRACTIONAL":
        found = stored >= 0.5 * file.header.count("MaximumFractionalValue", 255)
    else:
        found = stored > 0
    return found


def _offsets(planes: Sequence[Plane], geometry: Geometry) -> NDArray[np.intp] | None:
    """Return the index (z, y, x) of the first pixel of each frame where the frames lie on the image's pixels."""
    matrix = axes(planes[0])
    steps = np.asarray(geometry.spacing)
    same_turn = all(np.allclose(axes(plane)[:, :2], geometry.matrix[:, :2], atol=1e-3) for plane in planes)
    same_step = all(np.allclose(plane.spacing or (0, 0), steps[[1, 0]], rtol=1e-3) for plane in planes)
    if not (same_turn and same_step) or not np.allclose(
        np.abs(matrix[:, 2] @ geometry.matrix[:, 2]), 1, atol=1e-3
    ):
        return None
    positions = np.array([plane.position for plane in planes])
    places = (positions - geometry.origin) @ geometry.matrix / steps
    if np.abs(places - np.rint(places)).max() > OFF:
        return None
    found: NDArray[np.intp] = np.rint(places[:, ::-1]).astype(np.intp)
    return found


def _paste(mask: NDArray[np.bool_], frame: NDArray[np.bool_], offset: NDArray[np.intp]) -> None:
    """Add a frame to the mask at an index; what lies outside the image is cut off."""
    z, y, x = (int(place) for place in offset)
    if not 0 <= z < len(mask):
        return
    rows, columns = (
        slice(max(start, 0), max(start + size, 0)) for start, size in zip((y, x), frame.shape, strict=True)
    )
    target = mask[z, rows, columns]
    target |= frame[rows.start - y :, columns.start - x :][: target.shape[0], : target.shape[1]]


def _resampled(
    inside: NDArray[np.bool_], planes: Sequence[Plane], geometry: Geometry, file: _Seg
) -> NDArray[np.bool_]:
    """Return a segment of another grid on the image's: each pixel takes the nearest."""
    name = file.header.path.name
    matrix = axes(planes[0])
    spacing = planes[0].spacing
    positions = np.array([plane.position for plane in planes])
    if spacing is None or not all(np.allclose(axes(plane), matrix, atol=1e-3) for plane in planes):
        raise SampleError(f"{name}: the frames of a segment have different directions")
    along = positions @ matrix[:, 2]
    gaps = np.diff(np.unique(np.round(along, 3)))
    # empty frames are left out of the file, so a gap is as good as the smallest one repeated
    step = float(gaps.min()) if len(gaps) else file.header.number("SpacingBetweenSlices") or geometry.spacing[2]
    places = (along - along.min()) / step
    sideways = (positions - np.outer(along, matrix[:, 2])) @ matrix[:, :2]
    if np.abs(places - np.rint(places)).max() > OFF or np.ptp(sideways, axis=0).max() > OFF * min(spacing):
        raise SampleError(f"{name}: the frames of a segment do not lie on one grid")
    slices = int(np.rint(places.max())) + 1
    require_memory(name, 8 * slices * inside[0].size)
    volume = np.zeros((slices, *inside.shape[1:]), np.uint8)
    for place, frame in zip(np.rint(places).astype(int), inside, strict=True):
        volume[place] |= frame
    own = Geometry(
        tuple(reversed(volume.shape)), (spacing[1], spacing[0], step), tuple(positions[along.argmin()].tolist()),
        tuple(matrix.ravel().tolist()),
    )  # fmt: skip
    moved = resample(Image(volume[None], own), geometry, label=True)
    found: NDArray[np.bool_] = moved.array[0] > 0
    return found
