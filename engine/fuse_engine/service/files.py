"""One image file, without an experiment around it."""

from __future__ import annotations

from pathlib import Path

from fuse_engine.core.reading import reading
from fuse_engine.data.image import read_image
from fuse_engine.service.pictures import Picture, picture
from fuse_engine.service.work import Work


def image(work: Work, path: str, label: bool = False) -> Picture:
    """Read an image file, as a label map where `label`.

    Raises:
        SampleError: naming the file and why it cannot be used.
    """
    with reading(Path(path)):
        return picture(read_image(Path(path), label))
