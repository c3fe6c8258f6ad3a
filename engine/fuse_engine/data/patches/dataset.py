"""The samples of a dataset, each as several patches."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.keys import geometry_key
from fuse_engine.core.random import stream
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.image import Image
from fuse_engine.data.patches.base import Patches, cut
from fuse_engine.data.patches.centres import ClassIndex
from fuse_engine.data.processor import Value

_KEPT_BYTES = 256e6
"""Memory for the counts that patch centres are drawn from, in each process that loads samples."""


class PatchDataset:
    """Cuts the samples of a dataset into patches; which ones depends on (seed, epoch, sample id) alone."""

    def __init__(self, dataset: Dataset, patches: Patches, seed: int) -> None:
        """Take the dataset, the way to cut, and the experiment's seed."""
        self.dataset, self.patches, self._seed = dataset, patches, seed
        self._kept: OrderedDict[tuple[str, str], ClassIndex] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def of(self, id: str, epoch: int) -> list[NestedDict]:  # noqa: A002 the name in the sample
        """Return the patches of a sample in an epoch, called `<id>#<number>` in `data.id`.

        Raises:
            SampleError: naming the sample, and the step that failed or why it cannot be cut.
        """
        return list(self.each(id, epoch))

    def each(self, id: str, epoch: int) -> Iterator[NestedDict]:  # noqa: A002
        """Yield the patches of a sample one by one; see `of`."""
        sample = _images(self.dataset.fixed.leaves(id))
        rng = stream("patches", self._seed, epoch, id)
        try:
            boxes = self.patches.boxes(sample, rng, lambda name, compute: self._keep(id, name, compute))
        except FuseError as error:
            where = f"data.patches.{self.patches.name()}"
            raise SampleError(*error.placed(sample=id, where=where).problems) from error
        for number in self._turn(len(boxes), id, epoch):
            patch = cut(sample, boxes[number])
            patch["data.id"] = f"{id}#{number}"
            yield patch

    def _turn(self, count: int, id: str, epoch: int) -> Sequence[int]:  # noqa: A002
        """Return which of so many patches come in an epoch: each once in as few epochs as `per_sample` allows."""
        turns = math.ceil(count / (self.patches.per_sample or max(count, 1)))
        if turns <= 1:
            return range(count)
        order = stream("turns", self._seed, id).permutation(count)
        return sorted(order[epoch % turns :: turns].tolist())

    def _keep(self, id: str, name: str, compute: Callable[[], ClassIndex]) -> ClassIndex:  # noqa: A002
        key = (id, name)
        if key not in self._kept:
            self._kept[key] = self._from_cache(id, name, compute)
            while len(self._kept) > 1 and sum(found.ends.nbytes for found in self._kept.values()) > _KEPT_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _from_cache(self, id: str, name: str, compute: Callable[[], ClassIndex]) -> ClassIndex:  # noqa: A002
        row = self.dataset.cohort.row(id)
        made_of = [pipeline.fingerprint(row) for pipeline in self.dataset.pipelines.values()]
        digest = hashlib.sha256("\n".join([name, *made_of]).encode()).hexdigest()
        kept = self.dataset.cache.get(digest, lambda: cast(Value, compute().to_array()))
        return ClassIndex.from_array(cast(NDArray[np.int64], kept))


def _images(leaves: Mapping[str, Any]) -> NestedDict:
    """Return a sample with its arrays and geometries put together to images."""
    grids = {geometry_key(key) for key in leaves} & set(leaves)
    sample = NestedDict()
    for key, value in leaves.items():
        if key not in grids:
            grid = geometry_key(key)
            sample[key] = Image(value, leaves[grid]) if grid in grids else value
    return sample
