"""Augmentations that mix neighbouring pixels."""

from __future__ import annotations

from math import ceil, exp

import numpy as np
import torch
from torch import Tensor

from fuse_engine.augment.base import Augmentation, NonNegativeRange, Params, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

_REACH = 4
"""Standard deviations after which the bell curve is cut off."""


@register
class Blur(Augmentation):
    """Blurs by a bell curve; the edge pixels go on outside."""

    sigma: NonNegativeRange = (0.0, 1.0)
    """Standard deviation of the bell curve, in pixels."""

    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw the width."""
        return {"sigma": uniform(rng, self.sigma)}

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the blurred image."""
        sigma = params["sigma"]
        radius = ceil(_REACH * sigma)
        if label or radius == 0:
            return image.clone()
        bell = [exp(-0.5 * (step / sigma) ** 2) for step in range(radius + 1)]
        total = bell[0] + 2 * sum(bell[1:])
        for axis in range(1, image.ndim):
            image = _along(image, axis, [weight / total for weight in bell])
        return image


def _along(image: Tensor, axis: int, weights: list[float]) -> Tensor:
    """Return the weighted sum of the neighbours along one axis; sums of shifts are the same for any threads."""
    size, radius = image.shape[axis], len(weights) - 1
    places = torch.arange(-radius, size + radius).clamp_(0, size - 1)
    wide = image.index_select(axis, places)
    result = image * weights[0]
    for step, weight in enumerate(weights[1:], 1):
        both = wide.narrow(axis, radius - step, size) + wide.narrow(axis, radius + step, size)
        result += both.mul_(weight)
    return result
