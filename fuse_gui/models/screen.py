"""What is on the screen, as plain arrays; the viewer and the notebook each draw it their own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.geometry import Geometry

NAMES = ("image", "before", "gt", "pred", "prob", "heat", "error")
"""The pictures there can be, from the bottom up."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture and how it is drawn."""

    array: NDArray[Any]
    """(channel, [z,] y, x); integer where `label`."""
    geometry: Geometry
    label: bool = False
    """Whether the values are classes, to be drawn in colours and never interpolated."""
    style: Mapping[str, Any] = field(default_factory=dict)
    """Drawing hints: opacity [0, 1], limits (low, high) or None, colormap, visible, classes (names)."""


class Screen:
    """The named pictures of the one sample that is being looked at."""

    changed = Signal(str)
    """Name of the picture that was shown, restyled or hidden."""
    touched = Signal(str)
    """Name of a picture whose values were changed where they are: a plane of it, many times a second."""

    def __init__(self) -> None:
        """Start with nothing on the screen."""
        self._pictures: dict[str, Picture] = {}
        self._styles: dict[str, dict[str, Any]] = {name: {} for name in NAMES}

    def show(self, name: str, array: NDArray[Any], geometry: Geometry, label: bool = False, **style: Any) -> None:
        """Put an array (channel, [z,] y, x) on the screen; what is not styled keeps its style.

        Raises:
            ValueError: for a name that is no picture, or an array that does not fit its geometry.
        """
        if name not in NAMES:
            raise ValueError(f"'{name}' is no picture of the screen, they are {', '.join(NAMES)}")
        array = np.asarray(array)
        if array.shape[1:] != geometry.shape:
            raise ValueError(f"{name}: an array of {array.shape[1:]} on a grid of {geometry.shape}")
        self._styles[name] = {**self._styles[name], **style}
        self._pictures[name] = Picture(array, geometry, label, self._styles[name])
        self.changed.emit(name)

    def show_picture(self, name: str, picture: Mapping[str, Any] | None, **style: Any) -> None:
        """Put a picture of the engine on the screen; None hides it."""
        if picture is None:
            self.hide(name)
            return
        geometry = Geometry.from_json(picture["geometry"])
        self.show(name, picture["array"], geometry, bool(picture["label"]), **style)

    def restyle(self, name: str, **style: Any) -> None:
        """Change how a picture is drawn, now or when it next comes on the screen."""
        before = self._styles[name]
        self._styles[name] = {**before, **style}
        known = self._pictures.get(name)
        if known is not None and self._styles[name] != before:
            self._pictures[name] = replace(known, style=self._styles[name])
            self.changed.emit(name)

    def style(self, name: str) -> Mapping[str, Any]:
        """Return how a picture is drawn, now or when it next comes on the screen."""
        return self._styles[name]

    def touch(self, name: str) -> None:
        """Say that values of the shown array were changed in place, by whoever owns it."""
        if name in self._pictures:
            self.touched.emit(name)

    def hide(self, name: str) -> None:
        """Take a picture off the screen."""
        if self._pictures.pop(name, None) is not None:
            self.changed.emit(name)

    def clear(self) -> None:
        """Take everything off the screen."""
        for name in tuple(self._pictures):
            self.hide(name)

    def picture(self, name: str) -> Picture | None:
        """Return a picture, or None where it is not on the screen."""
        return self._pictures.get(name)
