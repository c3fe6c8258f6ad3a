"""One question that is answered with a distribution, or with one for each axis; knows no toolkit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from fuse_engine.core.catalog import FieldSpec
from fuse_engine.core.distribution import AXES, SHAPES, Distribution, PerAxis
from fuse_engine.core.document import dump_value
from fuse_engine.core.errors import FuseError
from fuse_gui.models import answer
from fuse_gui.models.density import Stroke, sketch
from fuse_gui.models.field import Field, Offers
from fuse_gui.models.reshape import reshaped
from fuse_gui.models.scale import Scale

EACH_AXIS, EACH_HELP = "each axis", "One distribution for each of z, y and x; in 2-D z is the axis one looks along"
KIND_HELP = "How the number is drawn"
NONE = ""
"""The kind of an axis, or of a question, without a distribution."""
REST = 1.0
"""Seconds without a change after which dragging the same slider is another edit."""

_CAPTIONS = {
    "constant": ("",), "uniform": ("", "to"), "log_uniform": ("", "to"), "normal": ("mean", "sd"),
    "choice": ("of",), "steps": ("", "to", "by"),
}  # fmt: skip
_NUMBER, _NUMBERS = FieldSpec(name="number", kind="float"), FieldSpec(name="numbers", kind="numbers")
_WRITTEN = "as it is written in the file"
_gestures = itertools.count(1)

Shape = tuple[str, tuple[str, ...]]
"""A kind of distribution and its numbers as typed; the numbers of a choice stand in one text."""


@dataclass(frozen=True)
class NumberBox:
    """A number of a distribution: a box, and a slider with `ticks + 1` places where there is one."""

    caption: str
    help: str
    text: str
    tick: int = 0
    ticks: int = 0
    """0 where there is no slider."""


@dataclass(frozen=True)
class AxisRow:
    """The distribution of an axis, or the one of all axes (`axis` is empty)."""

    axis: str
    kind: str
    """One of `SHAPES`, or `NONE`."""
    kinds: tuple[str, ...]
    """What can be chosen, in words."""
    chosen: str
    """The kind in words."""
    boxes: tuple[NumberBox, ...]
    sketch: tuple[Stroke, ...]
    """Lines in the unit square, y upwards; the first is the base line."""


class DistributionField(Field):
    """Kinds and numbers of one distribution for all axes, or of one for each.

    `rows` says what is to be drawn, `changed` that it is new; `choose`, `enter`, `drag` and `split` are what a
    person does. What is typed stays in its box while it does not fit; what was valid last is kept.
    """

    def __init__(self, spec: FieldSpec, offers: Offers) -> None:
        """Start at the default."""
        self._usual = _usual(spec)
        self._draft: dict[str, Shape] | None = None
        self._kept: dict[tuple[str, str], tuple[str, ...]] = {}
        self._split: dict[str, Shape] = {}
        self._held: tuple[Distribution, ...] | None = None
        self._dragged: tuple[int, str, int, float] = (0, "", 0, 0.0)
        super().__init__(spec, offers)

    @property
    def rows(self) -> tuple[AxisRow, ...]:
        """What is to be drawn: one row, or one for each of z, y and x."""
        shapes = self._shapes()
        if shapes is None:
            box = NumberBox("", _WRITTEN, self.text())
            return (AxisRow("", NONE, *self._offered(NONE), (box,), sketch(None, *self._ends)),)
        return tuple(self._row(axis, *shapes[axis]) for axis in shapes)

    @property
    def each_axis(self) -> bool:
        """Whether every axis has a distribution of its own."""
        shapes = self._shapes()
        return shapes is not None and "" not in shapes

    def text(self) -> str:
        """Return the value as it stands in the file, on one line."""
        return dump_value(_plain_text(self._raw))

    def choose(self, axis: str, kind: str) -> None:
        """Draw the numbers of an axis in another way; `kind` as in `AxisRow.kinds`."""
        name = kind.replace(" ", "_")
        shapes = self._shapes() or {"": (NONE, ())}
        former, texts = shapes[axis]
        if name == former or name not in (NONE, *SHAPES):
            return
        self._held, self._split = None, {}
        self._kept[axis, former] = texts
        numbers = self._kept.get((axis, name)) or self._reshaped(name, shapes[axis])
        self._try({**shapes, axis: (name, numbers)})

    def enter(self, axis: str, index: int, text: str) -> None:
        """Take what was typed into a box."""
        shapes = self._shapes()
        if shapes is None:
            self.set(text)
            return
        kind, texts = shapes[axis]
        if index >= len(texts) or texts[index] == text.strip():
            return
        self._forget()
        self._held = None
        self._try({**shapes, axis: (kind, _with(texts, index, text.strip()))})

    def drag(self, axis: str, index: int, tick: int) -> None:
        """Take the place of a slider; it stops where the number would not fit."""
        shapes = self._valid() or {}
        kind, texts = shapes.get(axis, (NONE, ()))
        if index >= len(texts) or kind == "choice":
            return
        scale = self._scale(kind, index)

        def at(place: int) -> dict[str, Shape]:
            return {**shapes, axis: (kind, _with(texts, index, answer.show(scale.number(place))))}

        start = scale.tick(float(texts[index]))
        end = _furthest(start, min(max(tick, 0), scale.ticks), lambda place: self._fits(at(place)))
        if end == start and self._draft is None:
            return
        self._held = self._spread
        self._forget()
        self.gesture = self._gesture(axis, index)
        self._try(shapes if end == start else at(end))
        self.gesture = 0

    def split(self, each: bool) -> None:
        """Give every axis a distribution of its own, or one to all."""
        shapes = self._shapes()
        if shapes is None or each == self.each_axis or not self.spec.per_axis:
            return
        if not each:
            self._split = shapes
            self._try({"": next(shape for shape in shapes.values() if shape[0] != NONE)})
        elif shapes[""][0] != NONE:
            self._try(self._split or dict.fromkeys(AXES, shapes[""]))

    def set(self, raw: Any) -> None:
        """Take the value as text of the file or as its data; one that does not fit changes nothing but `error`."""
        self._draft = self._held = None
        self._forget()
        super().set(raw)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _take(self, raw: Any) -> None:
        self._draft = self._held = None
        self._forget()
        super()._take(raw)

    def _try(self, shapes: dict[str, Shape]) -> None:
        """Set the value that the boxes make, or say why they make none."""
        self._draft = shapes
        try:
            for axis, shape in shapes.items():
                _check(axis, *shape)
        except FuseError as error:
            self._say(error=str(error))
        else:
            super().set(_plain(shapes))
        if self.error:
            self.changed.emit()
        else:
            self._draft = None

    def _fits(self, shapes: dict[str, Shape]) -> bool:
        try:
            answer.read(self.spec, _plain(shapes))
        except FuseError:
            return False
        return True

    def _shapes(self) -> dict[str, Shape] | None:
        """Return what stands in the boxes; None where the file holds what is no distribution."""
        return self._valid() if self._draft is None else self._draft

    def _valid(self) -> dict[str, Shape] | None:
        if self._raw is None:
            return {"": (NONE, ())}
        if self._value is None:
            return None
        if isinstance(self._raw, Mapping) and not set(self._raw) - set(AXES):
            return {axis: _shape(self._raw[axis]) if axis in self._raw else (NONE, ()) for axis in AXES}
        return {"": _shape(self._raw)}

    def _forget(self) -> None:
        self._kept.clear()
        self._split = {}

    def _gesture(self, axis: str, index: int) -> int:
        """Return the number of the drag that goes on; after a rest, or at another slider, a new one."""
        gesture, *slider, rested = self._dragged
        now = monotonic()
        if not gesture or slider != [axis, index] or now - rested > REST:
            gesture = next(_gestures)
        self._dragged = (gesture, axis, index, now)
        return gesture

    # -- what is drawn --------------------------------------------------------------------------------------------

    def _row(self, axis: str, kind: str, texts: tuple[str, ...]) -> AxisRow:
        named = SHAPES.get(kind, ())
        boxes = tuple(
            self._box(kind, index, text, caption, name)
            for index, (text, caption, name) in enumerate(zip(texts, _CAPTIONS.get(kind, ()), named, strict=True))
        )
        return AxisRow(axis, kind, *self._offered(kind), boxes, sketch(_read(kind, texts), *self._ends))

    def _offered(self, kind: str) -> tuple[tuple[str, ...], str]:
        empty = (NONE,) if self.spec.optional or kind == NONE else ()
        return (*empty, *(name.replace("_", " ") for name in SHAPES)), kind.replace("_", " ")

    def _box(self, kind: str, index: int, text: str, caption: str, help_text: str) -> NumberBox:
        if kind == "choice":
            return NumberBox(caption, help_text, text)
        scale = self._scale(kind, index)
        try:
            number = float(answer.read(_NUMBER, text))
        except FuseError:
            number = scale.low
        return NumberBox(caption, help_text, text, scale.tick(number), scale.ticks)

    def _scale(self, kind: str, index: int) -> Scale:
        low, high = self._ends
        if kind == "log_uniform":
            top = high if high > 0 else 1.0
            return Scale.ratio(min([top / 1000, *(part.low for part in self._spread if part.low > 0)]), top)
        if (kind, index) in (("normal", 1), ("steps", 2)):
            return Scale.even(0.0, (high - low) / 2)
        return Scale.even(low, high)

    @property
    def _ends(self) -> tuple[float, float]:
        """Where the sliders begin and end: at what is usual, or at what there is where that is further out."""
        low, high = self._usual
        return min([low, *(part.low for part in self._spread)]), max([high, *(part.high for part in self._spread)])

    @property
    def _spread(self) -> tuple[Distribution, ...]:
        """What the sliders reach over; while one is dragged, what there was before."""
        return self._parts if self._held is None else self._held

    @property
    def _parts(self) -> tuple[Distribution, ...]:
        return _parts(self._value)

    def _reshaped(self, kind: str, former: Shape) -> tuple[str, ...]:
        if kind == NONE:
            return ()
        numbers = [answer.show(number) for number in reshaped(kind, _read(*former), *self._usual)]
        return (", ".join(numbers),) if kind == "choice" else tuple(numbers)


def _usual(spec: FieldSpec) -> tuple[float, float]:
    """Return where sliders begin and end: what is marked as usual, or what the default and the bounds say."""
    if spec.usual is not None:
        return spec.usual
    try:
        parts = _parts(answer.read(spec, spec.default))
    except FuseError:
        parts = ()
    first, last = min((part.low for part in parts), default=0.0), max((part.high for part in parts), default=0.0)
    middle, reach = ((first + last) / 2, 2 * (last - first)) if first < last else (0.0, 2 * abs(first))
    least = -math.inf if spec.minimum is None else spec.minimum
    most = math.inf if spec.maximum is None else spec.maximum
    if not reach and math.isfinite(least) and math.isfinite(most):
        return least, most
    low, high = max(middle - (reach or 1.0), least), min(middle + (reach or 1.0), most)
    return (low, high) if low < high else (low, low + (reach or 1.0))


def _parts(value: Distribution | PerAxis | None) -> tuple[Distribution, ...]:
    if isinstance(value, PerAxis):
        return tuple(part for _, part in value.axes)
    return () if value is None else (value,)


def _furthest(start: int, end: int, fits: Callable[[int], bool]) -> int:
    """Return the place nearest to `end` that fits; all that fit lie together, and `start` is next to them."""
    if fits(end):
        return end
    while abs(end - start) > 1:
        middle = (start + end) // 2
        start, end = (middle, end) if fits(middle) else (start, middle)
    return start


def _with(texts: tuple[str, ...], index: int, text: str) -> tuple[str, ...]:
    return (*texts[:index], text, *texts[index + 1 :])


def _shape(raw: Any) -> Shape:
    """Return the kind and the texts of valid data of the file."""
    name = Distribution.parse(raw).name
    written = next(iter(raw.values())) if isinstance(raw, Mapping) else raw
    texts = [answer.show(number) for number in (written if isinstance(written, list | tuple) else [written])]
    return name, (", ".join(texts),) if name == "choice" else tuple(texts)


def _plain(shapes: Mapping[str, Shape]) -> Any:
    """Return the data of the file for what stands in the boxes, in its shortest form."""
    plain = {axis: _plain_shape(*shape) for axis, shape in shapes.items() if shape[0] != NONE}
    return plain.get("") if "" in shapes else plain


def _plain_shape(kind: str, texts: tuple[str, ...]) -> Any:
    if kind == "constant":
        return texts[0]
    numbers = answer.as_typed(_NUMBERS, texts[0]) if kind == "choice" else list(texts)
    return numbers if kind == "uniform" else {kind: numbers}


def _check(axis: str, kind: str, texts: tuple[str, ...]) -> None:
    """Refuse a text that is no number, saying which.

    Raises:
        FuseError: where one is not.
    """
    for name, text in zip(SHAPES.get(kind, ()), texts, strict=True):
        try:
            answer.read(_NUMBERS if kind == "choice" else _NUMBER, text)
        except FuseError as error:
            raise FuseError(f"{axis} {name}: {error}".strip()) from None


def _read(kind: str, texts: tuple[str, ...]) -> Distribution | None:
    try:
        _check("", kind, texts)
        return Distribution.parse(_plain_shape(kind, texts)) if kind != NONE else None
    except (FuseError, ValueError):
        return None


def _plain_text(raw: Any) -> Any:
    """Return data with its numbers as a person would type them."""
    if isinstance(raw, Mapping):
        return {name: _plain_text(value) for name, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_plain_text(value) for value in raw]
    return raw if raw is None else answer.show(raw)
