"""Whether a file is of the kind that its name says."""

from __future__ import annotations

from pathlib import Path

from fuse_engine.core.errors import SampleError

_MARKS: tuple[tuple[int, bytes, str, tuple[str, ...]], ...] = (
    (0, b"\x89PNG", "a PNG file", (".png",)),
    (0, b"\xff\xd8\xff", "a JPEG file", (".jpg", ".jpeg")),
    (0, b"II*\0", "a TIFF file", (".tif", ".tiff")),
    (0, b"MM\0*", "a TIFF file", (".tif", ".tiff")),
    (0, b"\x1f\x8b", "a gzip file", (".nii.gz",)),
    (0, b"NRRD", "an NRRD file", (".nrrd", ".nhdr")),
    (128, b"DICM", "a DICOM file", (".dcm",)),
    (344, b"n+1\0", "a NIfTI file", (".nii",)),
    (0, b"PK\3\4", "a zip archive", ()),
    (0, b"%PDF", "a PDF document", ()),
    (0, b"<!DOCTYPE", "a web page", ()),
    (0, b"<html", "a web page", ()),
)
"""Where a mark stands, the mark, what it means, and the endings that go with it."""


def check_content(path: Path, kind: str) -> None:
    """Refuse a file whose first bytes are those of another kind than its ending says.

    Raises:
        SampleError: naming the file and what it seems to be.
    """
    with path.open("rb") as file:
        head = file.read(512)
    # two bytes can stand there by chance; where the own mark is there too, the name is right
    found = [(words, kinds) for place, mark, words, kinds in _MARKS if head[place : place + len(mark)] == mark]
    if found and not any(kind in kinds for _, kinds in found):
        words, kinds = found[0]
        raise SampleError(
            f"{path.name} is {words} by its content", got=f"a name that ends in {kind}",
            expected=f"a name that ends in {' or '.join(kinds)}" if kinds else "an image",
        )  # fmt: skip
