"""Augmentations that bring out edges, in every plane (y, x) by itself; after imgaug's `convolutional`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from math import acos, cos, hypot, pi, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels.filter import planar
from fuse_engine.core.distribution import Distribution, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
Weights = NDArray[np.float64]


class _Overlay(Intensity):
    """Lays weighted sums of the 3 x 3 neighbours over the image."""

    alpha: Distribution = Field(uniform(0.0, 0.3), ge=0, le=1)
    """Share of the edges in the result; 0 changes nothing."""

    def margin(self, params: Params) -> int:
        """Return how far the neighbours are."""
        return 1

    @abstractmethod
    def weights(self, params: Params) -> Weights:
        """Return the weights of the neighbours (y, x), 3 x 3."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image with edges."""
        weights = params["alpha"] * self.weights(params)
        weights[1, 1] += 1 - params["alpha"]
        planes = np.ascontiguousarray(image, np.float32).reshape(-1, *image.shape[-2:])
        found = np.empty_like(planes)
        planar(planes, found, weights.astype(np.float32))
        return found.reshape(image.shape)


@register
class EdgeDetect(_Overlay):
    """Lays the edges of an image over it: the sum of the differences to four neighbours."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the share."""
        return {"alpha": chance.number(self.alpha)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no share."""
        return {"alpha": 0.0}

    def weights(self, params: Params) -> Weights:
        """Return the weights of the Laplace filter."""
        return np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])


@register
class DirectedEdgeDetect(_Overlay):
    """Lays the edges of bright parts that face one direction over the image."""

    direction: Distribution = uniform(0.0, 1.0)
    """Where the edges face, as a share of a full turn: 0 is up, 0.25 right."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the share and the direction."""
        return {"alpha": chance.number(self.alpha), "direction": chance.number(self.direction)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no share."""
        return {"alpha": 0.0, "direction": 0.0}

    def weights(self, params: Params) -> Weights:
        """Return the pixel less its neighbours; those in the direction count most."""
        angle = (params["direction"] - 0.25) * 2 * pi
        towards = np.zeros((3, 3))
        for y in (-1, 0, 1):
            for x in (-1, 0, 1):
                if x or y:
                    along = (x * cos(angle) + y * sin(angle)) / hypot(x, y)
                    towards[y + 1, x + 1] = (1 - acos(min(max(along, -1.0), 1.0)) / pi) ** 4
        towards /= -towards.sum()
        towards[1, 1] = 1.0
        return towards


@register
class Emboss(_Overlay):
    """Lights the image from the upper left, as if bright parts were raised from a plate."""

    strength: Distribution = Field(uniform(0.5, 1.5), ge=0)
    """How strong light and shadow are; 1 is usual."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the share and the strength."""
        return {"alpha": chance.number(self.alpha), "strength": chance.number(self.strength)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no share."""
        return {"alpha": 0.0, "strength": 1.0}

    def weights(self, params: Params) -> Weights:
        """Return what rises towards the lower right."""
        s = params["strength"]
        return np.array([[-1 - s, -s, 0.0], [-s, 1.0, s], [0.0, s, 1 + s]])
