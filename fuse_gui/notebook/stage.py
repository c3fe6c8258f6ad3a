"""The picture of the Augmentation panel in a notebook: the slice that is looked at, before, after, or both."""

from __future__ import annotations

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.screen import Screen
from fuse_gui.notebook.controls import Text, show
from fuse_gui.notebook.draw import LINE
from fuse_gui.notebook.frames import Frames
from fuse_gui.notebook.screen import compose, jpeg

PIXELS = 384
"""Shortest side of the picture."""
AXES = (("z", 0), ("y", 1), ("x", 2))
"""Axes that slices are across, as they are drawn."""
TAG = "color: #b26a00; font-weight: bold"


class StageView(W.VBox):  # type: ignore[misc]
    """One slice with the controls over what it shows."""

    def __init__(self, model: AugmentationModel) -> None:
        """Follow the model and its screen."""
        self._model, self._quiet, self._before = model, False, Screen()
        self.image = W.Image(format="jpeg", layout={"max_width": "100%", "object_fit": "contain"})
        self.side = W.ToggleButtons(
            options=[(label, side) for side, label in model.side_labels.items()], style={"button_width": "auto"},
            tooltips=list(model.side_helps.values()),
        )  # fmt: skip
        self.flicker = W.ToggleButton(
            description=model.flicker.label, tooltip=model.flicker.help, layout={"width": "auto"}
        )
        self.axis = W.Dropdown(options=AXES, layout={"width": "56px"}, tooltip="Axis across the slices")
        self.place = W.IntSlider(description=model.look.slice_label, max=0, tooltip="Which slice is looked at")
        self.wipe = W.FloatSlider(
            description=model.wipe_label, tooltip=model.wipe_help, max=1, step=0.01, readout=False
        )
        self.tag, self.step, self.tensors = Text("", TAG), Text("", "font-weight: bold"), W.VBox()
        self.place.layout.flex = self.wipe.layout.flex = "1 1 auto"
        slices, sides = W.HBox([self.place, self.axis]), W.Box([self.side, self.flicker], layout=LINE)
        super().__init__([sides, self.step, self.image, self.tag, slices, W.HBox([self.wipe]), self.tensors])
        self._slices = slices
        self.add_class("fuse-augmented")
        self.frames = Frames(self._draw)
        self._listen()
        self.draw()

    def _listen(self) -> None:
        model = self._model
        self.side.observe(self._choose, "value")
        self.flicker.observe(lambda change: model.flicker.set_on(change["new"]), "value")
        self.axis.observe(self._turn, "value")
        self.place.observe(self._move, "value")
        self.wipe.observe(lambda change: model.draw_wipe(change["new"]), "value")
        model.screen.changed.connect(self._on_screen)
        model.screen.touched.connect(self._on_screen)
        model.look.changed.connect(self._looked)
        model.changed.connect(self.draw)
        model.flicker.changed.connect(self.draw)
        model.network.changed.connect(self.draw)
        model.project.closed.connect(self.frames.stop)

    def draw(self) -> None:
        """Show the words and the controls as they are now."""
        model, look = self._model, self._model.look
        self._quiet = True
        self.side.value, self.flicker.value = model.side, model.flicker.on
        with self.place.hold_trait_notifications():
            self.place.max, self.place.value = look.size - 1, look.place
        self.axis.value = look.axis
        self._quiet = False
        self.tag.say(model.tag if model.side == "after" else "")
        self.step.say(model.step_text)
        show(self._slices, not look.flat)
        show(self.wipe, model.side == "after" and bool(model.stage.before))
        self._draw_tensors()

    def _draw_tensors(self) -> None:
        network = self._model.network
        lines = (*network.lines, network.state) if self._model.side == "network" else ()
        while len(self.tensors.children) < len(lines):
            self.tensors.children = (*self.tensors.children, Text())
        for index, text in enumerate(self.tensors.children):
            text.say(lines[index] if index < len(lines) else "")

    def _choose(self, change: dict[str, str]) -> None:
        if not self._quiet:
            self._model.flicker.set_on(False)
            self._model.show(change["new"])

    def _turn(self, change: dict[str, int]) -> None:
        if not self._quiet:
            self._model.look.turn_to(change["new"])

    def _move(self, _change: object) -> None:
        if not self._quiet:
            self._model.look.move_to(self._model.look.axis, self.place.value)

    def _looked(self) -> None:
        self.draw()
        self.frames.poke()

    def _on_screen(self, _name: str) -> None:
        self.frames.poke()

    def _draw(self) -> None:
        model, look = self._model, self._model.look
        composed = compose(model.screen, look.place, axis=look.axis)
        if composed is not None and model.side == "after" and model.wipe.share:
            composed = self._wiped(composed)
        show(self.image, composed is not None)
        if composed is not None:
            self.image.value = jpeg(composed, PIXELS)

    def _wiped(self, after: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture (y, x, 3) with the sample before on its left, outlines included."""
        model, look = self._model, self._model.look
        for place in ("image", "gt"):
            style = {"limits": model.stage.limits} if place == "image" else {}
            self._before.show_picture(place, model.stage.before.get(place), **style)
        before = compose(self._before, look.place, axis=look.axis)
        if before is None or before.shape != after.shape:
            return after  # of another size: what there is of the curtain is on the screen already
        columns = round(model.wipe.share * after.shape[1])
        return np.concatenate([before[:, :columns], after[:, columns:]], 1)
