"""Targets as losses use them: checked, of the prediction's size, with what has no label set apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.losses.resize import Resize, resized
from fuse_engine.targets import check_target

_ROUNDING = 1e-3
"""How far shares may be from a sum of 1."""
_MISSING = -1
"""What stands for a missing label while a truth is resized: less than any class, so a pool prefers labels."""


@dataclass(frozen=True)
class Truth:
    """Classes (b, *s) or marks of labels (b, k, *s), and which of them count; those that do not are 0."""

    values: Tensor
    counted: Tensor


def one_class(pred: Tensor, target: Tensor, key: str, missing: int | None = None) -> Truth:
    """Return the classes (b,) for logits (b, k) from a target (b,).

    Raises:
        FuseError: naming both shapes, or the class that does not fit.
    """
    if pred.ndim != 2 or target.ndim != 1:
        raise FuseError(
            "shapes do not fit", where="target", expected="logits (batch, classes) and a target (batch,)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    return _classes(pred, target, key, missing)


def shares(pred: Tensor, target: Tensor, key: str) -> Truth:
    """Return the shares of classes (b, k) that add up to 1, for logits (b, k).

    Raises:
        FuseError: naming both shapes, or saying that the target holds no shares.
    """
    if pred.ndim != 2 or target.shape != pred.shape:
        raise FuseError(
            "shapes do not fit", where="target",
            expected="logits (batch, classes) and a target (batch,) or (batch, classes)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    if not target.is_floating_point() or bool((target < 0).any() | ((target.sum(1) - 1).abs() > _ROUNDING).any()):
        raise FuseError(
            f"'{key}' does not hold shares of classes", where="target",
            expected="fractions from 0 to 1 with a sum of 1", got=str(target.dtype),
        )  # fmt: skip
    return Truth(target.float(), torch.ones_like(target[:, 0], dtype=torch.bool))


def label_map(
    pred: Tensor, target: Tensor, key: str, resize: Resize = "nearest", missing: int | None = None
) -> Truth:
    """Return the label map (b, *s) at the size of logits (b, k, *s) from a target (b, 1, *t).

    Raises:
        FuseError: naming both shapes, or the class that does not fit.
    """
    if pred.ndim < 4 or target.ndim != pred.ndim or target.shape[1] != 1:
        raise FuseError(
            "shapes do not fit", where="target",
            expected="logits (batch, classes, [z,] y, x) and a target (batch, 1, [z,] y, x)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    found = _classes(pred, target, key, missing)
    if target.shape[2:] != pred.shape[2:]:
        small = resized(torch.where(found.counted, found.values, _MISSING), pred.shape[2:], resize)
        found = Truth(small.clamp(min=0), small != _MISSING)
    return Truth(found.values[:, 0], found.counted[:, 0])


def several(
    pred: Tensor, target: Tensor, key: str, resize: Resize = "nearest", missing: int | None = None
) -> Truth:
    """Return the marks 0 to 1 of each label for logits (b, k, *s) from a target (b, k, *t); (b,) for one label.

    Raises:
        FuseError: naming both shapes, or the number that is no mark.
    """
    if pred.ndim == 2 and pred.shape[1] == 1 and target.ndim == 1:
        target = target[:, None]
    _check_labels(pred, target)
    marks = target.float()
    counted = torch.ones_like(marks, dtype=torch.bool) if missing is None else marks != missing
    wrong = counted & ~((marks >= 0) & (marks <= 1))
    if bool(wrong.any()):
        raise FuseError(f"'{key}' holds {marks[wrong][0].item():g}", where="target", expected=_marks(missing))
    if target.shape[2:] != pred.shape[2:]:
        marks = resized(torch.where(counted, marks, float(_MISSING)), pred.shape[2:], resize)
        counted = marks != _MISSING
    return Truth(torch.where(counted, marks, 0.0), counted)


def numbers(pred: Tensor, target: Tensor, key: str, missing: float | str | None) -> Truth:
    """Return the numbers of a target in the shape of a prediction (b, k) or (b, c, *s); (b,) fits (b, 1).

    Raises:
        FuseError: naming both shapes, or the number that is none.
    """
    if pred.ndim == 2 and pred.shape[1] == 1 and target.ndim == 1:
        target = target[:, None]
    if pred.shape != target.shape:
        raise FuseError(
            "shapes do not fit", where="target",
            expected="a prediction and a target of one shape: (batch, values) or (batch, channel, [z,] y, x)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    values = target.float()
    absent = torch.isnan(values) if missing == "nan" else torch.zeros_like(values, dtype=torch.bool)
    if isinstance(missing, float):
        absent = values == missing
    if not bool((absent | torch.isfinite(values)).all()):
        raise FuseError(
            f"'{key}' holds {values[~(absent | torch.isfinite(values))][0].item()}", where="target",
            expected="finite numbers, or `missing: nan` where a number may be missing",
        )  # fmt: skip
    return Truth(torch.where(absent, 0.0, values), ~absent)


def class_counts(truth: Truth, classes: int) -> Tensor:
    """Return how many pixels that count each sample has of each class (b, k)."""
    size = (len(truth.values), -1)
    labels = torch.where(truth.counted, truth.values, _MISSING).reshape(size)
    return torch.stack([(labels == index).sum(1) for index in range(classes)], 1).float()


def _classes(pred: Tensor, target: Tensor, key: str, missing: int | None) -> Truth:
    if pred.shape[1] == 1:
        raise FuseError(
            "the prediction has one logit, which names no class", where="pred",
            expected="2 classes or more, or a loss of labels: BinaryCrossEntropy, `activation: sigmoid`",
        )  # fmt: skip
    counted = torch.ones_like(target, dtype=torch.bool)
    if missing is not None and not target.is_floating_point():
        target = target.long()
        counted = target != missing
        target = torch.where(counted, target, 0)
    check_target(pred, target, key)
    return Truth(target.long(), counted)


def _check_labels(pred: Tensor, target: Tensor) -> None:
    if pred.shape[:2] == target.shape[:2] and pred.ndim == target.ndim:
        return
    one = target.ndim == 1 or (target.ndim == pred.ndim and target.shape[1] == 1)
    if one and pred.ndim > 1 and pred.shape[1] > 1:
        raise FuseError(
            f"the target holds one class, the prediction {pred.shape[1]} labels that do not exclude each other",
            where="target", expected="a mark for each label, or a loss of classes: CrossEntropy, "
            "SegmentationCrossEntropy, `activation: softmax`", got=str(tuple(target.shape)),
        )  # fmt: skip
    raise FuseError(
        "shapes do not fit", where="target",
        expected="logits and a target (batch, labels) or (batch, labels, [z,] y, x)",
        got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
    )  # fmt: skip


def _marks(missing: Any) -> str:
    return "marks from 0 to 1" + (", or `missing` to say what stands for no label" if missing is None else "")
