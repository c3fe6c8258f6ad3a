"""Small pictures of a sample: its three middle planes as a radiologist looks at them, kept on disk."""

from __future__ import annotations

import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from fuse_engine.core.errors import SampleError
from fuse_engine.core.files import cache_dir
from fuse_engine.data.doctor.look import reading_steps
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Pipeline
from fuse_engine.data.source import Row

PERCENTILES = (1.0, 99.0)
"""Share of the pixels below which all is black, and above which all is white."""
DRAWN = 65_536
"""Pixels that the percentiles are taken from."""
_LIMIT = 100_000
"""Thumbnails that are kept, about 10 kB each."""
_PATIENCE = 5.0
"""Seconds to wait for another process that writes."""
_log = logging.getLogger(__name__)


def pictured(pipelines: Mapping[str, Pipeline], row: Row) -> Pipeline:
    """Return the steps that read the image a sample is shown by: the first input that comes from a file.

    Raises:
        SampleError: when there is none, or when a step cannot say what it reads.
    """
    for key, pipeline in pipelines.items():
        if key.startswith("data.input.") and pipeline.reads_files(row):
            return reading_steps(pipeline, row)
    raise SampleError("no input of this sample comes from an image file", sample=row.id)


def thumbnail(steps: Pipeline, row: Row, size: int) -> NDArray[np.uint8]:
    """Return the middle planes (plane, size, size) of the image that `steps` read, black to white.

    A volume has three: axial, coronal, sagittal, the patient's right and front at the left, the head above; a 2-D
    image has one. Pixels are square in mm, what is beside the image is black.

    Raises:
        SampleError: naming the file and why it cannot be used.
    """
    image = steps.run(row)
    if not isinstance(image, Image):
        raise SampleError("the first input of this sample is no image", sample=row.id)
    planes = list(_planes(image))
    low, high = _window(planes)
    return np.stack([_fitted((plane - low) / (high - low), spacing, size) for plane, spacing in planes])


