"""Memory that batches are put together in: a fresh page costs as much as the copy into it, so it is used again."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor
from torch.utils.data import get_worker_info

_KEPT = 3
"""Batches of one size that are kept for use again: one is trained on while the next is put together."""

Empty = Callable[[tuple[int, ...], DTypeLike], tuple[Tensor, NDArray[Any]]]
"""Returns a tensor and the array over the same memory, to be filled."""


def fresh(shape: tuple[int, ...], dtype: DTypeLike) -> tuple[Tensor, NDArray[Any]]:
    """Return new memory."""
    array = np.empty(shape, dtype)
    return torch.from_numpy(array), array


class Slots:
    """Hands out memory, and takes it back when the last tensor over it is gone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: dict[tuple[int, np.dtype[Any]], list[tuple[NDArray[Any], weakref.ref[NDArray[Any]]]]] = {}

    def __reduce__(self) -> tuple[type[Slots], tuple[()]]:
        """Go to another process empty."""
        return Slots, ()

    def __call__(self, shape: tuple[int, ...], dtype: DTypeLike) -> tuple[Tensor, NDArray[Any]]:
        """Return a tensor that nobody else uses, and the array over the same memory.

        In a loader process it lies in memory that is shared with the run; beside a GPU in memory that it reads
        fastest, which torch itself keeps and waits for.
        """
        if get_worker_info() is not None:
            return _shared(shape, np.dtype(dtype))
        if torch.cuda.is_available():
            tensor = torch.empty(shape, dtype=torch.from_numpy(np.empty(0, dtype)).dtype, pin_memory=True)
            return tensor, tensor.numpy()
        return self._again(shape, np.dtype(dtype))

    def _again(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Tensor, NDArray[Any]]:
        size = math.prod(shape)
        kept = self._kept.setdefault((size, dtype), [])
        free = (place for place, (_, user) in enumerate(kept) if user() is None)
        place = next(free, len(kept))
        memory = kept[place][0] if place < len(kept) else np.empty(size, dtype)
        # the tensor's storage holds this view for as long as it lives, whoever holds the storage
        view = memory.view()
        tensor = torch.from_numpy(view)
        if place < _KEPT:
            kept[place : place + 1] = [(memory, weakref.ref(view))]
        return tensor.view(shape), view.reshape(shape)


def _shared(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Tensor, NDArray[Any]]:
    # what torch's own collate does
    storage = torch.UntypedStorage._new_shared(math.prod(shape) * dtype.itemsize)  # type: ignore[no-untyped-call]
    tensor = torch.empty(0, dtype=torch.from_numpy(np.empty(0, dtype)).dtype).set_(storage).view(shape)
    return tensor, tensor.numpy()
