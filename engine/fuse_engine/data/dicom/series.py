"""A DICOM series, read as one volume."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fuse_engine.core.errors import SampleError, short
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.reading import reading
from fuse_engine.data.dicom.facts import Facts, facts_of, stacks
from fuse_engine.data.dicom.stack import Fault
from fuse_engine.data.dicom.volume import Part, Showing, check_parts, flat, grid_of, part_of, read_parts
from fuse_engine.data.image import Image
from fuse_engine.data.source import Row

_SHOWN = 5
_NO_IMAGES = {
    "localizer": "localizer", "seg": "segmentation", "rtstruct": "structure set", "report": "report",
    "foreign": "no DICOM",
}  # fmt: skip
"""What files are called that are no images, by their kind."""

Files = Path | Sequence[Path]
"""A folder whose image slices are one volume, or the files of one volume."""


def read_series(files: Files, showing: Showing | None = None) -> Image:
    """Read the slices of one volume: float32 (channel, z, y, x), LPS; a single slice is 2-D with its origin at 0.

    The values are the modality's (CT: HU), or 0..1 as `showing` says. Colours, and volumes that share their
    positions within one file, become channels.

    Raises:
        SampleError: with everything that keeps the files from being one volume.
    """
    parts = _parts(files)
    with reading(parts[0].header.path):
        array, geometry = read_parts(parts, showing)
    shown = flat(geometry)
    return Image(array.reshape(-1, *shown.shape), shown)


def read_series_geometry(files: Files) -> tuple[Geometry, str]:
    """Read the 3-D grid of a series from its headers, and the UID of the space it lies in.

    Raises:
        SampleError: with everything that keeps the files from being one volume.
    """
    parts = _parts(files)
    return grid_of(parts)[0], parts[0].header.text("FrameOfReferenceUID")


def check_series(files: Files) -> list[Fault]:
    """Return what is wrong with the files of a series, by their headers alone; what is blocking cannot be read."""
    found, parts = [], []
    try:
        paths = series_files(files)
    except SampleError as error:
        return [Fault(str(error))]
    for path in paths:
        try:
            with reading(path):
                parts.append(part_of(path))
        except SampleError as error:
            found.append(Fault(str(error), (path.name,)))
    return [*found, *(check_parts(parts) if parts else ())]


def named_files(row: Row, column: str) -> Files:
    """Return the files that a cell names: a folder, a file, or a JSON list of files.

    Raises:
        SampleError: for a file that is not there.
    """
    text = row.text(column)
    if text.startswith("[") and not (row.folder / text).exists():
        try:
            names = json.loads(text)
        except (ValueError, RecursionError):
            names = None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise SampleError(
                f"column '{column}' is no list of files", sample=row.id, expected='e.g. ["a/1.dcm", "a/2.dcm"]',
                got=short(text),
            )  # fmt: skip
        return [Row(row.id, row.group, row.fold, {column: name}, row.folder).path(column) for name in names]
    folder = row.folder / text
    return folder if text and "\0" not in text and folder.is_dir() else [row.path(column)]


def series_files(files: Files) -> list[Path]:
    """Return the files of one volume; in a folder, those of its only stack of image slices.

    Localizers, reports and what is no DICOM are left out of a folder; what is broken is not.

    Raises:
        SampleError: when a folder holds no images or several stacks.
    """
    if not isinstance(files, Path):
        return list(files)
    facts = []
    for path in sorted(path for path in files.iterdir() if path.is_file() and not path.name.startswith(".")):
        with reading(path):
            facts.append(facts_of(path, path.name))
    found = stacks([fact for fact in facts if fact.kind == "image"])
    if len(found) != 1:
        raise SampleError(
            f"the folder {files.name} holds {len(found)} stacks of images", got=_instead(facts, found),
            expected="one, or the files of one as a list (the source DicomTree writes such lists)", check="series",
        )  # fmt: skip
    broken = [fact.file for fact in facts if fact.kind == "broken"]
    return [files / name for name in sorted([*(fact.file for fact in found[0]), *broken])]


def _instead(facts: Sequence[Facts], found: Sequence[Sequence[Facts]]) -> str:
    """Return what lies in a folder in place of one stack of images."""
    if not found:
        trouble = next((fact.trouble for fact in facts if fact.kind == "broken"), "")
        counts = Counter(_NO_IMAGES.get(fact.kind) or fact.trouble for fact in facts)
        return trouble or ", ".join(f"{count} x {what}" for what, count in counts.items()) or "no file"
    lost = sum(not (stack[0].position and stack[0].orientation) for stack in found)
    if lost > 1:
        return f"{lost} images without a place (ImagePositionPatient, ImageOrientationPatient)"
    return ", ".join(f"{len(stack)} slices from {stack[0].file}" for stack in found[:_SHOWN])


def _parts(files: Files) -> list[Part]:
    parts = []
    for path in series_files(files):
        with reading(path):
            parts.append(part_of(path))
    if not parts:
        raise SampleError("a series has at least one file")
    return parts
