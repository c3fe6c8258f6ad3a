"""What figures of one class a sample, or of several labels a sample, share."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import OutputKey, TruthKey
from fuse_engine.metrics.base import MACRO, Rows, class_names, mean_defined
from fuse_engine.metrics.weighted import Path, Weighted
from fuse_engine.targets import check_target

_ROUNDING = 1e-2
"""How far bf16 probabilities may be from a sum of 1."""


class Classified(Weighted):
    """A figure of predictions (batch, classes) against a class (batch,), or labels 0 or 1 (batch, classes)."""

    pred: OutputKey
    """Probabilities (batch, classes), e.g. `model.output.classifier`."""
    target: TruthKey
    """Class of each sample (batch,), e.g. `data.gt.classification`, or labels of 0 or 1 (batch, classes)."""
    names: list[str] = Field(default_factory=list)
    """Names of the classes in the result; their numbers where empty."""

    @abstractmethod
    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep predictions and truth of each sample.

        Raises:
            FuseError: when shapes or classes do not fit.
        """

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
        return probable_rows(pred, target, self.pred, self.target, self.names)

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the probability that each sample's truth was given; with several labels their mean."""
        scores, target = rows["pred"], rows["target"]
        if target.ndim == 2:
            return np.asarray(np.where(target == 1, scores, 1 - scores).mean(1))
        return np.asarray(scores[np.arange(len(target)), target])


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
    if target.ndim == 1:
        target = target[:, None] == np.arange(rows["pred"].shape[1])
    return np.asarray(target, np.int64)


def known(rows: Rows) -> NDArray[np.bool_]:
    """Say of each sample (n,) whether its prediction is made of numbers."""
    return np.asarray(~np.isnan(rows["pred"]).any(1))


def with_mean(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return figures of classes (b, classes) with their mean over the classes where they are defined behind."""
    return np.concatenate([scores, mean_defined(scores)[:, None]], 1)


def plain_rows(pred: Tensor, target: Tensor, truth: str, names: list[str]) -> Rows:
    """Return predictions and truth of each sample; `truth` is the key of the target.

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
    if target.ndim == 1:
        check_target(pred, target, truth)
    elif not bool(((target == 0) | (target == 1)).all()):
        wrong = target[(target != 0) & (target != 1)][0]
        raise FuseError(
            f"'{truth}' holds no labels", where="target", expected="0 or 1 for each label",
            got=f"{float(wrong):g}",
        )  # fmt: skip
    class_names(names, pred.shape[1])
    return {"pred": pred.detach().cpu().double().numpy(), "target": target.long().cpu().numpy()}


def probable_rows(pred: Tensor, target: Tensor, key: str, truth: str, names: list[str]) -> Rows:
    """Return probabilities and truth of each sample; `key` and `truth` are the keys of both.

    Raises:
        FuseError: when shapes, classes or names do not fit, or `pred` is not probabilities.
    """
    rows = plain_rows(pred, target, truth, names)
    scores, several = rows["pred"], rows["target"].ndim == 2
    wrong = (scores < 0) | (scores > 1 + _ROUNDING)
    if wrong.any() or (not several and (np.abs(scores.sum(1) - 1) > _ROUNDING).any()):
        raise FuseError(
            f"'{key}' does not hold probabilities", where="pred",
            expected=f"values from 0 to 1{'' if several else ' with a sum of 1'}, e.g. model.output.<head>",
        )  # fmt: skip
    return rows