class Thumbnails:
    """Thumbnails by the fingerprint of the steps that read the file: its name, size, times, inode, and our code.

    A context: what is new is written when it is left. Keys are digests and pictures hold no text. Where the disk
    does not play along, everything works without it.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Take the file; by default in the user's cache folder."""
        self._path = path or cache_dir() / "thumbnails.sqlite"
        self._new: dict[str, bytes] = {}
        self._base: sqlite3.Connection | None = None

    @contextmanager
    def opened(self) -> Iterator[Thumbnails]:
        """Open what is kept, and write what is new at the end."""
        try:
            self._base = sqlite3.connect(self._path, timeout=_PATIENCE)
            self._base.execute("CREATE TABLE IF NOT EXISTS thumbnails (fingerprint TEXT PRIMARY KEY, planes BLOB)")
        except sqlite3.Error as error:
            self._give_up(error)
        try:
            yield self
        finally:
            self._write()

    def get(self, fingerprint: str, size: int, make: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return a thumbnail (plane, size, size) that is kept, or make one."""
        key = f"{fingerprint}-{size}"
        planes = self._read(key, size)
        if planes is None:
            planes = make()
            self._new[key] = zlib.compress(planes.tobytes(), 1)
        return planes

    def _read(self, key: str, size: int) -> NDArray[np.uint8] | None:
        if self._base is None:
            return None
        try:
            found = self._base.execute("SELECT planes FROM thumbnails WHERE fingerprint = ?", (key,)).fetchone()
            return None if found is None else _unpacked(found[0], size)
        except sqlite3.Error as error:
            self._give_up(error)
        except (zlib.error, TypeError, ValueError):
            _log.warning("a thumbnail in %s is damaged and made anew", self._path)
        return None

    def _write(self) -> None:
        rows, self._new = list(self._new.items()), {}
        if self._base is None:
            return
        try:
            with self._base as base:
                base.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", rows)
                if rows:
                    base.execute(
                        "DELETE FROM thumbnails WHERE rowid <= (SELECT max(rowid) FROM thumbnails) - ?", (_LIMIT,)
                    )
        except sqlite3.Error as error:
            self._give_up(error)
        else:
            self._base.close()
            self._base = None

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without; a file that is damaged makes way for a new one."""
        _log.warning("thumbnails are not kept in %s: %s", self._path, error)
        if self._base is not None:
            self._base.close()
            self._base = None
        if not isinstance(error, sqlite3.OperationalError):  # that is a lock, a full or a read-only disk
            self._path.unlink(missing_ok=True)


def _unpacked(packed: bytes, size: int) -> NDArray[np.uint8]:
    plane = size * size
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(packed, 3 * plane + 1)  # a damaged file cannot fill the memory
    if len(raw) not in (plane, 3 * plane):
        raise ValueError("not a thumbnail of this size")
    return np.frombuffer(raw, np.uint8).reshape(-1, size, size)


def _planes(image: Image) -> Iterator[tuple[NDArray[Any], tuple[float, float]]]:
    """Yield the middle planes (y, x) of a volume, or the one of a 2-D image, each with its mm a pixel (y, x)."""
    array, spacing = _canonical(image)
    if array.ndim == 3:
        yield array.mean(0, dtype=np.float32), (spacing[0], spacing[1])
        return
    z, y, x = (size // 2 for size in array.shape[1:])
    yield array[:, z].mean(0, dtype=np.float32), (spacing[1], spacing[2])
    yield array[:, ::-1, y].mean(0, dtype=np.float32), (spacing[0], spacing[2])
    yield array[:, ::-1, :, x].mean(0, dtype=np.float32), (spacing[0], spacing[1])


def _canonical(image: Image) -> tuple[NDArray[Any], tuple[float, ...]]:
    """Return a view whose axes run to the patient's left, back and head, as near as they can, and its spacing."""
    geometry = image.geometry
    matrix, dims = geometry.matrix, geometry.dims
    axes = max(
        permutations(range(dims)), key=lambda p: sum(abs(matrix[place, axis]) for place, axis in enumerate(p))
    )
    back = [place for place in range(dims) if matrix[place, axes[place]] < 0]
    # axis a of the grid (x, y, z) is axis dims - a of the array (channel, z, y, x)
    turned = image.array.transpose(0, *(dims - axes[place] for place in reversed(range(dims))))
    flipped = np.flip(turned, tuple(dims - place for place in back))
    return flipped, tuple(geometry.spacing[axes[place]] for place in reversed(range(dims)))


def _window(planes: list[tuple[NDArray[Any], tuple[float, float]]]) -> tuple[float, float]:
    """Return the values drawn black and white."""
    pixels = np.concatenate([plane.ravel()[:: plane.size // DRAWN + 1] for plane, _ in planes])
    low, high = np.percentile(pixels, PERCENTILES)
    if high <= low:  # hardly anything but background
        low, high = float(pixels.min()), float(pixels.max())
    return float(low), float(high) if high > low else float(low) + 1.0


def _fitted(plane: NDArray[Any], spacing: tuple[float, float], size: int) -> NDArray[np.uint8]:
    """Return a plane (y, x) from 0 to 1 as large as fits into (size, size), with square pixels, in the middle."""
    extent = np.array(plane.shape) * spacing
    fits = np.maximum(np.rint(extent / extent.max() * size), 1).astype(int)
    tensor = torch.from_numpy(np.ascontiguousarray(plane, np.float32))[None, None]
    small = functional.interpolate(tensor, size=tuple(fits.tolist()), mode="bilinear", antialias=True)[0, 0]
    result = np.zeros((size, size), np.uint8)
    top, left = (size - fits) // 2
    result[top : top + fits[0], left : left + fits[1]] = (small.clamp(0, 1) * 255).round().numpy()
    return result
