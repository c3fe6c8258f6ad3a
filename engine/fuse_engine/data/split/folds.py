"""Which part every sample belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fuse_engine.core.errors import Problem
from fuse_engine.data.source import Cohort

PARTS = ("train", "validation", "test", "unused")
"""What a sample is used for, by its number in `Folds.parts`."""


@dataclass(frozen=True, eq=False)
class Folds:
    """The part and the fold of every sample, in the order of the source."""

    cohort: Cohort
    parts: NDArray[np.int8]
    """Position of each sample's part in `PARTS`, (samples,)."""
    fold: NDArray[np.int32]
    """Position of each sample's fold in `names`, (samples,); -1 for a sample in none."""
    names: tuple[str, ...]
    """Names of the folds."""
    remarks: tuple[Problem, ...] = ()
    """What is odd and can be gone on with, e.g. samples that came after the split was saved."""

    @cached_property
    def train(self) -> tuple[str, ...]:
        """Ids of the training samples, in the order of the source."""
        return self._ids("train")

    @cached_property
    def validation(self) -> tuple[str, ...]:
        """Ids of the validation samples, in the order of the source."""
        return self._ids("validation")

    @cached_property
    def test(self) -> tuple[str, ...]:
        """Ids of the test samples, in the order of the source."""
        return self._ids("test")

    @cached_property
    def fold_of(self) -> Mapping[str, str]:
        """The fold of every sample by id; samples in none are absent."""
        return {name: self.names[fold] for name, fold in zip(self.cohort.ids, self.fold, strict=True) if fold >= 0}

    @cached_property
    def part_of(self) -> Mapping[str, str]:
        """The part of every sample by id: train, validation or test; samples in none are absent."""
        return {name: PARTS[part] for name, part in zip(self.cohort.ids, self.parts, strict=True) if part < 3}

    def positions(self, part: str) -> NDArray[np.int64]:
        """Return where the samples of a part stand in the source."""
        return np.flatnonzero(self.parts == PARTS.index(part))

    def _ids(self, part: str) -> tuple[str, ...]:
        column = self.cohort.table[self.cohort.id_column]
        return tuple(column.take(pa.array(self.positions(part))).to_pylist())
