"""A curtain over the screen: what a picture was before a step, drawn over the left part of what it is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import canonical
from fuse_gui.models.screen import Screen

NAME = "before"
"""The picture of the screen that is the curtain."""


class Wipe:
    """Draws the part of a picture that lies towards the patient's right, up to a share of its width."""

    def __init__(self, screen: Screen) -> None:
        """Take the screen; the curtain is open."""
        self._screen = screen
        self._picture: Mapping[str, Any] | None = None
        self.share = 0.0
        """How far the curtain is drawn, from 0, open, to 1."""

    @property
    def possible(self) -> bool:
        """Whether there is a picture to draw."""
        return self._picture is not None

    def hang(self, picture: Mapping[str, Any] | None) -> None:
        """Take the engine's picture from before the step; None where there is none."""
        self._picture = picture
        self._draw()

    def draw_to(self, share: float) -> None:
        """Draw the curtain to a share of the width."""
        self.share = min(max(share, 0.0), 1.0)
        self._draw()

    def _draw(self) -> None:
        if self._picture is None or not self.share:
            self._screen.hide(NAME)
            return
        turned = canonical(self._picture["array"], Geometry.from_json(self._picture["geometry"]))
        columns = max(1, round(self.share * turned.array.shape[-1]))
        array = turned.array[..., :columns]
        dims = array.ndim - 1
        geometry = Geometry(
            tuple(reversed(array.shape[1:])), tuple(reversed(turned.scale)), tuple(reversed(turned.translate)),
            tuple(np.eye(dims).ravel().tolist()),
        )  # fmt: skip
        self._screen.show(NAME, array, geometry, bool(self._picture["label"]))
