"""A small batch on its way through the model, shapes only: nothing is computed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.data.collate import collate
from fuse_engine.models.base import BatchModule
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.patch_size import larger_patches
from fuse_engine.run.places import at_place

BATCH = 2
"""Samples in the batch that shapes are propagated with, unless batches are smaller."""

_LONGEST = 48
"""Pixels along an axis of the maps that losses and metrics are tried on."""

Watch = Callable[[BatchModule, NestedDict], AbstractContextManager[object]]
"""What goes on around the forward pass of a module over a batch on the meta device."""


@dataclass(frozen=True)
class Preview:
    """A small batch of training samples with the outputs the model will add, and the model without weights."""

    batch: NestedDict
    module: BatchModule


def small_batch(assembly: Assembly) -> NestedDict:
    """Return the first training sample as often as shapes need it.

    Raises:
        SampleError: when no sample can be read.
    """
    sample = assembly.first(assembly.folds.train)
    return collate([sample] * min(BATCH, assembly.experiment.data.batch.size))


def preview(assembly: Assembly, batch: NestedDict | None = None, watch: Watch | None = None) -> Preview:
    """Propagate shapes through the model on the meta device, those of `small_batch` where no batch is given.

    Raises:
        FuseError: when no sample can be read, or the model does not fit.
    """
    made = (small_batch(assembly) if batch is None else batch).copy()
    sample = NestedDict({key: value[0] for key, value in made.items() if isinstance(value, Tensor)})
    with torch.device("meta"), larger_patches(assembly):
        module = assembly.build(sample)
    found = forward(assembly, module, made, watch)
    for key, value in found.items():
        if key not in made:
            # one number seen everywhere: outputs of volumes would take gigabytes
            made[key] = torch.tensor(1 / value.shape[1], dtype=value.dtype).expand(value.shape)
    return Preview(made, module)


def forward(assembly: Assembly, module: BatchModule, batch: NestedDict, watch: Watch | None = None) -> NestedDict:
    """Return what a module without weights adds to a batch, on the meta device.

    Raises:
        ExperimentError: at the model, when it does not fit.
    """
    tensors = NestedDict({key: value.to("meta") for key, value in batch.items() if isinstance(value, Tensor)})
    watched = watch(module, tensors) if watch is not None else nullcontext()
    with at_place(assembly.experiment, *assembly.model_place), torch.device("meta"), torch.no_grad(), watched:
        try:
            result: NestedDict = module(tensors)
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
            raise FuseError(f"the model does not fit the samples: {first_line(error)}") from error
    return result


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, its name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def thinned(batch: NestedDict) -> NestedDict:
    """Return a batch with maps of fewer pixels, in the same proportions; the smallest and largest truth stay in.

    Whether what is computed of them fits does not depend on how many there are.
    """
    maps = {key: value for key, value in batch.items() if isinstance(value, Tensor) and value.ndim > 3}
    longest = max((size for value in maps.values() for size in value.shape[2:]), default=0)
    step, result = -(-longest // _LONGEST), batch.copy()
    if step < 2:
        return batch
    for key, value in maps.items():
        small = value[(slice(None), slice(None), *(slice(None, None, step),) * (value.ndim - 2))].clone()
        if key.startswith("data.gt."):
            ends = small.view(len(small), -1)
            ends[:, 0], ends[:, -1] = value.min(), value.max()
        result[key] = small
    return result
