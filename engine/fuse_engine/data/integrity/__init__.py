"""Finds image files that are damaged although the reader would accept them.

ITK fills what is missing of a truncated NIfTI or JPEG file with zeros, leaves out the slices that a truncated
TIFF lost, turns NaN voxels of NIfTI into 0, keeps what it could unpack of a damaged compressed MetaImage, takes
the absolute value of a negative spacing, chooses between a NIfTI file's two places by rules of its own, and
follows a header to any file on the disk, all without a word. Here each of these is refused.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fuse_engine.core.errors import SampleError
from fuse_engine.data.integrity.content import check_content
from fuse_engine.data.integrity.detached import data_file
from fuse_engine.data.integrity.dicom import check_dicom
from fuse_engine.data.integrity.grid import check_grid
from fuse_engine.data.integrity.metaimage import check_metaimage
from fuse_engine.data.integrity.naming import ENDINGS, check_name, ending
from fuse_engine.data.integrity.nifti import check_nifti
from fuse_engine.data.integrity.nrrd import check_nrrd
from fuse_engine.data.integrity.pictures import check_jpeg, check_tiff

__all__ = ["ENDINGS", "check_file", "check_grid", "check_name", "data_file", "ending"]

_CHECKS = {
    ".nii": check_nifti, ".nii.gz": check_nifti, ".jpg": check_jpeg, ".jpeg": check_jpeg, ".tif": check_tiff,
    ".tiff": check_tiff, ".dcm": check_dicom, ".mha": check_metaimage, ".mhd": check_metaimage,
    ".nrrd": check_nrrd, ".nhdr": check_nrrd,
}  # fmt: skip
"""What looks at a file, by its ending; the pixels of a PNG file carry checksums that ITK compares."""


def check_file(path: Path) -> None:
    """Check that an image file holds everything that its header says.

    Raises:
        SampleError: naming the file and what is wrong with it.
    """
    check_name(path)
    status = path.stat()
    _check(path, status.st_size, (status.st_mtime_ns, status.st_ctime_ns, status.st_ino))


@lru_cache(maxsize=1 << 16)
def _check(path: Path, size: int, version: tuple[int, ...]) -> None:
    """Check a file once; `version` only tells it from what stood there before."""
    kind = ending(path)
    if not size:
        raise SampleError(f"{path.name} is empty", check="unreadable")
    check_content(path, kind)
    if kind in _CHECKS:
        _CHECKS[kind](path)
