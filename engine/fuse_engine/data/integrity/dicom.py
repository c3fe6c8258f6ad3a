"""Single DICOM files; a series of them is checked as one volume in `data.dicom`."""

from __future__ import annotations

from pathlib import Path

from fuse_engine.data.dicom.header import read_header
from fuse_engine.data.dicom.layout import LAYOUT_TAGS, layout_of
from fuse_engine.data.dicom.pixels import check_stored


def check_dicom(path: Path) -> None:
    """Check that a DICOM file holds an image, and all of the pixels that its header says.

    Raises:
        SampleError: naming the file.
    """
    header = read_header(path, LAYOUT_TAGS)
    check_stored(header, layout_of(header))
