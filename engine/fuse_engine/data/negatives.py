"""Which samples are negative, and how many of them a stage of the training uses (Musket's `negatives`)."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError
from fuse_engine.core.sections import Data, Negatives
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.split.sequence import shuffle

SEED = 23232
"""Musket's own (musket_core.datasets.DefaultKFoldedDataSet.sampledIndexes)."""


def negative_samples(dataset: Dataset, data: Data) -> NDArray[np.bool_]:
    """Return which samples are negative: of class 0 by `negative_key`, or without text in `negative_column`.

    Raises:
        FuseError: when nothing says which samples are, or the key is made from files.
    """
    if data.negative_column is not None:
        cohort = dataset.cohort
        try:
            cohort.codes(data.negative_column)
        except FuseError as error:
            raise error.placed(where="data.negative_column") from error
        cells = pc.utf8_trim_whitespace(cohort.table[data.negative_column])
        found: NDArray[np.bool_] = pc.equal(cells, "").to_numpy()
        return found
    if data.negative_key is None:
        raise FuseError(
            "nothing says which samples are negative", where="data.negative_key",
            expected="data.negative_key, e.g. data.gt.classification, or data.negative_column, e.g. of the mask",
        )  # fmt: skip
    try:
        result: NDArray[np.bool_] = dataset.classes(data.negative_key).numbers == 0
    except FuseError as error:
        raise error.placed(where="data.negative_key") from error
    return result


def with_negatives(
    positions: NDArray[np.int64], negative: NDArray[np.bool_], amount: Negatives
) -> NDArray[np.int64]:
    """Return the positions of all positive samples and so many of the negative ones, in the order they came in.

    A number means that many for each positive sample, rounded, the same ones in every epoch; halves count.
    """
    if amount == "all":
        return positions
    mine = negative[positions]
    chosen: list[int] = positions[mine].tolist()
    shuffle(chosen, SEED)
    count = 0 if amount == "none" else round(int((~mine).sum()) * float(amount))
    result: NDArray[np.int64] = positions[~mine | np.isin(positions, chosen[:count])]
    return result
