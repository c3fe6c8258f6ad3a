"""What the header of a DICOM file says about each of its frames: place, and how to read its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import Dataset

from fuse_engine.core.errors import SampleError
from fuse_engine.data.dicom.header import Header, tags_of
from fuse_engine.data.dicom.layout import LAYOUT_TAGS, Layout, layout_of
from fuse_engine.data.dicom.lut import Table, Voi, table_of, windows
from fuse_engine.data.dicom.nested import broken, read_nested
from fuse_engine.data.dicom.stack import Plane

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_PLACES = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "ImageType",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "SpacingBetweenSlices", "GridFrameOffsetVector", "DoseGridScaling", "DetectorInformationSequence", *_GROUPS,
)  # fmt: skip
_VALUES = (
    "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "WindowWidth",
    "VOILUTFunction", "PixelPaddingValue", "PixelPaddingRangeLimit",
)  # fmt: skip
READ_TAGS = LAYOUT_TAGS | tags_of((*_PLACES, *_VALUES))
"""What has to be known of a file to read it."""


@dataclass(frozen=True)
class Frame:
    """One frame: where it lies and what its numbers mean."""

    plane: Plane
    table: Table | None = None
    """Modality LUT in place of slope and intercept."""
    vois: tuple[Voi, ...] = ()
    """What the header offers for showing it: tables first."""


def frames_of(header: Header) -> tuple[Layout, list[Frame]]:
    """Return the layout of a file and its frames in the order they are stored.

    Raises:
        SampleError: naming the file and what cannot be read.
    """
    layout = layout_of(header)
    if any(group in header for group in _GROUPS):
        return layout, list(_enhanced(header, layout))
    frame = Frame(_plane(header, layout), *_luts(header))
    if layout.frames == 1:
        return layout, [frame]
    positions = _grid(header) or _tomographic(header, layout)
    if len(positions) not in (0, layout.frames):
        raise SampleError(
            f"{header.path.name} places another number of frames than it has", expected=str(layout.frames),
            got=str(len(positions)),
        )  # fmt: skip
    return layout, [
        _moved(frame, number, positions[number] if positions else None) for number in range(layout.frames)
    ]


def _plane(header: Header, layout: Layout) -> Plane:
    scaling = header.number("DoseGridScaling")
    slope, intercept = header.number("RescaleSlope", 1.0), header.number("RescaleIntercept", 0.0)
    return Plane(
        header.path.name, header.text("SOPInstanceUID"), (layout.rows, layout.columns), spacing_of(header),
        position_of(header), orientation_of(header),
        (slope or 0.0, intercept or 0.0) if scaling is None else (scaling, 0.0),
    )  # fmt: skip


def spacing_of(header: Header) -> tuple[float, float] | None:
    """Return mm between pixels along (y, x), in the patient where the header knows, else at the detector."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = header.floats(keyword)
        if len(found) == 2 and min(found) > 0:
            return found[0], found[1]
    return None


def position_of(header: Header) -> tuple[float, float, float] | None:
    """Return where the first pixel lies, LPS mm."""
    found = header.floats("ImagePositionPatient")
    return (found[0], found[1], found[2]) if len(found) == 3 else None


def orientation_of(header: Header) -> tuple[float, ...] | None:
    """Return the directions of rows and columns."""
    found = header.floats("ImageOrientationPatient")
    return found if len(found) == 6 else None


def _luts(header: Header) -> tuple[Table | None, tuple[Voi, ...]]:
    table, tables = None, []
    if "ModalityLUTSequence" in header or "VOILUTSequence" in header:
        nested = read_nested(header.path, ("ModalityLUTSequence", "VOILUTSequence", "PixelRepresentation"))
        with broken(header.path):
            table = next((table_of(item, header.order) for item in nested.get("ModalityLUTSequence") or ()), None)
            tables = [table_of(item, header.order) for item in nested.get("VOILUTSequence") or ()]
    found = windows(header.floats("WindowCenter"), header.floats("WindowWidth"), header.text("VOILUTFunction"))
    return table, (*tables, *found)


def _moved(frame: Frame, number: int, position: tuple[float, float, float] | None) -> Frame:
    old = frame.plane
    plane = Plane(
        f"{old.name} frame {number + 1}", f"{old.sop}#{number}", old.size, old.spacing, position, old.orientation,
        old.rescale,
    )  # fmt: skip
    return Frame(plane, frame.table, frame.vois)


