"""How many samples of each class the batches of an epoch hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError

Length = Literal["over_sample", "under_sample"] | int | None

_DIGITS = 9
"""Decimals of what is owed to a class that count."""


def class_shares(
    present: Sequence[int],
    size: int,
    names: Sequence[str],
    *,
    weights: Sequence[float] = (),
    counts: Sequence[int] = (),
    probabilities: Sequence[float] = (),
) -> dict[int, float]:
    """Return the share of each class that is drawn; they add up to 1.

    Raises:
        FuseError: naming a class without samples, without a share, or with one below 0.
    """
    word, given = next(
        (pair for pair in (("count", counts), ("probability", probabilities), ("weight", weights)) if pair[1]),
        ("weight", ()),
    )
    wanted = dict(enumerate(given)) if given else dict.fromkeys(present, 1.0)
    plural = "probabilities" if word == "probability" else f"{word}s"
    for label in present:
        if label not in wanted:
            raise FuseError(
                f"{_called(label, names)} has no {word}", expected=f"{label + 1} {plural}", got=str(len(wanted))
            )
    for label, share in wanted.items():
        if share < 0 or not math.isfinite(share):
            raise FuseError(f"the {word} of {_called(label, names)} must be 0 or more", got=str(share))
        if share and label not in present:
            raise FuseError(f"{_called(label, names)} has a {word} but no sample")
    total = sum(wanted.values())
    if not total:
        raise FuseError(f"every class has {word} 0")
    if counts and total != size:
        raise FuseError(
            "the counts do not fill a batch", where="data.batch.balance.counts", expected=f"a sum of {size}",
            got=str(total),
        )  # fmt: skip
    return {label: share / total for label, share in wanted.items() if share}


def _called(label: int, names: Sequence[str]) -> str:
    return f"class {label} ('{names[label]}')" if label < len(names) else f"class {label}"


def length_for(shares: Sequence[float], sizes: Sequence[int], size: int, count: int, length: Length) -> int:
    """Return the batches of an epoch over `count` samples, `sizes` of them in each class.

    `over_sample`: the fewest in which every sample comes; `under_sample`: the most in which none comes twice; with
    classes that are drawn at random both hold on average.

    Raises:
        FuseError: when not even one batch can be filled without a sample coming twice.
    """
    if length is None:
        return -(-count // size)
    if isinstance(length, int):
        return length
    whole = [own / (share * size) for own, share in zip(sizes, shares, strict=True)]
    limit = max(whole) if length == "over_sample" else min(whole)
    drawn = counts_per_batch(shares, size, math.ceil(limit) + 2).cumsum(0)
    if length == "over_sample":
        return int((drawn >= np.asarray(sizes)).all(1).argmax()) + 1
    found = int((drawn <= np.asarray(sizes)).all(1).sum())
    if not found:
        raise FuseError(
            "the rarest class does not fill its share of one batch", where="data.batch.balance.length",
            expected="smaller batches or over_sample", got=f"{min(sizes)} samples",
        )  # fmt: skip
    return found


def counts_per_batch(shares: Sequence[float], size: int, batches: int) -> NDArray[np.int64]:
    """Return how many samples of each class each batch holds, (batches, classes), by largest remainder.

    What a batch could not give a class is owed to it, so over an epoch every class gets its share to within one.
    """
    rows: list[list[int]] = []
    owed = [0.0] * len(shares)
    while len(rows) < batches:
        for index, share in enumerate(shares):
            owed[index] += share * size
        rows.append(_give(owed, size))
        if not any(round(rest, _DIGITS) for rest in owed):
            break  # nothing is owed, so from here on the same batches come again
    pattern = np.asarray(rows, np.int64).reshape(-1, len(shares))
    return np.tile(pattern, (-(-batches // max(1, len(pattern))), 1))[:batches]


def _give(owed: list[float], size: int) -> list[int]:
    """Give each place of a batch to the class that is owed most, the first of several; what is owed shrinks."""
    # whole numbers first, all at once: as one by one, unless a class that got too much makes them too many
    counts = [max(0, math.floor(round(rest, _DIGITS))) for rest in owed]
    if sum(counts) > size:
        counts = [0] * len(owed)
    for index, count in enumerate(counts):
        owed[index] -= count
    for _ in range(size - sum(counts)):
        index = max(range(len(owed)), key=lambda index: (round(owed[index], _DIGITS), -index))
        counts[index] += 1
        owed[index] -= 1
    return counts
