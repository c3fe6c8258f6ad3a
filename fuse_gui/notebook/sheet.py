"""The contact sheet in a notebook: a picture and a button for each draw."""

from __future__ import annotations

import threading

import ipywidgets as W

from fuse_gui.models.draw import DrawModel
from fuse_gui.models.look import Look
from fuse_gui.models.sheet import Sheet, Tile
from fuse_gui.notebook.controls import Text, button, show
from fuse_gui.notebook.screen import head_up, jpeg

WIDTH = 172
"""Pixels of a tile."""


class TileView(W.VBox):  # type: ignore[misc]
    """One picture, and the button that looks at its draw; a picture of a notebook takes no clicks."""

    def __init__(self, sheet: Sheet, index: int) -> None:
        """Take which tile of the sheet it is."""
        self.image = W.Image(format="jpeg", layout={"width": f"{WIDTH}px", "object_fit": "contain"})
        self.choose = button("", sheet.help, lambda: sheet.choose(index), f"{WIDTH}px")
        self.choose.add_class("fuse-tile")
        super().__init__([self.image, self.choose], layout={"width": f"{WIDTH + 8}px", "align_items": "center"})
        self._tile: Tile | None = None

    def say(self, tile: Tile, axis: int, chosen: bool) -> None:
        """Show a tile, a slice along an axis (z, y, x)."""
        if tile is not self._tile:
            self._tile = tile
            self.image.value = jpeg(head_up(tile.picture, axis), WIDTH)
            self.choose.description = tile.title
        self.choose.button_style = "info" if chosen else ""


class SheetView(W.VBox):  # type: ignore[misc]
    """A menu for the kind of sheet, and the tiles."""

    def __init__(self, model: Sheet, draw: DrawModel, look: Look) -> None:
        """Follow the sheet."""
        self._model, self._draw_model, self._look, self._drawing = model, draw, look, threading.RLock()
        self.kind = W.ToggleButtons(
            options=[(label, kind) for kind, label in model.kinds.items()], style={"button_width": "auto"},
            tooltips=list(model.kind_helps.values()),
        )  # fmt: skip
        self.state, self.grid = Text(), W.GridBox()
        self._tiles: list[TileView] = []
        super().__init__([self.kind, Text(model.help), self.state, self.grid])
        self.add_class("fuse-sheet")
        self.kind.observe(lambda change: model.set_kind(change["new"]), "value")
        model.changed.connect(self.draw)
        draw.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show the sheet as it is now."""
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            self._draw()

    def _draw(self) -> None:
        model = self._model
        tiles, axis = model.tiles, 0 if self._look.flat else self._look.axis
        while len(self._tiles) < len(tiles):
            self._tiles.append(TileView(model, len(self._tiles)))
        for tile, view in zip(tiles, self._tiles, strict=False):
            view.say(tile, axis, tile.plain == self._draw_model.plain)
        if len(self.grid.children) != len(tiles):
            self.grid.children = tuple(self._tiles[: len(tiles)])
        self.grid.layout.grid_template_columns = f"repeat({model.columns}, {WIDTH + 10}px)"
        self.kind.value = model.kind
        self.state.say(model.state)
        show(self.grid, bool(tiles))
