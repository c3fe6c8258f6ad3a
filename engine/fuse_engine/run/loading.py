"""From (epoch, sample id) to batches, in this process or in loaders; no bad sample hangs a run (rule R4)."""

from __future__ import annotations

import math
import multiprocessing
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from fuse_engine.augment import Augmenter
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, RunError, SampleError
from fuse_engine.core.sections import Checks
from fuse_engine.data.collate import collate, to_leaves
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.patches import PatchDataset
from fuse_engine.data.slots import Slots
from fuse_engine.run.timetable import Timetable

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
    step: str = ""
    """Place of the step that failed in the experiment, e.g. `data.input.image.0.LoadImage`."""


@dataclass(frozen=True)
class Loaded:
    """A batch; `data` is None when all of its samples are bad."""

    data: NestedDict | None
    ids: tuple[str, ...]
    bad: tuple[Bad, ...]

    def pin_memory(self) -> Loaded:
        """Return the batch in memory that a GPU reads while the CPU goes on; torch's loader calls this."""
        if self.data is None:
            return self
        data = self.data.copy()
        for key, value in self.data.items():
            if isinstance(value, Tensor):
                data[key] = value.pin_memory()
        return replace(self, data=data)


Item = Mapping[str, Any]
"""A sample by dotted key: tensors where it was augmented, else what the cache holds, which must not be changed."""


class Items(TorchDataset[list[Item] | Bad]):
    """The samples of a dataset, augmented by their epoch; each stays what it was when it was first used."""

    def __init__(
        self, dataset: Dataset, augmenter: Augmenter | None = None, patches: PatchDataset | None = None
    ) -> None:
        """Take the dataset, and for training the augmenter, and what cuts samples into patches."""
        self._samples, self._augmenter, self.slots = dataset.fixed, augmenter, dataset.fixed.slots
        self._patches = patches

    def __getitem__(self, address: Address) -> list[Item] | Bad:
        """Return one sample of an epoch, whole or in patches, or what is wrong with it."""
        epoch, name = address
        try:
            leaves = [self._samples.leaves(name)]
            if epoch == UNCHANGED:
                return list(leaves)
            if self._patches is not None:
                leaves = [to_leaves(patch) for patch in self._patches.of(name, epoch)]
            if self._augmenter is None:
                return list(leaves)
            return [self._augmented(self._augmenter, part, epoch) for part in leaves]
        except FuseError as error:
            return Bad(name, str(error), error.problems[0].where if error.problems else "")
        except Exception as error:  # noqa: BLE001 the boundary: whatever a sample does, the run names it and goes on
            return Bad(name, f"sample '{name}': {type(error).__name__}: {error}")

    def __getitems__(self, addresses: Sequence[Address]) -> list[list[Item] | Bad]:
        """Return the samples of a batch, mixed with each other where the augmentation does; loaders call this.

        Raises:
            SampleError: when they cannot be mixed.
        """
        items = [self[address] for address in addresses]
        if self._augmenter is None or addresses[0][0] == UNCHANGED:
            return items
        good = [part for item in items if not isinstance(item, Bad) for part in item]
        mixed = iter(self._augmenter.mix(good, addresses[0][0]))
        return [item if isinstance(item, Bad) else [next(mixed) for _ in item] for item in items]

    def _augmented(self, augmenter: Augmenter, leaves: dict[str, Any], epoch: int) -> NestedDict:
        found = augmenter(NestedDict(leaves), epoch)
        for key in augmenter.keys:
            value = found[key]
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise SampleError(f"'{key}' holds values that are not finite", sample=str(leaves["data.id"]))
        return found


class Join:
    """Puts the good items of a batch together, in memory that is used again."""

    def __init__(self, slots: Slots) -> None:
        """Take the memory."""
        self._slots = slots

    def __call__(self, items: Sequence[list[Item] | Bad]) -> Loaded:
        """Return the batch.

        Raises:
            SampleError: when shapes differ.
        """
        good = [part for item in items if not isinstance(item, Bad) for part in item]
        bad = tuple(item for item in items if isinstance(item, Bad))
        data = collate(good, self._slots) if good else None
        return Loaded(data, tuple(str(item["data.id"]) for item in good), bad)


class TrainingBatches:
    """The batches of the steps from `first` to before `last`; a step's batch depends on nothing but its number."""

    def __init__(self, timetable: Timetable, first: int, last: int) -> None:
        """Take what makes the batches of every epoch."""
        self._timetable, self._first, self._last = timetable, first, last

    def __iter__(self) -> Iterator[list[Address]]:
        """Go over the addresses, batch by batch."""
        step = self._first
        while step < self._last:
            epoch = self._timetable.epoch_of(step)
            batches, position = self._timetable.batches(epoch), step - self._timetable.start(epoch)
            for number in range(position, min(len(batches), position + self._last - step)):
                yield [(epoch, name) for name in batches[number]]
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
        self._items, self._batches, self._join, self._loader = items, batches, Join(items.slots), None
        if workers:
            self._loader = DataLoader(
                items, batch_sampler=batches, collate_fn=self._join, num_workers=workers,
                generator=torch.Generator().manual_seed(0),  # else every epoch would draw from the global stream
                timeout=PATIENCE * max(1.0, size / 4), worker_init_fn=_Begin(before),
                multiprocessing_context=_context(), pin_memory=torch.cuda.is_available(),
            )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def __iter__(self) -> Generator[Loaded, None, None]:
        """Go over the batches in their order; close the iterator where it is left early."""
        if self._loader is None:
            for addresses in self._batches:
                yield self._join(self._items.__getitems__(addresses))
            return
        others = set(multiprocessing.active_children())
        iterator: Any = iter(self._loader)
        mine = set(multiprocessing.active_children()) - others
        try:
            yield from iterator
        except (RuntimeError, OSError, EOFError) as error:  # the last two: it dies as it hands its samples over
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
    """Counts what could not be used, and says when that is too much."""

    def __init__(self, total: int, say: Callable[[Bad], None], checks: Checks) -> None:
        """Take the number of samples, whom to tell of each bad one, and how many may be passed over."""
        # a share such as 0.07 of 100 is 7.000000000000001 or 6.999999999999999
        passed = max(1, math.floor(total * checks.failed_share + 1e-9))
        self._limit, self._say = (passed if checks.failed == "skip" else 0), say
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
            count = "1 sample" if len(self._found) == 1 else f"{len(self._found)} samples"
            raise SampleError(
                f"{count} cannot be used, {self._limit} may be passed over (data.checks); "
                + "; ".join(bad.message for bad in first)
            )
