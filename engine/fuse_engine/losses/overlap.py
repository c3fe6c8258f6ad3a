"""Losses of how far two regions overlap."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import LogitsKey, MapKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Activation, weighted_mean
from fuse_engine.losses.class_weights import ClassLoss
from fuse_engine.losses.resize import Resize
from fuse_engine.losses.truth import Truth, class_counts, label_map, several

_LEAST = 1e-7
"""Smallest loss whose power is differentiated: at 0 an exponent below 1 has no finite slope."""


class RegionLoss(ClassLoss):
    """A loss of regions, one a class."""

    pred: LogitsKey
    """Logits (batch, classes, [z,] y, x), e.g. `model.logits.segmentation`."""
    target: MapKey
    """Label map (batch, 1, [z,] y, x), e.g. `data.gt.segmentation`; with a sigmoid marks 0 or 1 in the shape of
    the logits."""
    activation: Literal["softmax", "sigmoid"] = "softmax"
    """What the head makes of its logits: shares of classes, or each label by itself."""
    resize: Resize = "nearest"
    """How a target of another size gets that of the logits: its nearest pixel, or the highest class of a block,
    with which small structures survive."""
    ignore: list[int] = Field(default_factory=list)
    """Classes left out of the average, e.g. 0 for the background."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        return self.activation

    def known(self, batch: NestedDict, count: int) -> Tensor:
        """Return 1 for each sample (batch,) that has a label anywhere, else 0: each has one overlap."""
        return super().known(batch, count).ceil()

    def region_truth(self, pred: Tensor, target: Tensor) -> Truth:
        """Return the classes (b, *s), or marks (b, k, *s) with a sigmoid.

        Raises:
            FuseError: when shapes or classes do not fit.
        """
        if self.activation == "softmax":
            return label_map(pred, target, self.target, self.resize, self.missing)
        if pred.ndim < 4:
            raise FuseError(
                "regions need a prediction of pixels", where="pred",
                expected="logits (batch, labels, [z,] y, x)", got=str(tuple(pred.shape)),
            )  # fmt: skip
        return several(pred, target, self.target, self.resize, self.missing)

    def marks(self, truth: Truth, kept: list[int]) -> tuple[Tensor, Tensor]:
        """Return which pixels (b, k, *s) each class that is kept has, and which pixels count for it."""
        if self.activation == "sigmoid":
            return truth.values[:, kept], truth.counted[:, kept]
        marks = torch.stack([(truth.values == index) & truth.counted for index in kept], 1).float()
        return marks, truth.counted[:, None].expand_as(marks)

    def region_factors(self, truth: Truth, classes: int, kept: list[int]) -> Tensor:
        """Return the factor of each class that is kept (k,).

        Raises:
            FuseError: when their number is not that of the classes.
        """

        def counts() -> Tensor:
            if self.activation == "softmax":
                return class_counts(truth, classes).sum(0)
            return truth.values.sum((0, *range(2, truth.values.ndim)))

        # what no pixel of the batch has is still to be left out, where labels do not exclude each other
        absent = 1.0 if self.activation == "sigmoid" else 0.0
        found = self.factors(classes, counts, absent)
        return torch.ones(len(kept)) if found is None else found[kept]

    def kept(self, classes: int) -> list[int]:
        """Return the classes that are not ignored.

        Raises:
            FuseError: when an ignored class is unknown, or none is left.
        """
        kept = [index for index in range(classes) if index not in self.ignore]
        if not kept or not set(self.ignore) <= set(range(classes)):
            raise FuseError(
                "the ignored classes do not fit the prediction", where="ignore",
                expected=f"some of the classes 0 to {classes - 1}, not all", got=str(self.ignore),
            )  # fmt: skip
        return kept


