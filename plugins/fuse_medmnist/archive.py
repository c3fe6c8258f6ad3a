"""The arrays inside a MedMNIST `.npz`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data.arrays import read_member

PARTS = ("train", "val", "test")


def read_array(path: Path, name: str) -> NDArray[Any]:
    """Return one array of the file, e.g. `train_images` (n, y, x[, 3]) or (n, z, y, x); not to be changed.

    Raises:
        FuseError: for a missing or damaged file, or an array that is not there.
    """
    if not path.is_file():
        raise FuseError(
            f"there is no file {path.name} in {path.parent}",
            expected=f"a MedMNIST .npz; `fuse-gui medmnist {path.stem}` downloads and checks the published one",
        )
    try:
        return read_member(path, name)
    except SampleError as error:
        raise FuseError(f"{path.name} is damaged or no MedMNIST file", got=str(error)) from None
