"""Turns samples into tensors and several of them into a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.keys import geometry_key
from fuse_engine.data.image import Image


def to_tensors(sample: NestedDict) -> NestedDict:
    """Return the sample with tensors in the place of its values.

    Images become float32 (channel, [z,] y, x), label maps int64, vectors float32, classes and numbers scalars; the
    geometry of `data.input.image` is kept under `data.geometry.input.image`.

    Raises:
        SampleError: where grids do not fit, as from here on only the order of the pixels counts: for a label map
            that covers the patient as no input does, and for an input volume unlike the first one.
    """
    _refuse_apart(sample)
    found = NestedDict()
    for key, value in sample.items():
        found[key] = _tensor(value)
        if isinstance(value, Image):
            found[geometry_key(key)] = value.geometry
    return found


def collate(samples: Sequence[NestedDict]) -> NestedDict:
    """Return one batch: tensors (b, ...), and lists of everything else.

    Raises:
        SampleError: for tensors of different shapes, or a key that some samples lack.
    """
    batch = NestedDict()
    for key in dict.fromkeys(key for sample in samples for key in sample):
        values = [_value(sample, key) for sample in samples]
        if not isinstance(values[0], torch.Tensor):
            batch[key] = values
            continue
        if len({value.shape for value in values}) > 1:
            raise _unequal(key, samples)
        batch[key] = torch.stack(values)
    return batch


def _tensor(value: Any) -> Any:
    if isinstance(value, Image):
        value = value.array
    # bool is a kind of int, and a copy keeps whoever writes into the tensor out of the cache
    if isinstance(value, np.ndarray):
        whole = np.issubdtype(value.dtype, np.integer) or value.dtype == bool
        return torch.from_numpy(np.array(value, np.int64 if whole else np.float32))
    if isinstance(value, int):
        return torch.tensor(value, dtype=torch.int64)
    return torch.tensor(value, dtype=torch.float32) if isinstance(value, float) else value


def _refuse_apart(sample: NestedDict) -> None:
    grids = {key: value.geometry for key, value in sample.items() if isinstance(value, Image)}
    for key, grid in grids.items():
        images = [name for name in grids if name.startswith("data.input.") and grids[name].dims == grid.dims]
        # 2-D inputs may be views of several sides, a label map belongs to one of them
        wanted = images[:1] if key in images and grid.dims == 3 else images
        if not wanted or any(grid.covers(grids[name]) for name in wanted):
            continue
        raise SampleError(
            f"'{key}' does not cover the patient as '{images[0]}' does", where=key, sample=str(sample["data.id"]),
            expected=f"{grids[images[0]].extent}; the same steps that turn, crop or resample for both",
            got=grid.extent,
        )  # fmt: skip


def _value(sample: NestedDict, key: str) -> Any:
    if key not in sample:
        raise SampleError(
            f"the sample lacks '{key}', which others of its batch have", sample=str(sample["data.id"])
        )
    return sample[key]


def _unequal(key: str, samples: Sequence[NestedDict]) -> SampleError:
    first: dict[tuple[int, ...], str] = {}
    for sample in samples:
        first.setdefault(tuple(sample[key].shape), str(sample["data.id"]))
    shapes = " and ".join(f"{shape} in sample '{name}'" for shape, name in first.items())
    return SampleError(
        f"'{key}' has different shapes in one batch",
        expected="one shape; add a Resize step to the pipeline",
        got=shapes,
    )
