"""What figures of one class a sample, or of several labels a sample, share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import ClassKey, OutputKey
from fuse_engine.metrics.base import MACRO, Rows, class_names, mean_defined
from fuse_engine.metrics.weighted import Path, Weigh, Weighted, counts_of
from fuse_engine.targets import check_target, without_missing

ABSENT = -1
"""What stands in rows for a class or label that is missing."""
_ROUNDING = 1e-2
"""How far bf16 probabilities may be from a sum of 1."""


class Classified(Weighted):
    """A figure of predictions (batch, classes) against a class (batch,), or labels 0 or 1 (batch, classes)."""

    pred: OutputKey
    """Probabilities (batch, classes), e.g. `model.output.classifier`."""
    target: ClassKey
    """Class of each sample (batch,), e.g. `data.gt.classification`, or labels of 0 or 1 (batch, classes)."""
    missing: int | None = None
    """Number in the target that stands for no label, e.g. -1: such samples, or single labels of them, do not
    count. Every sample must have each label where empty."""
    names: list[str] = Field(default_factory=list)
    """Names of the classes in the result; their numbers where empty."""

    @abstractmethod
    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep predictions and truth of each sample.

        Raises:
            FuseError: when shapes or classes do not fit.
        """

    def left_out(self, rows: Rows) -> int:
        """Return how many samples, or single labels of them, have no truth and do not count."""
        return int((rows["target"] == ABSENT).sum())

    def titles(self, rows: Rows) -> list[str]:
        """Return the names of the classes."""
        return class_names(self.names, rows["pred"].shape[1])


class Scored(Classified):
    """A figure of probabilities."""

    each: ClassVar[str] = "probability given to the truth"

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep probabilities and truth of each sample.

        Raises:
            FuseError: when shapes or classes do not fit, or `pred` is not probabilities.
        """
        return probable_rows(pred, target, self.pred, self.target, self.names, self.missing)

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the probability that each sample's truth was given; with several labels their mean.

        NaN where there is no truth.
        """
        if rows["target"].ndim == 1:
            return given(rows["pred"], rows["target"])
        there = present(rows)
        right = np.where(positives(rows), rows["pred"], 1 - rows["pred"])
        return np.asarray(np.where(there, right, 0).sum(1) / np.where(there.any(1), there.sum(1), np.nan))


class Ranked(Scored):
    """A figure of each class against the rest; with two classes that of the second, positive one alone."""

    def paths(self, rows: Rows) -> list[Path]:
        """Return the classes that are judged, and their mean."""
        names = self.titles(rows)
        return [*((names[index],) for index in judged(rows)), (MACRO,)]


def judged(rows: Rows) -> list[int]:
    """Return the classes that a figure of ranks is given for: of two that exclude each other the second alone."""
    classes = rows["pred"].shape[1]
    return [1] if classes == 2 and rows["target"].ndim == 1 else list(range(classes))


def positives(rows: Rows) -> NDArray[np.int64]:
    """Return 1 where a sample has the class (n, classes), else 0."""
    target = rows["target"]
    hit = target[:, None] == np.arange(rows["pred"].shape[1]) if target.ndim == 1 else target == 1
    return np.asarray(hit, np.int64)


def present(rows: Rows) -> NDArray[np.bool_]:
    """Say of each sample and class (n, classes) whether the truth is there."""
    target = rows["target"]
    return np.broadcast_to((target[:, None] if target.ndim == 1 else target) != ABSENT, rows["pred"].shape)


def known(rows: Rows) -> NDArray[np.bool_]:
    """Say of each sample (n,) whether its prediction is made of numbers, or does not count."""
    return np.asarray(~np.isnan(rows["pred"]).any(1) | ~present(rows).any(1))


def where_present(rows: Rows, index: int, one: Callable[[Rows], Weigh]) -> Weigh:
    """Return the figures `one` makes of the samples whose truth of a class is there."""
    there = present(rows)[:, index]
    if there.all():
        return one(rows)
    some = one({name: row[there] for name, row in rows.items()})
    return lambda counts: some(counts_of(counts, there))


def given(scores: NDArray[np.float64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the score (n,) of the class of each sample, NaN where that is missing."""
    return np.where(target == ABSENT, np.nan, scores[np.arange(len(target)), np.maximum(target, 0)])


def with_mean(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return figures of classes (b, classes) with their mean over the classes where they are defined behind."""
    return np.concatenate([scores, mean_defined(scores)[:, None]], 1)


def plain_rows(pred: Tensor, target: Tensor, truth: str, names: list[str], missing: int | None = None) -> Rows:
    """Return predictions and truth of each sample; `truth` is the key of the target, `ABSENT` what is `missing`.

    Raises:
        FuseError: when shapes, classes or names do not fit.
    """
    if pred.ndim == 2 and pred.shape[1] == 1 and target.ndim == 1:
        target = target[:, None]  # one output alone is one label
    if pred.ndim != 2 or target.ndim not in (1, 2) or (target.ndim == 2 and target.shape != pred.shape):
        raise FuseError(
            "shapes do not fit", where="target",
            expected="predictions (batch, classes) and a target (batch,), or labels (batch, classes)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    found, there = without_missing(target, missing)
    if target.ndim == 1:
        check_target(pred, found, truth)
    elif not bool(((found == 0) | (found == 1)).all()):
        wrong = found[(found != 0) & (found != 1)][0]
        raise FuseError(
            f"'{truth}' holds no labels", where="target", got=f"{float(wrong):g}",
            expected="0 or 1 for each label, or `missing` to say what stands for none",
        )  # fmt: skip
    class_names(names, pred.shape[1])
    classes = torch.where(there, found.long(), ABSENT)
    return {"pred": pred.detach().cpu().double().numpy(), "target": classes.cpu().numpy()}


def probable_rows(
    pred: Tensor, target: Tensor, key: str, truth: str, names: list[str], missing: int | None = None
) -> Rows:
    """Return probabilities and truth of each sample; `key` and `truth` are the keys of both.

    Raises:
        FuseError: when shapes, classes or names do not fit, or `pred` is not probabilities.
    """
    rows = plain_rows(pred, target, truth, names, missing)
    scores, several = rows["pred"], rows["target"].ndim == 2
    wrong = (scores < 0) | (scores > 1 + _ROUNDING)
    if wrong.any() or (not several and (np.abs(scores.sum(1) - 1) > _ROUNDING).any()):
        raise FuseError(
            f"'{key}' does not hold probabilities", where="pred",
            expected=f"values from 0 to 1{'' if several else ' with a sum of 1'}, e.g. model.output.<head>",
        )  # fmt: skip
    return rows
