"""The controls of a distribution, drawn with ipywidgets."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from fuse_gui.models.density import Stroke
from fuse_gui.models.distribution import EACH_AXIS, EACH_HELP, KIND_HELP, AxisRow, DistributionField, NumberBox
from fuse_gui.notebook.controls import HELP, Message, Text, show

BOXES = 3
"""Numbers that a distribution has at most, each in a box of its own."""
_WIDE, _HIGH = 104, 20
"""Pixels of the drawing, which is as wide as the menu above it."""


class NumberCell(W.VBox):  # type: ignore[misc]
    """A number: its box, and the slider below it."""

    def __init__(self, field: DistributionField, axis: str, index: int) -> None:
        """Tell the field what is typed and dragged."""
        self._field, self._axis, self._index, self._quiet = field, axis, index, False
        self._caption = Text("", HELP)
        self._caption.layout.flex = "0 0 auto"
        self._edit = W.Text(
            continuous_update=False, layout={"width": "auto", "min_width": "36px", "flex": "1 1 0"}
        )
        self._slider = W.IntSlider(readout=False, layout={"width": "calc(100% - 12px)", "height": "20px"})
        name = "-".join(filter(None, (field.spec.name, axis, str(index))))
        self._edit.add_class(f"fuse-field-{name}")
        self._slider.add_class(f"fuse-field-{name}-slider")
        line = W.HBox([self._caption, self._edit], layout={"align_items": "center", "overflow": "hidden"})
        super().__init__([line, self._slider], layout={"flex": "1 1 0", "min_width": "0", "overflow": "hidden"})
        self._edit.observe(self._type, "value")
        self._slider.observe(self._drag, "value")

    def say(self, box: NumberBox) -> None:
        """Show a number."""
        self._box, self._quiet = box, True
        self._caption.say(box.caption)
        self._edit.value, self._edit.tooltip, self._slider.tooltip = box.text, box.help, box.help
        with self._slider.hold_trait_notifications():
            self._slider.max, self._slider.value = box.ticks or 1, box.tick
        show(self._slider, box.ticks > 0)
        self._quiet = False

    def _type(self, change: dict[str, Any]) -> None:
        if not self._quiet:
            self._field.enter(self._axis, self._index, change["new"])
            if not self._field.error:
                self.say(self._box)

    def _drag(self, change: dict[str, Any]) -> None:
        if not self._quiet:
            self._field.drag(self._axis, self._index, change["new"])
            self.say(self._box)


class AxisControls(W.HBox):  # type: ignore[misc]
    """The controls of an axis."""

    def __init__(self, field: DistributionField, axis: str) -> None:
        """Draw an axis of the field."""
        self._field, self._axis, self._quiet = field, axis, False
        self._menu = W.Dropdown(tooltip=KIND_HELP, layout={"width": f"{_WIDE}px"})
        self._menu.add_class("-".join(filter(None, ("fuse-field", field.spec.name, axis, "kind"))))
        self._cells = [NumberCell(field, axis, index) for index in range(BOXES)]
        self._sketch = W.HTML(layout={"width": f"{_WIDE}px", "height": f"{_HIGH}px"})
        kind = W.VBox([self._menu, self._sketch], layout={"flex": "0 0 auto"})
        name = Text(axis, "")
        name.layout.flex = "0 0 auto"
        super().__init__([name, kind, *self._cells], layout={"width": "100%"})
        self._menu.observe(self._choose, "value")

    def say(self, row: AxisRow) -> None:
        """Show the axis again."""
        self._quiet = True
        if self._menu.options != row.kinds:
            self._menu.options = row.kinds
        self._menu.value = row.chosen
        self._sketch.value = drawing(row.sketch)
        for index, cell in enumerate(self._cells):
            show(cell, index < len(row.boxes))
            if index < len(row.boxes):
                cell.say(row.boxes[index])
        self._quiet = False

    def _choose(self, change: dict[str, Any]) -> None:
        if not self._quiet:
            self._field.choose(self._axis, change["new"])


class DistributionRow(W.VBox):  # type: ignore[misc]
    """A distribution: how it is drawn, its numbers, and a switch where each axis may have its own."""

    def __init__(self, field: DistributionField) -> None:
        """Draw a field of the kind distribution."""
        self.field, self._quiet = field, False
        self._axes: dict[str, AxisControls] = {}
        self._rows = W.VBox(layout={"width": "100%"})
        self._each = W.Checkbox(description=EACH_AXIS, tooltip=EACH_HELP, indent=False)
        self._each.layout.width, self._each.layout.flex = "auto", "0 0 auto"
        self._each.add_class(f"fuse-field-{field.spec.name}-each")
        show(self._each, field.spec.per_axis)
        help_text = Text(field.help)
        help_text.layout.flex = "1 1 auto"
        super().__init__([self._rows, Message(field), W.HBox([help_text, self._each])], layout={"width": "100%"})
        self.add_class(f"fuse-field-{field.spec.name}")
        self._show()
        self._each.observe(self._split, "value")
        field.changed.connect(self._show)

    def _show(self) -> None:
        rows = {row.axis: row for row in self.field.rows}
        for axis in rows:
            if axis not in self._axes:
                self._axes[axis] = AxisControls(self.field, axis)
                self._rows.children = tuple(self._axes.values())
        for axis, controls in self._axes.items():
            show(controls, axis in rows)
            if axis in rows:
                controls.say(rows[axis])
        self._quiet = True
        self._each.value = self.field.each_axis
        self._quiet = False

    def _split(self, change: dict[str, Any]) -> None:
        if not self._quiet:
            self.field.split(change["new"])


def drawing(strokes: tuple[Stroke, ...]) -> str:
    """Return lines of the unit square as a picture that a notebook draws."""
    lines = "".join(
        f'<polyline points="{_points(stroke)}" stroke="{"#2f7fd6" if index else "#8088946b"}"/>'
        for index, stroke in enumerate(strokes)
    )
    return f'<svg width="{_WIDE}" height="{_HIGH}" fill="none" stroke-width="1.5">{lines}</svg>'


def _points(stroke: Stroke) -> str:
    return " ".join(f"{2 + x * (_WIDE - 4):.1f},{2 + (1 - y) * (_HIGH - 4):.1f}" for x, y in stroke)
