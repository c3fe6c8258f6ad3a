"""The arrays inside a MedMNIST `.npz`."""

from __future__ import annotations

import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError

PARTS = ("train", "val", "test")


def read_array(path: Path, name: str) -> NDArray[Any]:
    """Return one array of the file, e.g. `train_images` (n, y, x[, 3]) or (n, z, y, x); kept in memory.

    Raises:
        FuseError: for a missing or damaged file, or an array that is not there.
    """
    if not path.is_file():
        raise FuseError(
            f"there is no file {path.name} in {path.parent}",
            expected=f"a MedMNIST .npz; `fuse-gui medmnist {path.stem}` downloads and checks the published one",
        )
    info = path.stat()
    return _read(path, name, info.st_mtime_ns, info.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, name: str, mtime: int, size: int) -> NDArray[Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if name not in archive.files:
                raise FuseError(f"{path.name} has no array '{name}'", expected=", ".join(archive.files))
            array: NDArray[Any] = archive[name]
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise FuseError(f"{path.name} is damaged or no .npz file", got=str(error)) from None
    array.setflags(write=False)
    return array
