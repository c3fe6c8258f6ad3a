"""Turns samples into tensors and several of them into a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import geometry_key
from fuse_engine.data.image import Image
from fuse_engine.data.slots import Empty, fresh

_DTYPES: dict[Any, np.dtype[Any]] = {
    kind(name): np.dtype(kept)
    for kind in (np.dtype, partial(getattr, torch))
    for name, kept in {
        "float16": "float32", "float32": "float32", "float64": "float32", "bool": "uint8", "uint8": "uint8",
        "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64", "uint16": "int32", "uint32": "int64",
        "uint64": "int64",
    }.items()
}  # fmt: skip
"""What the numbers of a batch are kept as until they are on the device that computes."""


def to_tensors(sample: Mapping[str, Any]) -> NestedDict:
    """Return the sample with tensors in the place of its values.

    Images become float32 (channel, [z,] y, x), label maps int64, vectors float32, classes and numbers scalars; the
    geometry of `data.input.image` is kept under `data.geometry.input.image`. The tensors are the caller's own.

    Raises:
        SampleError: where grids do not fit, as from here on only the order of the pixels counts: for a label map
            that covers the patient as no input does, and for an input volume unlike the first one.
    """
    return NestedDict({key: to_tensor(value) for key, value in to_leaves(sample).items()})


def to_leaves(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sample with arrays in the place of images, which are still the cache's and must not be changed.

    Geometries are kept as `to_tensors` does.

    Raises:
        SampleError: where grids do not fit, see `to_tensors`.
    """
    found: dict[str, Any] = {}
    grids: dict[str, Geometry] = {}
    for key, value in sample.items():
        if isinstance(value, Image):
            found[key], grids[key] = value.array, value.geometry
            found[geometry_key(key)] = value.geometry
        else:
            found[key] = value
    _refuse_apart(grids, str(sample["data.id"]))
    return found


def collate(samples: Sequence[Mapping[str, Any]], empty: Empty = fresh) -> NestedDict:
    """Return one batch: tensors (b, ...), and lists of everything else; `empty` makes what tensors are put into.

    Of arrays, floats become float32 and whole numbers keep the type they are stored in; single numbers become
    int64 or float32.

    Raises:
        SampleError: for tensors of different shapes, or a key that some samples lack.
    """
    batch = NestedDict()
    first, *others = samples
    alike = all(sample.keys() == first.keys() for sample in others)
    for key in first if alike else dict.fromkeys(key for sample in samples for key in sample):
        values = [sample[key] for sample in samples] if alike else [_value(sample, key) for sample in samples]
        if isinstance(values[0], (np.ndarray, Tensor)):
            shape = values[0].shape
            if any(value.shape != shape for value in values):
                raise _unequal(key, samples)
            batch[key] = _filled(values, empty)
        elif isinstance(values[0], int | float):
            whole = all(isinstance(value, int) for value in values)
            batch[key] = torch.tensor(values, dtype=torch.int64 if whole else torch.float32)
        else:
            batch[key] = values
    return batch


def _filled(values: Sequence[NDArray[Any] | Tensor], empty: Empty) -> Tensor:
    """Return arrays and tensors of one shape as one tensor, each copied once."""
    dtypes = {value.dtype for value in values}
    if not dtypes <= _DTYPES.keys():
        return torch.stack([torch.as_tensor(value) for value in values])
    dtype = np.result_type(*(_DTYPES[dtype] for dtype in dtypes))
    tensor, array = empty((len(values), *values[0].shape), dtype)
    for index, value in enumerate(values):
        if isinstance(value, Tensor):
            tensor[index].copy_(value.detach())
        else:
            array[index] = value
    return tensor


def to_tensor(value: Any) -> Any:
    """Return an array or number as a tensor of its own: whole numbers int64, others float32; all else as it is."""
    # bool is a kind of int, and a copy keeps whoever writes into the tensor out of the cache
    if isinstance(value, np.ndarray):
        whole = np.issubdtype(value.dtype, np.integer) or value.dtype == bool
        return torch.from_numpy(np.array(value, np.int64 if whole else np.float32))
    if isinstance(value, int):
        return torch.tensor(value, dtype=torch.int64)
    return torch.tensor(value, dtype=torch.float32) if isinstance(value, float) else value


def _refuse_apart(grids: Mapping[str, Geometry], sample: str) -> None:
    for key, grid in grids.items():
        images = [name for name in grids if name.startswith("data.input.") and grids[name].dims == grid.dims]
        # 2-D inputs may be views of several sides, a label map belongs to one of them
        wanted = images[:1] if key in images and grid.dims == 3 else images
        if not wanted or any(grid == grids[name] or _covers(grid, grids[name]) for name in wanted):
            continue
        raise SampleError(
            f"'{key}' does not cover the patient as '{images[0]}' does", where=key, sample=sample,
            expected=f"{grids[images[0]].extent}; the same steps that turn, crop or resample for both",
            got=grid.extent,
        )  # fmt: skip


@lru_cache(maxsize=4096)
def _covers(grid: Geometry, other: Geometry) -> bool:
    return grid.covers(other)


def _value(sample: Mapping[str, Any], key: str) -> Any:
    if key not in sample:
        raise SampleError(
            f"the sample lacks '{key}', which others of its batch have", sample=str(sample["data.id"])
        )
    return sample[key]


def _unequal(key: str, samples: Sequence[Mapping[str, Any]]) -> SampleError:
    first: dict[tuple[int, ...], str] = {}
    for sample in samples:
        first.setdefault(tuple(sample[key].shape), str(sample["data.id"]))
    shapes = " and ".join(f"{shape} in sample '{name}'" for shape, name in first.items())
    return SampleError(
        f"'{key}' has different shapes in one batch",
        expected="one shape; add a Resize step to the pipeline",
        got=shapes,
    )
