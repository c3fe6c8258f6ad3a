"""Augmentations of colour, for RGB images; values from 0 (black) up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Applied, Intensity, Params, Part, Scene
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels.colour import shifted
from fuse_engine.core.distribution import Distribution, constant, uniform
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
_LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in brightness (ITU-R BT.601)."""


class Coloured(Intensity):
    """Changes RGB images."""

    def decide(self, step: str, chance: Chance, scene: Scene) -> tuple[list[Applied], Scene]:
        """Draw the parameters.

        Raises:
            FuseError: when an image has not three channels.
        """
        drawn = super().decide(step, chance, scene)
        for key in self.keys:
            if key not in scene.labels:
                self.refuse(scene.channels[key])
        return drawn

    def refuse(self, channels: int) -> None:
        """Raise unless there are three channels.

        Raises:
            FuseError: when there are more or fewer.
        """
        if channels != 3:
            got = f"{channels} channel{'s' if channels != 1 else ''}"
            raise FuseError(f"{self.name()} changes RGB images", expected="3 channels", got=got)


@register
class ColourJitter(Coloured):
    """Turns the hues of an RGB image and changes how colourful and how bright it is."""

    hue: Distribution = Field(uniform(-0.02, 0.02), ge=-1, le=1)
    """Turn of the colour circle; 1 is the whole circle."""
    saturation: Distribution = Field(uniform(0.8, 1.2), ge=0)
    """Factor of the saturation; 0 leaves no colour."""
    value: Distribution = Field(uniform(0.9, 1.1), ge=0)
    """Factor of the largest of red, green and blue."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the turn and the factors."""
        return {name: chance.number(getattr(self, name)) for name in ("hue", "saturation", "value")}

    def neutral(self, grid: Geometry) -> Params:
        """Return no turn, and the factors 1."""
        return {"hue": 0.0, "saturation": 1.0, "value": 1.0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image in other colours.

        Raises:
            FuseError: when the image has not three channels.
        """
        self.refuse(len(image))
        pixels = np.ascontiguousarray(image, np.float32).reshape(3, -1)
        found = np.empty_like(pixels)
        factors = (np.float32(params[name]) for name in ("hue", "saturation", "value"))
        shifted(pixels, found, *factors)
        return found.reshape(image.shape)


@register
class Grayscale(Coloured):
    """Takes the colour out of an RGB image; it keeps its three channels."""

    alpha: Distribution = Field(constant(1.0), ge=0, le=1)
    """Share of the grey image in the result; 0 changes nothing."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the share."""
        return {"alpha": chance.number(self.alpha)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no share."""
        return {"alpha": 0.0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the greyer image.

        Raises:
            FuseError: when the image has not three channels.
        """
        self.refuse(len(image))
        shares = [np.float32(share * params["alpha"]) for share in _LUMA]
        red, green, blue = image
        found: Pixels = image * np.float32(1 - params["alpha"])
        found += red * shares[0] + green * shares[1] + blue * shares[2]
        return found
