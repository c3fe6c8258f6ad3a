"""Patch and receptive field as a napari layer that stays: only its data is assigned."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray

from fuse_gui.models.boxes import BoxesModel, ImageBox
from fuse_gui.viewer.layers import BOXES

THIN = 250
"""How many times a line would fit into the largest box."""


class BoxLayer:
    """Draws the boxes of a model on the slice that is looked at, or as wire frames in 3-D."""

    def __init__(self, viewer: Any, model: BoxesModel) -> None:
        """Follow the model and the slices of the viewer."""
        self._viewer, self._model = viewer, model
        self._layer: Shapes | None = None
        self._drawing = False
        model.changed.connect(self._draw)
        for event in (viewer.dims.events.current_step, viewer.dims.events.order, viewer.dims.events.ndisplay):
            event.connect(self._turned)

    @property
    def layer(self) -> Shapes | None:
        """The layer, where it is in the viewer."""
        return self._layer if self._layer is not None and self._layer in self._viewer.layers else None

    def _turned(self, _event: Any) -> None:
        if self._model.on and self.layer is not None:
            self._draw()

    def _draw(self) -> None:
        if self._drawing:  # a layer that is added moves the sliders
            return
        self._drawing = True
        try:
            self._assign()
        finally:
            self._drawing = False

    def _assign(self) -> None:
        boxes = self._model.boxes
        layer = self.layer
        if not boxes:
            if layer is not None:
                layer.visible = False
            return
        dims = len(boxes[0].low)
        if layer is None or layer.ndim != dims:
            layer = self._made(dims, layer)
        shown = tuple(self._viewer.dims.displayed)[-dims:]
        place = tuple(self._viewer.dims.point)[-dims:]
        lines = [
            (line, box.colour) for box in boxes for line in outlines(box, place, _own(shown, self._viewer, dims))
        ]
        thick = max(np.subtract(boxes[0].high, boxes[0].low)) / THIN
        layer.data = ([line for line, _ in lines], ["path"] * len(lines))
        if lines:
            layer.edge_color, layer.edge_width = [colour for _, colour in lines], [thick] * len(lines)
        layer.visible = True

    def _made(self, dims: int, old: Shapes | None) -> Shapes:
        selected = set(self._viewer.layers.selection)
        if old is not None:
            self._viewer.layers.remove(old)
        layer = Shapes(ndim=dims, name=BOXES, face_color="transparent", units=("mm",) * dims)
        layer.editable = False
        self._viewer.add_layer(layer)
        self._viewer.layers.selection = selected - {old}
        self._layer = layer
        return layer


def _own(shown: tuple[int, ...], viewer: Any, dims: int) -> tuple[int, ...]:
    """Return the displayed axes as axes of a layer of fewer dimensions."""
    return tuple(axis - (viewer.dims.ndim - dims) for axis in shown if axis >= viewer.dims.ndim - dims)


def outlines(box: ImageBox, place: tuple[float, ...], shown: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Return the lines (point, axis) in mm of a box where it is seen; none on a slice beside it.

    `place` is where the viewer looks, `shown` the axes that are drawn.
    """
    if len(shown) > 2:
        return _wires(box)
    others = [axis for axis in range(len(box.low)) if axis not in shown]
    if any(not box.low[axis] <= place[axis] <= box.high[axis] for axis in others):
        return []
    down, across = shown
    corners = [
        (box.low, box.low),
        (box.low, box.high),
        (box.high, box.high),
        (box.high, box.low),
        (box.low, box.low),
    ]
    line = np.tile(np.asarray(place, float), (len(corners), 1))
    line[:, down] = [first[down] for first, _ in corners]
    line[:, across] = [second[across] for _, second in corners]
    return [line]


def _wires(box: ImageBox) -> list[NDArray[np.float64]]:
    """Return the twelve edges of a box."""
    lines = []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        for sides in product((0, 1), repeat=2):
            ends = np.array([box.low, box.high], float)
            for other, side in zip(others, sides, strict=True):
                ends[:, other] = (box.low, box.high)[side][other]
            lines.append(ends)
    return lines
