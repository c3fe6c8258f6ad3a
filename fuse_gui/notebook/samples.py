"""The table of samples in a notebook, a page at a time, a picture in front of each row."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Sequence

import ipywidgets as W
import numpy as np
from PIL import Image

from fuse_gui.models.data import DataModel
from fuse_gui.models.pages import Pages
from fuse_gui.models.thumbnails import Planes
from fuse_gui.notebook.controls import Text, button, show

LETTER = 8
"""Pixels of a letter."""
WIDEST = 18
"""Letters of the widest column."""
GAP = 2
"""Pixels between the planes."""
TICK = 24
"""Pixels of a box to tick."""
CELL = "display:inline-block;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;padding-right:8px;"


class SamplesView(W.VBox):  # type: ignore[misc]
    """Rows with a picture, a button with the id, and the cells; the header orders them."""

    def __init__(self, model: DataModel) -> None:
        """Follow the model."""
        self.model = model
        self.pages = Pages(model.rows)
        self.header = W.HBox(layout={"flex": "0 0 auto", "overflow": "visible"})
        self.rows = W.VBox(layout={"max_height": "420px", "overflow": "hidden auto", "flex": "0 1 auto"})
        self.space, self.tick_all = W.Box(), tick(model.ticks.all_help)
        self.words = Text()
        self.previous = button(self.pages.previous_label, "", lambda: self.pages.turn(-1), "36px")
        self.next = button(self.pages.next_label, "", lambda: self.pages.turn(1), "36px")
        inside = W.VBox([self.header, self.rows], layout={"overflow": "auto"})
        super().__init__([inside, W.HBox([self.previous, self.next, self.words])])
        self.add_class("fuse-samples")
        self._lines: list[SampleRow] = []
        self._columns: list[str] = []
        self.pages.changed.connect(self.draw)
        model.thumbnails.changed.connect(self.draw_pictures)
        model.project.sample_changed.connect(self._chosen)
        model.ticks.changed.connect(self._show_ticks)
        self.tick_all.observe(lambda change: self._tick_page(change["new"]), "value")
        self.draw()

    def draw(self) -> None:
        """Show the page as it is now."""
        rows, positions = self.model.rows, self.pages.positions
        if rows.columns != self._columns or rows.order != self._order:
            self._columns, self._order = rows.columns, rows.order
            self._widths = [(min(max(width, 4), WIDEST) + 3) * LETTER for width in rows.widths()]
            self.header.children = (self.tick_all, self.space, *map(self._head, rows.columns, self._widths))
        while len(self._lines) < len(positions):
            self._lines.append(SampleRow(self.model))
        for line, position in zip(self._lines, positions, strict=False):
            line.say(position, self._widths)
        if len(self.rows.children) != len(positions):
            self.rows.children = tuple(self._lines[: len(positions)])
        self.words.say(self.pages.words)
        self.previous.disabled, self.next.disabled = not self.pages.page, self.pages.page + 1 == self.pages.count
        self.model.thumbnails.look_at(rows.ids(positions.start, positions.stop))
        self._show_ticks()
        self.draw_pictures()

    def draw_pictures(self) -> None:
        """Show the pictures that are known."""
        width = self.model.thumbnails.width(GAP)
        self.space.layout = {"width": f"{width + 8}px", "flex": "0 0 auto"}
        self.rows.layout.width = self.header.layout.width = f"{sum(self._widths) + width + TICK + 40}px"
        for line in self._lines[: len(self.pages.positions)]:
            line.draw_picture(width)

    _order: object = None

    def _chosen(self, sample_id: str) -> None:
        self.pages.show(sample_id)
        for line in self._lines:
            line.mark(sample_id)

    def _tick_page(self, on: bool) -> None:
        if on != self._page_ticked:
            self.model.ticks.tick(self.pages.positions, on)

    @property
    def _page_ticked(self) -> bool:
        ids = self.model.rows.ids(self.pages.positions.start, self.pages.positions.stop)
        return bool(ids) and all(map(self.model.ticks.has, ids))

    def _show_ticks(self) -> None:
        for line in self._lines[: len(self.pages.positions)]:
            line.show_tick()
        self.tick_all.value = self._page_ticked

    def _head(self, name: str, width: int) -> W.Button:
        ordered = self.model.rows.order
        sign = "" if ordered is None or ordered[0] != name else " ▲" if ordered[1] else " ▼"
        ascending = not sign.endswith("▲")
        made = button(f"{name}{sign}", name, lambda: self.model.rows.sort(name, ascending), f"{width}px")
        made.style.font_weight = "bold"
        made.layout.margin = "0"
        return made


class SampleRow(W.HBox):  # type: ignore[misc]
    """One row: tick, picture, id, cells."""

    def __init__(self, model: DataModel) -> None:
        """Take the model; `say` says which row."""
        self._model, self._id, self._position = model, "", 0
        self._shown: object = None
        self.picture = W.Image(format="png")
        self.space = W.Box([self.picture])
        self.choose = button("", "", lambda: model.project.select(self._id))
        self.cells, self.tick = W.HTML(), tick(model.ticks.help)
        self.tick.observe(lambda change: self._tick(change["new"]), "value")
        self.choose.layout.margin = self.cells.layout.margin = "0"
        layout = {"align_items": "center", "flex": "0 0 auto"}
        super().__init__([self.tick, self.space, self.choose, self.cells], layout=layout)

    def say(self, position: int, widths: Sequence[int]) -> None:
        """Show the row at a position."""
        rows = self._model.rows
        self._id, self._position = rows.id_at(position), position
        self.choose.description, self.choose.layout.width = self._id, f"{widths[0]}px"
        tones = (self._model.tone(position, name) for name in rows.columns[1:])
        texts = (rows.cell(position, column) for column in range(1, len(widths)))
        self.cells.value = cells(texts, widths[1:], tones)
        self.mark(self._model.project.sample_id)

    def show_tick(self) -> None:
        """Show whether the sample is ticked."""
        self.tick.value = self._model.ticks.has(self._id)

    def _tick(self, on: bool) -> None:
        if on != self._model.ticks.has(self._id):
            self._model.ticks.tick([self._position], on)

    def mark(self, sample_id: str) -> None:
        """Show whether this is the sample that is looked at."""
        self.choose.button_style = "primary" if self._id == sample_id else ""

    def draw_picture(self, width: int) -> None:
        """Show the picture, where it is known, in a place of `width` pixels."""
        self.space.layout = {"width": f"{width + 8}px", "flex": "0 0 auto", "overflow": "hidden"}
        planes = self._model.thumbnails.of(self._id)
        if planes is self._shown:
            return
        self._shown = planes
        show(self.picture, planes is not None)
        if planes is not None:
            self.picture.value = png(planes)


def tick(help_text: str) -> W.Checkbox:
    """Return a small box to tick."""
    return W.Checkbox(
        indent=False, tooltip=help_text, layout={"width": f"{TICK}px", "flex": "0 0 auto", "margin": "0"}
    )


def cells(texts: Iterable[str], widths: Iterable[int], tones: Iterable[str]) -> str:
    """Return cells as HTML; what looks like markup stays text."""
    colours = {"faded": "color:#8c8c8c;", "warning": "color:#b36b00;"}
    spans = "".join(
        f'<span title="{html.escape(text)}" style="{CELL}width:{width - 8}px;{colours.get(tone, "")}">'
        f"{html.escape(text) or '&nbsp;'}</span>"
        for text, width, tone in zip(texts, widths, tones, strict=True)
    )
    return f'<div style="white-space:nowrap;padding-left:12px">{spans}</div>'


def png(planes: Planes) -> bytes:
    """Return planes (plane, size, size) side by side as a PNG."""
    gap = np.full((planes.shape[1], GAP), 128, np.uint8)
    parts = [part for plane in planes for part in (plane, gap)][:-1]
    stream = io.BytesIO()
    Image.fromarray(np.concatenate(parts, 1)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
