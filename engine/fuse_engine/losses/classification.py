"""Cross-entropies: of one class, and of labels that do not exclude each other."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from fuse_engine.core.keys import ClassKey, ClassOrMapKey, LogitsKey, MapKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Activation, per_sample, weighted_mean
from fuse_engine.losses.class_weights import ClassLoss, ClassWeights, listed
from fuse_engine.losses.resize import Resize
from fuse_engine.losses.truth import Truth, class_counts, label_map, one_class, several, shares

LABEL = 1.0
"""Factor of a label that nothing in the batch has, where factors follow from how often labels are there: that it
is absent is still to be learned."""


@register
class CrossEntropy(ClassLoss):
    """Cross-entropy of one class a sample."""

    takes_shares: ClassVar[bool] = True

    pred: LogitsKey
    """Logits (batch, classes), e.g. `model.logits.classifier`."""
    target: ClassKey
    """Class of each sample (batch,), e.g. `data.gt.classification`; or shares of all classes (batch, classes)."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the truth that is spread evenly over all classes."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        return "softmax"

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over the batch, weighted by the true classes.

        Raises:
            FuseError: when shapes, classes or weights do not fit.
        """
        if target.ndim == 2:
            truth = shares(pred, target, self.target)
            factors = self.factors(pred.shape[1], lambda: truth.values.sum(0))
        else:
            truth = one_class(pred, target, self.target, self.missing)
            factors = self.factors(pred.shape[1], lambda: class_counts(truth, pred.shape[1]).sum(0))
        return weighted_mean(*cross_entropy(pred, truth, factors, self.label_smoothing), weights)


@register
class SegmentationCrossEntropy(ClassLoss):
    """Cross-entropy of one class a pixel; a target of another size is resized."""

    pred: LogitsKey
    """Logits (batch, classes, [z,] y, x), e.g. `model.logits.segmentation`."""
    target: MapKey
    """Label map (batch, 1, [z,] y, x), e.g. `data.gt.segmentation`."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the truth that is spread evenly over all classes."""
    resize: Resize = "nearest"
    """How a label map of another size gets that of the logits: its nearest pixel, or the highest class of a block,
    with which small structures survive."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        return "softmax"

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over all pixels, weighted by their true classes.

        Raises:
            FuseError: when shapes, classes or weights do not fit.
        """
        truth = label_map(pred, target, self.target, self.resize, self.missing)
        factors = self.factors(pred.shape[1], lambda: class_counts(truth, pred.shape[1]).sum(0))
        return weighted_mean(*cross_entropy(pred, truth, factors, self.label_smoothing), weights)


@register
class BinaryCrossEntropy(ClassLoss):
    """Cross-entropy of labels that do not exclude each other, one logit each, of samples or pixels."""

    pred: LogitsKey
    """Logits (batch, labels) or (batch, labels, [z,] y, x) of a head with a sigmoid; one logit is a yes or no."""
    target: ClassOrMapKey
    """Marks 0 or 1 of each label in the shape of the logits, fractions too; (batch,) where there is one label."""
    positive_weights: ClassWeights | None = None
    """One factor a label of where it is there, e.g. how many more times it is not; all 1 where empty."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """How far marks are drawn towards one half: of 0.1, 0 becomes 0.05 and 1 becomes 0.95."""
    resize: Resize = "nearest"
    """How marks of another size get that of the logits: the nearest pixel, or the highest mark of a block."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        return "sigmoid"

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over samples, labels and pixels, weighted by the labels.

        Raises:
            FuseError: when shapes, marks or weights do not fit.
        """
        truth, labels = several(pred, target, self.target, self.resize, self.missing), pred.shape[1]
        axes = (0, *range(2, pred.ndim))
        factors = by_label(self.factors(labels, lambda: truth.values.sum(axes), LABEL), pred)
        given = self.positive_weights
        positive = None if given is None else listed(given, labels, "positive_weights")
        marks = truth.values * (1 - self.label_smoothing) + self.label_smoothing / 2
        each = F.binary_cross_entropy_with_logits(
            pred.float(), marks, pos_weight=by_label(positive, pred), reduction="none"
        )
        return weighted_mean(*per_label(each, truth.counted, factors), weights)


def by_label(factors: Tensor | None, pred: Tensor) -> Tensor:
    """Return factors (k,) beside logits (b, k, *s); 1 where there are none."""
    given = torch.ones(1) if factors is None else factors
    return given.to(pred.device).reshape(1, -1, *[1] * (pred.ndim - 2))


def per_label(
    values: Float[Tensor, "b k *s"], counted: Bool[Tensor, "b k *s"], factors: Float[Tensor, " ..."]
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Return for each sample the weighted sum of the values that count, and the sum of their weights."""
    mass, _ = per_sample(factors.expand_as(values), counted)
    sums, _ = per_sample(factors * values, counted)
    return sums, mass


def cross_entropy(
    pred: Float[Tensor, "b k *s"], truth: Truth, factors: Float[Tensor, " k"] | None, smoothing: float = 0.0
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Return the weighted sum of each sample, and the sum of its weights: those of the true classes."""
    pred, counted = pred.float(), truth.counted
    factors = None if factors is None else factors.to(pred.device)
    each = F.cross_entropy(pred, truth.values, factors, reduction="none", label_smoothing=smoothing)
    sums, count = per_sample(each, counted)
    if factors is None:
        return sums, count
    shared = truth.values.is_floating_point()
    counts = truth.values if shared else class_counts(truth, pred.shape[1])
    return sums, (counts * factors).sum(1)
