"""A contact sheet: one plane of the sample in many draws, or at the corners of what can be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.calm import Calm
from fuse_gui.models.draw import DRAWS, ENDS, DrawModel
from fuse_gui.models.look import Look
from fuse_gui.models.outline import tile_of
from fuse_gui.models.project import Project
from fuse_gui.models.stage import Stage
from fuse_gui.models.subject import subject

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


class Sheet:
    """The tiles of the sheet, made while somebody looks."""

    title = "Contact sheet"
    help = "One plane in many draws; click a picture to look at its draw"
    kinds = {"draws": "Draws", "corners": "Corners"}  # noqa: RUF012
    kind_helps = {  # noqa: RUF012
        "draws": "This draw and the next ones",
        "corners": "The smallest and the largest numbers of every step together, then of each step alone",
    }

    changed = Signal()
    """There is another sheet, or it is out of date."""

    def __init__(self, project: Project, draw: DrawModel, look: Look, stage: Stage) -> None:
        """Take what decides which planes are asked for."""
        self._project, self._draw, self._look, self._stage = project, draw, look, stage
        self._calm = Calm(project, self._ask, CALM)
        self._open = False
        self.kind = "draws"
        self.first = 1
        self.tiles: tuple[Tile, ...] = ()
        self.columns = COLUMNS
        self.stale = False
        self.error = ""
        self._made: tuple[object, NDArray[np.uint8] | None] = (None, None)
        draw.changed.connect(self._draw_changed)
        look.changed.connect(self.poke)

    @property
    def state(self) -> str:
        """Why there is no sheet, or that it is out of date."""
        return self.error or ("drawing …" if self.stale else "")

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

    def set_open(self, is_open: bool) -> None:
        """Say whether anybody looks at the sheet."""
        self._open = is_open
        if is_open:
            self.stale = True
            self._ask()
        self.changed.emit()

    def poke(self) -> None:
        """Say that the sheet is out of date."""
        if self._open:
            self.stale = True
            self._calm.poke()
            self.changed.emit()

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

    def _ask(self) -> None:
        if not self._open or not self._project.sample_id or "image" not in self._stage.before:
            return
        wanted, plane = self.wanted(), self._look.stored
        self._project.ask(
            "augment_sheet", "augment_sheet", self._arrived, failed=self._failed, about=subject(self._project),
            read=lambda reply: self._tiles([title for title, _ in wanted], reply["tiles"]),
            id=self._project.sample_id, draws=[dict(plain) for _, plain in wanted],
            axis=plane.axis, place=plane.place, keys=list(self._stage.keys.values()),
        )  # fmt: skip

    def _tiles(self, titles: Sequence[str], found: Sequence[Mapping[str, Any]]) -> tuple[Tile, ...]:
        """Return the tiles of an answer, away from the thread of the panels."""
        made = []
        size: tuple[int, int] | None = None
        for title, tile in zip(titles, found, strict=True):
            keys = self._stage.keys.items()
            planes = {name: self._look.upright(tile["planes"][key]) for name, key in keys if key in tile["planes"]}
            size = size or _tile_size(next(iter(planes.values())).shape[1:], self._look.proportion)
            about = "" if tile.get("exact", True) else " ~"
            made.append(Tile(title + about, tile["draw"], tile_of(planes, self._stage.limits, size)))
        return tuple(made)

    def _arrived(self, tiles: tuple[Tile, ...]) -> None:
        self.tiles, self.stale, self.error = tiles, False, ""
        self.columns = COLUMNS if self.kind == "draws" else len(ENDS) * round((len(tiles) / 2) ** 0.5)
        self.changed.emit()

    def _failed(self, error: FuseError) -> None:
        self.tiles, self.stale, self.error = (), False, str(error)
        self.changed.emit()

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
            pen.text((x + 4, y + 2), tile.title, fill=INK, font=font, stroke_width=1, stroke_fill=(0, 0, 0))
        return np.asarray(picture)


def _tile_size(shape: Sequence[int], proportion: float) -> tuple[int, int]:
    """Return height and width in pixels of tiles that are as long as `SIDE`."""
    high, wide = shape[0] * proportion, float(shape[1])
    scale = SIDE / max(high, wide)
    return max(round(high * scale), 16), max(round(wide * scale), 16)
