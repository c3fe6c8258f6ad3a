"""Which files can be read, by their names."""

from __future__ import annotations

import os
from pathlib import Path

from fuse_engine.core.errors import SampleError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
"""Endings of the files that can be read."""


def ending(path: Path) -> str:
    """Return the ending of a file name that tells the format.

    Raises:
        SampleError: for a format that cannot be read.
    """
    name = path.name.lower()
    found = max((item for item in ENDINGS if name.endswith(item)), key=len, default="")
    if not found:
        raise SampleError(f"cannot read {path.name}", expected=f"a file that ends in {', '.join(ENDINGS)}")
    return found


def check_name(path: Path) -> None:
    """Refuse a file name that is not UTF-8.

    Raises:
        SampleError: naming the file as far as it can be written.
    """
    # ITK aborts the whole process on such a name
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path.name).decode("utf-8", "backslashreplace")
        raise SampleError(f"the name of file '{shown}' is not UTF-8", expected="a renamed file") from None
