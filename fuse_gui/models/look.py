"""Where in the volume a person looks, as it is drawn and as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import Canonical, canonical


@dataclass(frozen=True)
class Plane:
    """A plane of a stored image."""

    axis: int
    """Axis of the array without its channels, [z,] y, x; 0 in 2-D, where it says nothing."""
    place: int
    """Index along the axis."""


class Look:
    """The slice that is looked at: an axis and an index of the picture as it is drawn."""

    slice_label = "Slice"

    changed = Signal()
    """Another slice is looked at, or a picture of another size."""

    def __init__(self) -> None:
        """Look at nothing."""
        self.axis, self.place = 0, 0
        self._grid: Canonical | None = None
        self._geometry: Geometry | None = None

    @property
    def flat(self) -> bool:
        """Whether the picture has no slices: it is 2-D, or there is none."""
        return self._grid is None or len(self._grid.order) < 3

    @property
    def size(self) -> int:
        """How many slices there are along the axis; 1 in 2-D."""
        return 1 if self._grid is None or self.flat else self._grid.array.shape[1 + self.axis]

    @property
    def stored(self) -> Plane:
        """The plane in the array as it is stored."""
        if self._grid is None or self.flat:
            return Plane(0, 0)
        size = self._grid.array.shape[1 + self.axis]
        back = self._grid.flipped[self.axis]
        return Plane(self._grid.order[self.axis], size - 1 - self.place if back else self.place)

    @property
    def proportion(self) -> float:
        """Height over width, in mm, of a pixel of the slice as it is drawn."""
        if self._grid is None:
            return 1.0
        down, across = self._rest
        return self._grid.scale[down] / self._grid.scale[across]

    def move_to(self, axis: int, place: int) -> None:
        """Look at another slice of the picture as it is drawn."""
        if self.flat or not 0 <= axis < 3:
            return
        before = (self.axis, self.place)
        self.axis = axis
        self.place = min(max(place, 0), self.size - 1)
        if before != (self.axis, self.place):
            self.changed.emit()

    def turn_to(self, axis: int) -> None:
        """Look along another axis, at the slice in the middle."""
        if self._grid is not None and not self.flat and axis != self.axis:
            self.move_to(axis, self._grid.array.shape[1 + axis] // 2)

    def move_to_point(self, axis: int, millimetres: float) -> None:
        """Look at the slice at a place along an axis of the picture as it is drawn."""
        if self._grid is not None and not self.flat and 0 <= axis < 3:
            self.move_to(axis, round((millimetres - self._grid.translate[axis]) / self._grid.scale[axis]))

    def lie_on(self, picture: Mapping[str, Any]) -> None:
        """Take the grid of the picture that is looked at; the middle of another one is looked at first."""
        geometry = Geometry.from_json(picture["geometry"])
        if geometry == self._geometry:
            return
        same = self._geometry is not None and self._geometry.shape == geometry.shape
        self._geometry, self._grid = geometry, canonical(picture["array"], geometry)
        if not same:
            self.place = min(self.place, self.size - 1) if self.place else self.size // 2
        self.changed.emit()

    def upright(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return a plane (channel, h, w) of the stored array as it is drawn."""
        if self._grid is None:
            return plane
        down, across = self._rest
        order, flipped = self._grid.order, self._grid.flipped
        turned = plane.transpose(0, 2, 1) if order[down] > order[across] else plane
        upright: NDArray[Any] = np.flip(
            turned, tuple(1 + at for at, axis in enumerate((down, across)) if flipped[axis])
        )
        return upright

    @property
    def _rest(self) -> tuple[int, int]:
        """The two axes of the slice, as drawn."""
        axes = range(len(self._grid.order)) if self._grid is not None else range(2)
        down, across = (axis for axis in axes if len(axes) == 2 or axis != self.axis)
        return down, across
