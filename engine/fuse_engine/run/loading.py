"""From (epoch, sample id) to batches, in this process or in loaders; no bad sample hangs a run (rule R4)."""

from __future__ import annotations

import math
import multiprocessing
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from fuse_engine.augment.base import Augmenter
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, RunError, SampleError
from fuse_engine.data.collate import collate, to_tensors
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.sampler import BatchSampler

Address = tuple[int, str]
"""Epoch and sample id; both together key every random stream of an item."""
UNCHANGED = -1
"""The epoch of samples that are not augmented."""
PATIENCE = 120.0
"""Seconds a loader may take for a batch of four; more in proportion."""


@dataclass(frozen=True)
class Bad:
    """A sample that could not be used, and why."""

    id: str
    message: str


@dataclass(frozen=True)
class Loaded:
    """A batch; `data` is None when all of its samples are bad."""

    data: NestedDict | None
    ids: tuple[str, ...]
    bad: tuple[Bad, ...]


class Items(TorchDataset[NestedDict | Bad]):
    """The samples of a dataset as tensors, augmented by their epoch."""

    def __init__(self, dataset: Dataset, augmenter: Augmenter | None = None) -> None:
        """Take the dataset, and the augmenter for training."""
        self._dataset, self._augmenter = dataset, augmenter

    def __getitem__(self, address: Address) -> NestedDict | Bad:
        """Return one sample of an epoch, or what is wrong with it."""
        epoch, name = address
        try:
            tensors = to_tensors(self._dataset.sample(name))
            if self._augmenter is not None and epoch != UNCHANGED:
                tensors = self._augmenter(tensors, epoch)
            _check_finite(tensors, name)
        except FuseError as error:
            return Bad(name, str(error))
        except Exception as error:  # noqa: BLE001 the boundary: whatever a sample does, the run names it and goes on
            return Bad(name, f"sample '{name}': {type(error).__name__}: {error}")
        return tensors


def _check_finite(sample: NestedDict, name: str) -> None:
    for key, value in sample.items():
        if isinstance(value, torch.Tensor) and value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise SampleError(f"'{key}' holds values that are not finite", sample=name)


def join(items: Sequence[NestedDict | Bad]) -> Loaded:
    """Put the good items of a batch together.

    Raises:
        SampleError: when their shapes differ.
    """
    good = [item for item in items if isinstance(item, NestedDict)]
    bad = tuple(item for item in items if isinstance(item, Bad))
    return Loaded(collate(good) if good else None, tuple(str(item["data.id"]) for item in good), bad)


class TrainingBatches:
    """The batches of the steps from `first` to before `last`; a step's batch depends on nothing but its number."""

    def __init__(self, sampler: BatchSampler, first: int, last: int) -> None:
        """Take the sampler, which makes the batches of an epoch."""
        self._sampler, self._first, self._last = sampler, first, last

    def __iter__(self) -> Iterator[list[Address]]:
        """Go over the addresses, batch by batch."""
        step, size = self._first, len(self._sampler)
        while step < self._last:
            epoch, position = divmod(step, size)
            for batch in self._sampler.batches(epoch)[position : position + self._last - step]:
                yield [(epoch, name) for name in batch]
                step += 1

    def __len__(self) -> int:
        """Return the number of batches."""
        return self._last - self._first


def plain_batches(ids: Sequence[str], size: int) -> list[list[Address]]:
    """Return the samples in their order, not augmented, in batches of `size`."""
    return [[(UNCHANGED, name) for name in ids[at : at + size]] for at in range(0, len(ids), size)]


class Loader:
    """Loads batches one after the other; the loaders live as long as the iterator.

    Raises:
        RunError: when a loader takes far too long or dies.
    """

    def __init__(
        self, items: Items, batches: Any, workers: int, size: int, before: Callable[[], None] | None = None
    ) -> None:
        """Take the addresses in batches of `size`; `before` is called first in every loader process."""
        self._batches, self._timeout = batches, PATIENCE * max(1.0, size / 4)
        self._loader: DataLoader[Any] = DataLoader(
            items, batch_sampler=batches, collate_fn=join, num_workers=workers,
            generator=torch.Generator().manual_seed(0),  # else every epoch would draw from the global stream
            timeout=self._timeout if workers else 0, worker_init_fn=_Begin(before) if workers else None,
            multiprocessing_context=_context() if workers else None, pin_memory=torch.cuda.is_available(),
        )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def __iter__(self) -> Generator[Loaded, None, None]:
        """Go over the batches in their order; close the iterator where it is left early."""
        others = set(multiprocessing.active_children())
        iterator: Any = iter(self._loader)
        mine = set(multiprocessing.active_children()) - others
        try:
            yield from iterator
        except RuntimeError as error:
            raise RunError(f"loading failed: {error}", where="data.batch.workers") from error
        finally:
            if mine:
                # else torch would raise the end of a loader as an error, wherever this process then is
                iterator._shutdown_workers()
            for process in mine & set(multiprocessing.active_children()):
                process.kill()


def _context() -> str:
    """Forked loaders start fast, but must not be forked from a process that uses a GPU."""
    return "fork" if sys.platform == "linux" and not torch.cuda.is_available() else "spawn"


class _Begin:
    """What a loader process does first: the run alone answers signals, and alone holds its folder."""

    def __init__(self, before: Callable[[], None] | None) -> None:
        self._before = before

    def __call__(self, number: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self._before is not None:
            self._before()


class BadSamples:
    """Counts what could not be used; up to 1 % of the samples (at least one) are passed over."""

    def __init__(self, total: int, say: Callable[[Bad], None]) -> None:
        """Take the number of samples, and whom to tell of each bad one."""
        self._limit, self._say = max(1, math.floor(total / 100)), say
        self._found: dict[str, Bad] = {}

    def note(self, found: Sequence[Bad]) -> None:
        """Take note of bad samples.

        Raises:
            SampleError: naming the first few, when there are too many.
        """
        for bad in found:
            if bad.id not in self._found:
                self._found[bad.id] = bad
                self._say(bad)
        if len(self._found) > self._limit:
            first = list(self._found.values())[:3]
            raise SampleError(
                f"{len(self._found)} samples cannot be used, {self._limit} may be passed over; "
                + "; ".join(bad.message for bad in first)
            )
