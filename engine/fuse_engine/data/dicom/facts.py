"""What a scan has to know of one file: what it is, where it belongs, where its slice lies."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset

from fuse_engine.core.errors import SampleError
from fuse_engine.data.dicom.frames import orientation_of, position_of, spacing_of
from fuse_engine.data.dicom.header import Beginning, Foreign, Header, read_header, tags_of, uid_name
from fuse_engine.data.dicom.layout import LAYOUT_TAGS, Layout, check_pixels, layout_of
from fuse_engine.data.dicom.nested import broken, read_nested
from fuse_engine.data.dicom.stack import Plane, axes, crooked

SPLITS = (
    "EchoNumbers", "TemporalPositionIdentifier", "DiffusionBValue", "ImageType", "AcquisitionNumber",
    "TriggerTime",
)  # fmt: skip
"""What tells stacks of one series apart that lie at the same place, in the order in which it is tried."""

_KEYWORDS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "Modality",
    "SeriesDescription", "PatientID", "IssuerOfPatientID", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "RescaleSlope", "RescaleIntercept",
    *SPLITS,
)  # fmt: skip
_TAGS = tags_of(_KEYWORDS) | LAYOUT_TAGS
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_TURNED = 0.02
"""Difference of direction cosines that makes another stack."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One file of a tree; all is text, as the scan's cache keeps it."""

    file: str
    """Path from the folder that was scanned."""
    kind: str
    """image, localizer, seg, rtstruct, report, other, foreign (no DICOM) or broken."""
    trouble: str = ""
    """Why it is broken or cut off; the name of its SOP class for `other`."""
    sop: str = ""
    series: str = ""
    study: str = ""
    patient: str = ""
    modality: str = ""
    description: str = ""
    space: str = ""
    """FrameOfReferenceUID."""
    size: str = ""
    """Rows, columns, frames."""
    spacing: str = ""
    position: str = ""
    orientation: str = ""
    rescale: str = ""
    splits: str = ""
    references: str = ""
    """Series that a segmentation or a structure set is drawn on, and one image of it."""
    tags: str = ""
    """Values of the columns that were asked for."""

    def plane(self) -> Plane:
        """Return where the slice lies."""
        rows, columns, _ = _numbers(self.size)
        spacing, position = _numbers(self.spacing), _numbers(self.position)
        rescale = _numbers(self.rescale)
        return Plane(
            Path(self.file).name, self.sop, (int(rows), int(columns)),
            (spacing[0], spacing[1]) if spacing else None,
            (position[0], position[1], position[2]) if position else None,
            tuple(_numbers(self.orientation)) or None, (rescale[0], rescale[1]),
        )  # fmt: skip

    @property
    def frames(self) -> int:
        """Number of frames in the file."""
        return int(_numbers(self.size)[2]) if self.size else 0


def facts_of(
    path: Path,
    file: str,
    keywords: Sequence[str] = (),
    patient_id: bool = False,
    beginning: Beginning | None = None,
) -> Facts:
    """Return the facts of one file; the caller surrounds it with `reading`."""
    try:
        header = read_header(path, _TAGS | tags_of(keywords), beginning)
    except Foreign:
        return Facts(file, "foreign")
    except SampleError as error:
        return Facts(file, "broken", str(error))
    texts = {
        "sop": header.text("SOPInstanceUID"), "series": header.text("SeriesInstanceUID"),
        "study": header.text("StudyInstanceUID"), "patient": _patient(header, patient_id),
        "modality": header.text("Modality"), "description": header.text("SeriesDescription"),
        "space": header.text("FrameOfReferenceUID"),
        "tags": "\x1f".join(header.text(keyword).replace("\x1f", " ") for keyword in keywords),
    }  # fmt: skip
    try:
        return Facts(file, **_kind(header), **texts)
    except SampleError as error:
        return Facts(file, "broken", str(error), **texts)


