"""A curtain over the screen: what a picture was before a step, drawn over the left part of what it is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import Canonical, canonical
from fuse_gui.models.screen import Screen

NAME = "before"
"""The picture of the screen that is the curtain."""


class Wipe:
    """Draws the part of a picture that lies towards the patient's right, up to a share of its width."""

    def __init__(self, screen: Screen) -> None:
        """Take the screen; the curtain is open."""
        self._screen = screen
        self._picture: Mapping[str, Any] | None = None
        self._over: Mapping[str, Any] | None = None
        self.share = 0.0
        """How far the curtain is drawn, from 0, open, to 1."""

    @property
    def possible(self) -> bool:
        """Whether there is a picture to draw."""
        return self._picture is not None

    def hang(self, picture: Mapping[str, Any] | None, over: Mapping[str, Any] | None = None) -> None:
        """Take the engine's pictures from before and after the step; None where there is none."""
        self._picture, self._over = (picture, over) if over is not None else (None, None)
        self._draw()

    def draw_to(self, share: float) -> None:
        """Draw the curtain to a share of the width."""
        self.share = min(max(share, 0.0), 1.0)
        self._draw()

    def _draw(self) -> None:
        if self._picture is None or self._over is None or not self.share:
            self._screen.hide(NAME)
            return
        own = Geometry.from_json(self._picture["geometry"])
        turned = canonical(self._picture["array"], own)
        place = _beside(own, turned, Geometry.from_json(self._over["geometry"]))
        array = turned.array[..., : columns(self.share, turned.array.shape[-1])]
        dims = array.ndim - 1
        geometry = Geometry(
            tuple(reversed(array.shape[1:])), tuple(reversed(turned.scale)), tuple(reversed(place)),
            tuple(np.eye(dims).ravel().tolist()),
        )  # fmt: skip
        self._screen.show(NAME, array, geometry, bool(self._picture["label"]))


def columns(share: float, wide: int) -> int:
    """Return how many columns of a picture are covered."""
    return max(1, round(share * wide))


def _beside(own: Geometry, turned: Canonical, other: Geometry) -> tuple[float, ...]:
    """Return where the first pixel is drawn, mm along [z,] y, x, so that it lies right over the other picture.

    An oblique grid is drawn as if it were straight, about its own centre: what was cut off a grid must be measured
    along its axes, or the curtain hangs beside what it covers.
    """
    axes = own.matrix[:, [own.dims - 1 - axis for axis in turned.order]] * np.where(turned.flipped, -1, 1)
    middle = _middle(other)
    along = (_middle(own) - middle) @ axes
    half = np.multiply(turned.scale, np.subtract(turned.array.shape[1:], 1)) / 2
    return tuple((middle[::-1] + along - half).tolist())


def _middle(geometry: Geometry) -> NDArray[np.float64]:
    return np.asarray(geometry.point(tuple((size - 1) / 2 for size in geometry.shape)), np.float64)
