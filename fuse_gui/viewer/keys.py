"""Single keys in the viewer: through the samples, and the ground truth on and off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fuse_gui.models.data import DataModel
from fuse_gui.viewer.layers import PREFIX


def bind_keys(viewer: Any, model: DataModel) -> None:
    """Let A and D go through the samples and the space bar switch the truth, while the canvas has the focus.

    A layer's own keys come first in napari, so our layers get the space bar too; the user's keep theirs.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    truth = _action(model.toggle_truth)
    for key, action in (
        ("A", _action(lambda: model.step(-1))),
        ("D", _action(lambda: model.step(1))),
        ("Space", truth),
    ):
        viewer.bind_key(key, action, overwrite=True)

    def added(layer: Any) -> None:
        if layer.name.startswith(PREFIX):
            layer.bind_key("Space", truth, overwrite=True)

    for layer in viewer.layers:
        added(layer)
    viewer.layers.events.inserted.connect(lambda event: added(event.value))


def _action(do: Callable[[], object]) -> Callable[[Any], None]:
    def act(_: Any) -> None:
        do()

    return act