def short_hash(*parts: str) -> str:
    """Return 12 hexadecimal digits that stand for a text."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


def stacks(images: Sequence[Facts]) -> list[list[Facts]]:
    """Divide images into stacks that can each be a volume.

    A stack has one series, size and direction; slices at the same places are told apart by `SPLITS`. Files with
    several frames, and images without a place, stand alone.
    """
    alone = [[facts] for facts in images if facts.frames != 1 or not (facts.position and facts.orientation)]
    groups: dict[tuple[str, str], list[list[Facts]]] = {}
    for facts in images:
        if facts.frames == 1 and facts.position and facts.orientation:
            _put(facts, groups.setdefault((facts.series, facts.size), []))
    parts = [part for found in groups.values() for group in found for part in _apart(group)]
    return sorted([*alone, *parts], key=lambda stack: stack[0].file)


def _put(facts: Facts, groups: list[list[Facts]]) -> None:
    """Add a slice to the group of its direction."""
    turned = np.asarray(_numbers(facts.orientation))
    for group in groups:
        if group[0].orientation == facts.orientation:
            break
        if np.abs(np.asarray(_numbers(group[0].orientation)) - turned).max() < _TURNED:
            break
    else:
        groups.append([])
        group = groups[-1]
    group.append(facts)


def _apart(group: list[Facts], first: int = 0) -> list[list[Facts]]:
    """Divide a group whose slices lie at the same places by the first attribute that can tell them apart."""
    most = _most(group)
    for number in range(first, len(SPLITS) if most > 1 else 0):
        parts: dict[str, list[Facts]] = {}
        for facts in group:
            parts.setdefault(facts.splits.split("\x1f")[number], []).append(facts)
        # more values than slices at one place: the attribute counts slices, not stacks
        if 1 < len(parts) <= most:
            return [part for found in parts.values() for part in _apart(found, number + 1)]
    return [group]


def _most(group: Sequence[Facts]) -> int:
    """Return how many slices lie at the place that has most."""
    if crooked([group[0].plane()]):
        return 1
    normal = axes(group[0].plane())[:, 2]
    along = np.array([_numbers(facts.position) for facts in group]) @ normal
    return max(Counter(np.round(along, 3).tolist()).values())


def _kind(header: Header) -> dict[str, str]:
    """Return what kind of file it is, with what only that kind has."""
    sop_class = header.text("SOPClassUID")
    if sop_class in _SEGMENTATIONS:
        return {"kind": "seg", "references": _referenced(header, _series_of_segmentation)}
    if sop_class == _STRUCTURES:
        return {"kind": "rtstruct", "references": _referenced(header, _series_of_structures)}
    if sop_class.startswith(_REPORTS):
        return {"kind": "report"}
    if header.pixels is None or not header.count("Rows"):
        name = uid_name(sop_class)
        return {"kind": "other", "trouble": name if name != sop_class else "no image"}
    layout = layout_of(header)
    localizer = "LOCALIZER" in header.text("ImageType").upper()
    numbers = {
        "spacing": spacing_of(header), "position": position_of(header), "orientation": orientation_of(header),
        "rescale": (header.number("RescaleSlope", 1.0), header.number("RescaleIntercept", 0.0)),
        "size": (layout.rows, layout.columns, layout.frames),
    }  # fmt: skip
    return {
        "kind": "localizer" if localizer else "image",
        "trouble": _cut(header, layout),
        "splits": "\x1f".join(header.text(keyword) for keyword in SPLITS),
        **{name: "\\".join(map(repr, found or ())) for name, found in numbers.items()},
    }


def _cut(header: Header, layout: Layout) -> str:
    try:
        check_pixels(header, layout)
    except SampleError as error:
        return str(error)
    return ""


def _patient(header: Header, patient_id: bool) -> str:
    """Return the PatientID, or what stands for it; for a file without one, what stands for its study."""
    name = header.text("PatientID")
    if not name:
        return short_hash("study", header.text("StudyInstanceUID"))
    return name if patient_id else short_hash(name, header.text("IssuerOfPatientID"))


def _referenced(header: Header, find: Callable[[Dataset], Dataset | None]) -> str:
    nested = read_nested(header.path, ("ReferencedSeriesSequence", "ReferencedFrameOfReferenceSequence"))
    with broken(header.path):
        series = find(nested)
        if series is None:
            return ""
        images = series.get("ReferencedInstanceSequence") or series.get("ContourImageSequence") or ()
        first = next((str(image.get("ReferencedSOPInstanceUID", "")) for image in images), "")
        return f"{series.get('SeriesInstanceUID', '')}\\{first}"


def _series_of_segmentation(nested: Dataset) -> Dataset | None:
    return next(iter(nested.get("ReferencedSeriesSequence") or ()), None)


def _series_of_structures(nested: Dataset) -> Dataset | None:
    for space in nested.get("ReferencedFrameOfReferenceSequence") or ():
        for study in space.get("RTReferencedStudySequence") or ():
            for series in study.get("RTReferencedSeriesSequence") or ():
                found: Dataset = series
                return found
    return None


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split("\\")] if text else []