def _grid(header: Header) -> list[tuple[float, float, float]]:
    """Return where the planes of a dose lie; C.8.8.3.2."""
    offsets = np.array(header.floats("GridFrameOffsetVector"))
    position, orientation = position_of(header), orientation_of(header)
    if not len(offsets) or position is None or orientation is None:
        return []
    normal = np.cross(orientation[:3], orientation[3:])
    if offsets[0]:
        offsets = offsets - position[2] if abs(normal[2]) > 0.99 else offsets - offsets[0]
        normal = normal * np.sign(normal[2]) if abs(normal[2]) > 0.99 else normal
    return [_triple(np.asarray(position) + offset * normal) for offset in offsets]


def _tomographic(header: Header, layout: Layout) -> list[tuple[float, float, float]]:
    """Return where the slices of a nuclear medicine volume lie; C.8.4.15."""
    step = header.number("SpacingBetweenSlices")
    if "DetectorInformationSequence" not in header or "RECON TOMO" not in header.text("ImageType") or not step:
        return []
    nested = read_nested(header.path, ("DetectorInformationSequence",))
    with broken(header.path):
        item = nested.DetectorInformationSequence[0]
        first = np.asarray(item.ImagePositionPatient, float)
        rows, columns = np.reshape(np.asarray(item.ImageOrientationPatient, float), (2, 3))
    return [_triple(first + number * step * np.cross(rows, columns)) for number in range(layout.frames)]


def _enhanced(header: Header, layout: Layout) -> Iterator[Frame]:
    """Yield the frames that functional groups describe: each for itself, or all together; C.7.6.16."""
    nested = read_nested(header.path, (*_GROUPS, "PixelRepresentation"))
    with broken(header.path):
        shared = next(iter(nested.get("SharedFunctionalGroupsSequence") or ()), Dataset())
        each = list(nested.get("PerFrameFunctionalGroupsSequence") or ())
        if len(each) != layout.frames:
            raise SampleError(
                f"{header.path.name} describes another number of frames than it has", expected=str(layout.frames),
                got=str(len(each)),
            )  # fmt: skip
        for number, own in enumerate(each):
            yield _described(header, layout, number, (own, shared))


def _described(header: Header, layout: Layout, number: int, groups: Sequence[Dataset]) -> Frame:
    transform = group(groups, "PixelValueTransformationSequence")
    shown = group(groups, "FrameVOILUTSequence")
    spacing = _floats(group(groups, "PixelMeasuresSequence"), "PixelSpacing")
    position = _floats(group(groups, "PlanePositionSequence"), "ImagePositionPatient")
    orientation = _floats(group(groups, "PlaneOrientationSequence"), "ImageOrientationPatient")
    slope = next(iter(_floats(transform, "RescaleSlope")), 1.0)
    intercept = next(iter(_floats(transform, "RescaleIntercept")), 0.0)
    plane = Plane(
        f"{header.path.name} frame {number + 1}", f"{header.text('SOPInstanceUID')}#{number}",
        (layout.rows, layout.columns), (spacing[0], spacing[1]) if len(spacing) == 2 else spacing_of(header),
        _triple(position) if len(position) == 3 else None, orientation if len(orientation) == 6 else None,
        (slope, intercept),
    )  # fmt: skip
    centers, widths = _floats(shown, "WindowCenter"), _floats(shown, "WindowWidth")
    return Frame(plane, None, tuple(windows(centers, widths, str(shown.get("VOILUTFunction") or ""))))


def group(groups: Sequence[Dataset], keyword: str) -> Dataset:
    """Return the first item of a functional group: the frame's own, else the shared one, else an empty one."""
    for found in groups:
        items = found.get(keyword)
        if items:
            item: Dataset = items[0]
            return item
    return Dataset()


def _floats(item: Dataset, keyword: str) -> tuple[float, ...]:
    value = item.get(keyword)
    if value is None or value == "":
        return ()
    found = tuple(map(float, np.atleast_1d(np.asarray(value, float)).tolist()))
    if not np.isfinite(found).all():
        raise ValueError(f"{keyword} is not finite")
    return found


def _triple(found: Any) -> tuple[float, float, float]:
    return float(found[0]), float(found[1]), float(found[2])
