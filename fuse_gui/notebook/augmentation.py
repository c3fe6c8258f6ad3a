"""The Augmentation panel drawn with ipywidgets: before and after side by side."""

from __future__ import annotations

import ipywidgets as W

from fuse_gui.models.augmentation import DRAWS, AugmentationModel
from fuse_gui.models.canonical import canonical
from fuse_gui.models.screen import Screen
from fuse_gui.notebook.controls import TITLE, Text, button, show
from fuse_gui.notebook.screen import compose, png
from fuse_gui.notebook.steps import StepsView

PIXELS = 320
"""Shortest side of a picture."""


class AugmentationView(StepsView):
    """Sliders, the sample before and after, what was drawn, and the steps; draws in itself, not on the screen."""

    def __init__(self, model: AugmentationModel) -> None:
        """Follow the model."""
        super().__init__(model, "fuse-augmentation")
        self.model = model
        self.draw = W.IntSlider(description=model.draw_label, min=1, max=DRAWS, tooltip=model.draw_help)
        self.slice = W.IntSlider(description=model.slice_label, min=0, max=0)
        self.before, self.after = (W.Image(format="png", layout={"max_width": "48%"}) for _ in range(2))
        self.draw_text, self.drawn, self.damage = Text(), W.VBox(), W.VBox()
        self.own = button(model.own_label, model.own_help, model.own_seed)
        buttons = [button(model.reseed_label, model.reseed_help, model.reseed), self.own]
        words = [Text(model.drawn_label, TITLE), self.drawn, Text(model.damage_label, TITLE), self.damage]
        self.children = (
            self.problems, W.HBox([self.draw, *buttons]), self.draw_text, self.state, self.slice,
            W.HBox([self.before, self.after]), *words, self.steps,
        )  # fmt: skip
        self.draw.observe(lambda change: model.set_draw(change["new"]), "value")
        self.slice.observe(self._draw, "value")
        model.changed.connect(self._show)
        model.pictures_changed.connect(self._sized)
        model.show("sample")
        model.set_active(True)
        self._sized()
        self._show()

    def _show(self) -> None:
        self.draw.value = self.model.draw
        self.draw_text.say(self.model.draw_text)
        self.state.say(self.model.state)
        self.own.disabled = self.model.is_own_seed
        for box, lines in ((self.drawn, self.model.drawn), (self.damage, self.model.damage_text.splitlines())):
            if [line.text for line in box.children] != list(lines):
                box.children = tuple(Text(line, "") for line in lines)

    def _sized(self) -> None:
        picture = self.model.before.picture("image")
        shape = canonical(picture.array, picture.geometry).array.shape[1:] if picture else ()
        last = shape[0] - 1 if len(shape) == 3 else 0
        if last != self.slice.max:
            self.slice.max, self.slice.value = last, last // 2
        show(self.slice, last > 0)
        self._draw()

    def _draw(self, _: object = None) -> None:
        for image, screen in ((self.before, self.model.before), (self.after, self.model.after)):
            drawn = _picture(screen, self.slice.value)
            image.value = drawn
            show(image, bool(drawn))


def _picture(screen: Screen, place: int) -> bytes:
    composed = compose(screen, place)
    return png(composed, PIXELS) if composed is not None else b""
