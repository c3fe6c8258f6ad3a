"""What goes wrong in k-space, the frequencies that an MR scanner measures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import fft

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.core.distribution import Distribution, constant, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]


@register
class Gibbs(Intensity):
    """Cuts off the outer part of k-space, so that edges ring; MONAI's `GibbsNoise`.

    What is kept is a ball, or an ellipsoid where the axes have different numbers of pixels.
    """

    whole = True

    cut: Distribution = Field(uniform(0.0, 0.6), ge=0, lt=1)
    """Share of the radius of k-space, from its centre to its corners, that is cut off; 0 keeps all of it."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the share."""
        return {"cut": chance.number(self.cut)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no cut."""
        return {"cut": 0.0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image of what is kept."""
        if params["cut"] == 0:
            return image.copy()
        axes, shape = tuple(range(1, image.ndim)), image.shape[1:]
        radii = np.meshgrid(
            *[2 * fft.fftfreq(size) for size in shape[:-1]],
            2 * fft.rfftfreq(shape[-1]),
            indexing="ij",
            sparse=True,
        )
        kept = sum(radius**2 for radius in radii) <= part.dims * (1 - params["cut"]) ** 2
        spectrum = fft.rfftn(image.astype(np.float32, copy=False), axes=axes, workers=1)
        spectrum *= kept
        return np.asarray(fft.irfftn(spectrum, shape, axes=axes, workers=1), np.float32)


@register
class KSpaceSpike(Intensity):
    """Adds stripes all over the image, as an electric spark during an MR scan does: single points of k-space.

    TorchIO's `RandomSpike`.
    """

    intensity: Distribution = Field(uniform(0.05, 0.3))
    """Height of a spike as a share of the highest point of k-space; TorchIO draws from 1 to 3."""
    count: Distribution = Field(constant(1), ge=0, le=100)
    """How many spikes; rounded."""
    place: Distribution = Field(uniform(-1.0, 1.0), ge=-1, le=1)
    """Where a spike lies along each axis: 0 is the centre of k-space, 1 its edge, where stripes are finest."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the height, and the places along [z,] y, x."""
        count = round(chance.number(self.count))
        spikes = [[chance.number(self.place) for _ in range(grid.dims)] for _ in range(count)]
        return {"intensity": chance.number(self.intensity), "spikes": spikes}

    def neutral(self, grid: Geometry) -> Params:
        """Return no spikes."""
        return {"intensity": 0.0, "spikes": []}

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the highest point of k-space of each channel, a pixel."""
        axes = tuple(range(1, image.ndim))
        spectrum = fft.rfftn(image.astype(np.float32, copy=False), axes=axes, workers=1)
        return {"peak": (np.abs(spectrum).max(axes) / image[0].size).tolist()}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image with a cosine for every spike, the first voxel on a crest."""
        stripes = np.zeros(image.shape[1:], np.float32)
        for spike in params["spikes"]:
            stripes += _stripes(spike, part, image.shape[1:])
        heights = np.asarray(known["peak"], np.float32) * np.float32(params["intensity"])
        return np.asarray(image + heights.reshape(-1, *[1] * part.dims) * stripes, np.float32)


def _stripes(spike: list[float], part: Part, shape: tuple[int, ...]) -> Pixels:
    """Return the cosine ([z,] y, x) of one point of k-space."""
    waves = []
    for place, start, count, size in zip(spike, part.offset, shape, part.shape, strict=True):
        # the measured points are whole numbers of waves along the image
        frequency = round(place * (size // 2)) / size
        waves.append(2 * np.pi * frequency * np.arange(start, start + count))
    *outer, last = waves
    phase = reduce(np.add.outer, outer)[..., None]
    real, imaginary = np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)
    found = real * np.cos(last).astype(np.float32)
    found -= imaginary * np.sin(last).astype(np.float32)
    return np.asarray(found)
