"""Dice and cross-entropy in one, the usual loss of segmentation."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from fuse_engine.core.registry import register
from fuse_engine.losses.classification import BinaryCrossEntropy, SegmentationCrossEntropy
from fuse_engine.losses.overlap import Dice, RegionLoss


@register
class DiceCrossEntropy(RegionLoss):
    """Dice loss plus the cross-entropy of pixels; with a sigmoid, of each label."""

    dice_weight: float = Field(1.0, ge=0)
    """Factor of the Dice loss, to which alone `ignore` applies."""
    cross_entropy_weight: float = Field(1.0, ge=0)
    """Factor of the cross-entropy."""
    smooth: float = Field(1.0, gt=0)
    """Pixels added above and below the fraction of the Dice loss."""
    batch: bool = False
    """Take all samples of the batch as one picture in the Dice loss."""
    squared: bool = False
    """Square the probabilities below the fraction of the Dice loss."""

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the weighted sum of both.

        Raises:
            FuseError: when shapes or classes do not fit, or every class is ignored.
        """
        entropy = SegmentationCrossEntropy if self.activation == "softmax" else BinaryCrossEntropy
        dice, other = (
            cls.model_construct(**{name: getattr(self, name) for name in cls.model_fields if hasattr(self, name)})
            for cls in (Dice, entropy)
        )
        overlap = dice.average(pred, target, weights)
        return self.dice_weight * overlap + self.cross_entropy_weight * other.average(pred, target, weights)