class Overlap(RegionLoss):
    """A loss of what is in both, in one, and in the other of two regions."""

    smooth: float = Field(1.0, gt=0)
    """Pixels added above and below the fraction; a class absent from both counts as a perfect overlap."""
    batch: bool = False
    """Take all samples of the batch as one picture, as InnerEye does; else each sample has its overlap."""

    @abstractmethod
    def scores(self, pred: Tensor, marks: Tensor, total: Total) -> Tensor:
        """Return the loss of each sample and class (b, k) from shares and marks (b, k, *s), 0 where none count."""

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over samples and classes, weighted by the classes.

        Raises:
            FuseError: when shapes or classes do not fit, or every class is ignored.
        """
        truth, kept = self.region_truth(pred, target), self.kept(pred.shape[1])
        marks, counted = self.marks(truth, kept)
        shares = pred.float().softmax(1) if self.activation == "softmax" else pred.float().sigmoid()
        shares = torch.where(counted, shares[:, kept], 0.0)
        factors = self.region_factors(truth, pred.shape[1], kept).to(pred.device)
        total = Total(weights if self.batch else None, self.batch)
        sums, mass = over_classes(self.scores(shares, marks, total), total.any(counted), factors)
        return weighted_mean(sums, mass, None if self.batch else weights)


class Total:
    """Sums over the pixels of each sample (b, k), or of the whole batch (1, k)."""

    def __init__(self, weights: Tensor | None, batch: bool) -> None:
        """Take the weights of the samples (b,) within the batch, where it is summed over."""
        self._weights, self._batch = weights, batch

    def __call__(self, values: Float[Tensor, "b k *s"]) -> Float[Tensor, "c k"]:
        """Return the sums."""
        found = values.flatten(2).sum(2)
        if self._weights is not None:
            found = self._weights[:, None] * found
        return found.sum(0, keepdim=True) if self._batch else found

    def any(self, counted: Bool[Tensor, "b k *s"]) -> Bool[Tensor, "c k"]:
        """Return which samples and classes have a pixel that counts."""
        found = counted.flatten(2).any(2)
        if self._weights is not None:
            found = found & (self._weights > 0)[:, None]
        return found.any(0, keepdim=True) if self._batch else found


@register
class Dice(Overlap):
    """One minus the soft Dice overlap, averaged over classes and samples."""

    squared: bool = False
    """Square the probabilities below the fraction; with `batch` and a small `smooth` InnerEye's SoftDice."""

    def scores(self, pred: Tensor, marks: Tensor, total: Total) -> Tensor:
        """Return one minus the overlap of each sample and class (b, k), from 0 (perfect) to 1."""
        mass = total(pred.square() if self.squared else pred) + total(marks.square() if self.squared else marks)
        return 1 - (2 * total(pred * marks) + self.smooth) / (mass + self.smooth)


@register
class Tversky(Overlap):
    """One minus the Tversky index `both / (both + a too much + b too little)`, to a power if wanted."""

    alpha: float = Field(0.5, ge=0)
    """Factor a of what is predicted and not true; alpha = beta = 0.5 is Dice, 1 and 1 is Jaccard (IoU)."""
    beta: float = Field(0.5, ge=0)
    """Factor b of what is true and not predicted; more than alpha finds more of small structures."""
    exponent: float = Field(1.0, gt=0)
    """Power of the loss of each class; below 1, e.g. 0.75, the focal Tversky loss (Abraham and Khan 2019)."""

    def scores(self, pred: Tensor, marks: Tensor, total: Total) -> Tensor:
        """Return one minus the index of each sample and class (b, k), from 0 (perfect) to 1."""
        both = total(pred * marks)
        missed = self.alpha * (total(pred) - both) + self.beta * (total(marks) - both)
        loss = 1 - (both + self.smooth) / (both + missed + self.smooth)
        return loss if self.exponent == 1 else loss.clamp(min=_LEAST).pow(self.exponent)


def over_classes(
    losses: Float[Tensor, "b k"], there: Bool[Tensor, "b k"], factors: Float[Tensor, " k"]
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Return the mean of each sample over its classes, weighted, and 1; 0 and 0 where none counts."""
    own = factors * there
    mass = own.sum(1)
    return (own * losses).sum(1) / torch.where(mass > 0, mass, 1.0), (mass > 0).float()
