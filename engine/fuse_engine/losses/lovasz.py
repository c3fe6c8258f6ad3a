"""The loss whose decrease is that of the Jaccard index."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fuse_engine.core.registry import register
from fuse_engine.losses.base import weighted_mean
from fuse_engine.losses.overlap import RegionLoss, over_classes


@register
class Lovasz(RegionLoss):
    """Lovasz-softmax loss of the classes present in a sample; with a sigmoid, Lovasz hinge loss of each label."""

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over samples and the classes present in each (Berman, Triki and Blaschko 2018).

        Raises:
            FuseError: when shapes or classes do not fit, or every class is ignored.
        """
        truth, kept = self.region_truth(pred, target), self.kept(pred.shape[1])
        marks, counted = self.marks(truth, kept)
        marks, valid = (marks > 0.5).float().flatten(2), counted.flatten(2)
        if self.activation == "softmax":
            errors = (marks - pred.float().softmax(1)[:, kept].flatten(2)).abs()
            there = (marks > 0).any(2)
        else:
            errors = (1 - pred.float()[:, kept].flatten(2) * (2 * marks - 1)).relu()
            there = valid.any(2)
        losses = extended(torch.where(valid, errors, 0.0), marks)
        factors = self.region_factors(truth, pred.shape[1], kept).to(pred.device)
        return weighted_mean(*over_classes(losses, there, factors), weights)


def extended(errors: Float[Tensor, "b k n"], marks: Float[Tensor, "b k n"]) -> Float[Tensor, "b k"]:
    """Return the Lovasz extension of the Jaccard loss at errors from 0 up of pixels with marks 0 or 1."""
    found, order = errors.sort(dim=2, descending=True, stable=True)
    true = marks.gather(2, order).long()
    left = true.sum(2, keepdim=True) - true.cumsum(2)
    union = true.sum(2, keepdim=True) + (1 - true).cumsum(2)
    jaccard = 1 - left / union
    slope = torch.cat([jaccard[..., :1], jaccard[..., 1:] - jaccard[..., :-1]], 2)
    return (found * slope.detach()).sum(2)
