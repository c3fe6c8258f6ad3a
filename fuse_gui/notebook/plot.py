"""A plot in a notebook, as a picture."""

from __future__ import annotations

import ipywidgets as widgets

from fuse_gui.models.painter import png
from fuse_gui.models.plot import Figure

WIDTH, HEIGHT = 880, 300


class PlotView(widgets.Image):  # type: ignore[misc]
    """Draws a description."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        """Take the size in pixels."""
        super().__init__(format="png", layout=widgets.Layout(max_width="100%", object_fit="contain"))
        self._size = width, height

    def draw(self, figure: Figure) -> None:
        """Show another plot."""
        self.value = png(figure, *self._size)
