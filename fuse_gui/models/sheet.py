"""A contact sheet: one plane of the sample in many draws, or at the corners of what can be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fuse_gui.models.draw import DRAWS, ENDS, DrawModel
from fuse_gui.models.foldout import Foldout
from fuse_gui.models.look import Look
from fuse_gui.models.outline import tile_of
from fuse_gui.models.project import Project
from fuse_gui.models.stage import Stage

COUNT, COLUMNS = 9, 3
SIDE, GAP = 168, 4
"""Pixels of the longer side of a tile, and between two tiles."""
CALM = 0.15
"""Seconds without a change after which the sheet is made again."""
LETTERS = 14
"""Pixels of the height of a title."""
CHOSEN, PAPER, INK = (64, 128, 220), (30, 32, 38), (255, 236, 150)


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of the sheet."""

    title: str
    plain: Mapping[str, Any]
    """The draw as the engine takes it."""
    picture: NDArray[np.uint8]
    """(y, x, 3)."""


class Sheet(Foldout):
    """The tiles of the sheet."""

    method = "augment_sheet"

    title = "Contact sheet"
    help = "One plane in many draws; click a picture to look at its draw"
    kinds = {"draws": "Draws", "corners": "Corners"}  # noqa: RUF012
    kind_helps = {  # noqa: RUF012
        "draws": "This draw and the next ones",
        "corners": "The smallest and the largest numbers of every step together, then of each step alone",
    }

    def __init__(self, project: Project, draw: DrawModel, look: Look, stage: Stage) -> None:
        """Take what decides which planes are asked for."""
        super().__init__(project, CALM)
        self._draw, self._look, self._stage = draw, look, stage
        self.kind = "draws"
        self.first = 1
        self.tiles: tuple[Tile, ...] = ()
        self.columns = COLUMNS
        self._titles: tuple[str, ...] = ()
        self._made: tuple[object, NDArray[np.uint8] | None] = (None, None)
        draw.changed.connect(self._draw_changed)
        look.changed.connect(self.poke)

    @property
    def picture(self) -> NDArray[np.uint8] | None:
        """All tiles with their titles (y, x, 3), the one that is looked at framed; None where there are none."""
        made_of = (self.tiles, self._draw.plain)
        if self._made[0] != made_of:
            self._made = (made_of, self._compose() if self.tiles else None)
        return self._made[1]

    def tile_at(self, x: int, y: int) -> int:
        """Return the tile at a pixel of the picture, -1 where there is none."""
        if not self.tiles:
            return -1
        high, wide = self.tiles[0].picture.shape[:2]
        row, column = (y - GAP) // (high + GAP), (x - GAP) // (wide + GAP)
        index = row * self.columns + column
        return index if 0 <= column < self.columns and 0 <= index < len(self.tiles) else -1

    def choose(self, index: int) -> None:
        """Look at the draw of a tile."""
        if 0 <= index < len(self.tiles):
            self._draw.look_at(self.tiles[index].plain)

    def set_kind(self, kind: str) -> None:
        """Show draws, or corners."""
        if kind in self.kinds and kind != self.kind:
            self.kind, self.tiles = kind, ()
            self.poke()

    def wanted(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return title and draw of every tile."""
        if self.kind == "draws":
            numbers = range(self.first, self.first + COUNT)
            return [(f"draw {number}", self._draw.plain_of(number)) for number in numbers]
        steps = self._project.experiment.augmentation if self._project.experiment else []
        names = [("all", None), *((step.name, str(index)) for index, step in enumerate(steps))]
        return [
            (f"{name} {end}", {"extreme": end} | ({} if only is None else {"only": only}))
            for name, only in names
            for end in ENDS
        ]

    def _draw_changed(self) -> None:
        first = (self._draw.number - 1) // COUNT * COUNT + 1
        first = min(first, DRAWS - COUNT + 1)
        known = [tile.plain for tile in self.tiles]
        if self._draw.plain in known or (self.kind == "corners" and known):
            self.changed.emit()
            return
        self.first = first
        self.poke()

    @property
    def _ready(self) -> bool:
        return super()._ready and "image" in self._stage.before

    def _question(self) -> dict[str, Any]:
        wanted, plane = self.wanted(), self._look.stored
        self._titles = tuple(title for title, _ in wanted)
        draws, keys = [dict(plain) for _, plain in wanted], list(self._stage.keys.values())
        return {"draws": draws, "axis": plane.axis, "place": plane.place, "keys": keys}

    def _read(self, reply: Mapping[str, Any]) -> tuple[Tile, ...]:
        made: list[Tile] = []
        size: tuple[int, int] | None = None
        for title, tile in zip(self._titles, reply["tiles"], strict=True):
            keys = self._stage.keys.items()
            planes = {name: self._look.upright(tile["planes"][key]) for name, key in keys if key in tile["planes"]}
            size = size or _tile_size(next(iter(planes.values())).shape[1:], self._look.proportion)
            about = "" if tile.get("exact", True) else " ~"
            made.append(Tile(title + about, tile["draw"], tile_of(planes, self._stage.limits, size)))
        return tuple(made)

    def _take(self, found: tuple[Tile, ...]) -> None:
        self.tiles = found
        self.columns = COLUMNS if self.kind == "draws" else len(ENDS) * round((len(found) / 2) ** 0.5)

    def _drop(self) -> None:
        self.tiles = ()

    def _compose(self) -> NDArray[np.uint8]:
        high, wide = self.tiles[0].picture.shape[:2]
        rows = -(-len(self.tiles) // self.columns)
        sheet = np.empty((rows * (high + GAP) + GAP, self.columns * (wide + GAP) + GAP, 3), np.uint8)
        sheet[:] = PAPER
        for index, tile in enumerate(self.tiles):
            y, x = self._corner(index)
            if tile.plain == self._draw.plain:
                sheet[y - GAP : y + high + GAP, x - GAP : x + wide + GAP] = CHOSEN
            sheet[y : y + high, x : x + wide] = tile.picture
        return self._titled(sheet)

    def _corner(self, index: int) -> tuple[int, int]:
        high, wide = self.tiles[0].picture.shape[:2]
        row, column = divmod(index, self.columns)
        return GAP + row * (high + GAP), GAP + column * (wide + GAP)

    def _titled(self, sheet: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture = Image.fromarray(sheet)
        pen, font = ImageDraw.Draw(picture), ImageFont.load_default(LETTERS)
        for index, tile in enumerate(self.tiles):
            y, x = self._corner(index)
            left, top, right, bottom = pen.textbbox((x + 4, y + 2), tile.title, font=font)
            pen.rectangle((left - 3, top - 2, right + 3, bottom + 2), fill=PAPER)
            pen.text((x + 4, y + 2), tile.title, fill=INK, font=font)
        return np.asarray(picture)


def _tile_size(shape: Sequence[int], proportion: float) -> tuple[int, int]:
    """Return height and width in pixels of tiles that are as long as `SIDE`."""
    high, wide = shape[0] * proportion, float(shape[1])
    scale = SIDE / max(high, wide)
    return max(round(high * scale), 16), max(round(wide * scale), 16)
