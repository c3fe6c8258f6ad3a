"""The very samples that a run trained on, made again: chance depends on (seed, epoch, sample) and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fuse_engine.augment import Augmenter
from fuse_engine.augment.base import RECORD
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, KeyMissing, SampleError, nearest
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import geometry_key
from fuse_engine.data.image import Image
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.device import differences, versions
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.loading import Bad, Item, Items


@dataclass(frozen=True)
class Replay:
    """A run whose training samples can be made again, by what makes them in training."""

    assembly: Assembly

    @classmethod
    def of(cls, folder: RunFolder) -> Replay:
        """Read the experiment of a run, and the split it was trained with.

        Raises:
            FuseError: when the run, its source or a step cannot be used.
        """
        return cls(Assembly.of(folder.experiment(), folder.split if folder.split.exists() else None))

    @cached_property
    def _items(self) -> Items:
        return Items(self.assembly.dataset, self._augmenter, self.assembly.patches())

    @cached_property
    def _augmenter(self) -> Augmenter:
        return self.assembly.augmenter()

    def sample(self, name: str, epoch: int) -> NestedDict:
        """Return a sample, or a patch of it called `<sample>#<number>`, as it was trained on in an epoch from 0.

        Values are arrays and geometries; `data.augmentation` holds what was drawn. Where batches are mixed and
        several of the epoch hold the sample, it is that of the first one.

        Raises:
            FuseError: for an unknown sample, patch or epoch.
            SampleError: when the sample cannot be read.
        """
        epochs = self.assembly.timetable().epochs
        if not 0 <= epoch < epochs:
            raise FuseError(f"there is no epoch {epoch}", expected=f"0 to {epochs - 1}", where="epoch")
        found = self.items(self._whole(name), epoch)
        by_name = {str(item["data.id"]): item for item in found}
        if name not in by_name:
            raise SampleError(
                f"epoch {epoch} has no '{name}'", expected=f"one of {', '.join(by_name)}",
                nearest=nearest(name, by_name),
            )  # fmt: skip
        return self._mixed_with_batch(by_name[name], epoch)

    def items(self, whole: str, epoch: int) -> list[NestedDict]:
        """Return a whole sample as it was augmented in an epoch, before batches are mixed: itself, or its patches.

        Raises:
            SampleError: when it cannot be read.
        """
        found = self._items[(epoch, whole)]
        if isinstance(found, Bad):
            raise SampleError(found.message.removeprefix(f"sample '{whole}': "), found.step, sample=whole)
        return [_own(item) for item in found]

    def batch(self, epoch: int, names: list[str]) -> list[NestedDict | None]:
        """Return the samples or patches of a batch; None for those that cannot be read any more."""
        made: dict[str, dict[str, NestedDict]] = {}
        for whole in dict.fromkeys(name for name in map(self._found, names) if name is not None):
            try:
                made[whole] = {str(item["data.id"]): item for item in self.items(whole, epoch)}
            except SampleError:
                made[whole] = {}
        found = [made.get(self._found(name) or "", {}).get(name) for name in names]
        read = [sample for sample in found if sample is not None]
        # without all of its samples nobody can say what a batch was mixed of
        return list(self._mixed(read, epoch)) if len(read) == len(found) else found

    def _mixed(self, samples: list[NestedDict], epoch: int) -> list[NestedDict]:
        return [_own(sample) for sample in self._augmenter.mix(samples, epoch)]

    def _mixed_with_batch(self, sample: NestedDict, epoch: int) -> NestedDict:
        """Return a sample mixed as in the first batch of an epoch that holds it."""
        name = str(sample["data.id"])
        batches = self.assembly.timetable().batches(epoch) if self._augmenter.mixes else []
        batch = next((batch for batch in batches if self._whole(name) in batch), None)
        if batch is None:
            return sample
        loaded = self._items.__getitems__([(epoch, whole) for whole in batch])
        return next(
            _own(item) for part in loaded if not isinstance(part, Bad) for item in part if item["data.id"] == name
        )

    def trained(self, name: str, epoch: int) -> bool:
        """Say whether a sample was in a batch of an epoch at all."""
        whole = self._whole(name)
        return any(whole in batch for batch in self.assembly.timetable().batches(epoch))

    def doubts(self, folder: RunFolder) -> list[str]:
        """Say what has changed since a run was begun that its samples are made by."""
        before = folder.environment()
        now = {**before, "versions": versions(), "samples": self.assembly.digest()}
        return differences(before, now)

    def _whole(self, name: str) -> str:
        """Return the id of the sample that a name stands for."""
        found = self._found(name)
        if found is None:
            raise FuseError(f"no sample '{name}'", where="sample", nearest=nearest(name, self.assembly.cohort.ids))
        return found

    def _found(self, name: str) -> str | None:
        """Return the id of the sample that a name stands for, None where the source lists it no more."""
        return next((whole for whole in (name, name.rpartition("#")[0]) if whole in self.assembly.cohort), None)


def image_of(sample: NestedDict, key: str | None = None) -> Image:
    """Return the image or label map under a key, the first input image if None.

    Raises:
        KeyMissing: naming the images that there are.
    """
    known = images_of(sample)
    chosen = key or next((name for name in known if name.startswith("data.input.")), "")
    if chosen not in known:
        raise KeyMissing(
            f"'{chosen}' is no image" if chosen else "the sample has no input image",
            expected=f"one of {', '.join(known)}", nearest=nearest(chosen, known),
        )  # fmt: skip
    return known[chosen]


def images_of(sample: NestedDict) -> dict[str, Image]:
    """Return the images and label maps of a sample by key."""
    return {
        key: Image(value, _grid(sample, key))
        for key, value in sample.items()
        if isinstance(value, np.ndarray) and value.ndim in (3, 4)
    }


def drawn(sample: NestedDict) -> list[dict[str, Any]]:
    """Return what was done to a sample, one entry a step; see `Applied`."""
    return list(sample[RECORD]) if RECORD in sample else []


def _grid(sample: NestedDict, key: str) -> Geometry:
    known = geometry_key(key)
    grid: Geometry = sample[known] if known in sample else Geometry.plain(sample[key].shape[1:])
    return grid


def _own(item: Item) -> NestedDict:
    return item if isinstance(item, NestedDict) else NestedDict(dict(item))
