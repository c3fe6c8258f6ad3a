"""What a key holds for each sample, as values to compare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fuse_engine.core.errors import FuseError


def values_of(value: Any, key: str) -> NDArray[Any]:
    """Return one text or number a sample (n,).

    Raises:
        FuseError: when the batch holds something else under the key.
    """
    if isinstance(value, Tensor) and value.ndim and value.numel() == len(value):
        plain = value.detach().reshape(-1).cpu()
        # numpy has no bfloat16, Parquet's readers no float16
        return (plain.double() if plain.is_floating_point() else plain).numpy()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return np.array(value, np.str_)
    shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
    raise FuseError(
        f"'{key}' does not hold one value for each sample", expected="a class, a number or a text of each sample",
        got=str(shape),
    )  # fmt: skip


def text_of(value: Any) -> str:
    """Return a value as it is written: whole numbers without a point."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
