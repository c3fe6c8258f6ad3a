"""The image of a MedMNIST sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data import Image, Processor, Row, Value
from fuse_medmnist.archive import read_array


@register
class MedMNISTImage(Processor):
    """Reads the image of a MedMNIST row: (1 or 3, y, x) or (1, z, y, x), float32, 0 to 255, pixels of 1 mm."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the image.

        Raises:
            SampleError: when the row does not come from a `MedMNIST` source or the file has changed.
        """
        images = read_array(row.path("file"), f"{row.text('part')}_images")
        index = int(row.text("index"))
        if index >= len(images):
            raise SampleError(
                f"image {index} is not in the file", sample=row.id, expected=f"at most {len(images) - 1}"
            )
        pixels = images[index].astype(np.float32)
        colour = pixels.ndim == 3 and pixels.shape[-1] == 3
        array = np.moveaxis(pixels, -1, 0) if colour else pixels[np.newaxis]
        return Image(np.ascontiguousarray(array), Geometry.plain(array.shape[1:]))

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Name the file and the position in it."""
        return {"file": row.path("file"), "part": row.text("part"), "index": row.text("index")}
