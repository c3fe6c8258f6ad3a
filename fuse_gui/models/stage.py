"""The pictures of one sample before and after augmentation; planes are written into those after it, in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import canonical
from fuse_gui.models.look import Plane
from fuse_gui.models.palette import limits
from fuse_gui.models.screen import Screen
from fuse_gui.models.wipe import columns

Pictures = Mapping[str, Mapping[str, Any]]
"""Pictures of the engine by key, or by place on the screen."""
PLACES = ("image", "gt")
CURTAIN = "before"


class Stage:
    """What can be on the screen of the panel: one image and one label map, before and after."""

    def __init__(self, screen: Screen) -> None:
        """Take the screen; there is no sample yet."""
        self.screen = screen
        self.keys: Mapping[str, str] = {}
        """The key of the image and of the label map, by place on the screen."""
        self.before: dict[str, Mapping[str, Any]] = {}
        self.after: dict[str, Mapping[str, Any]] = {}
        self.share = 0.0
        """How much of the width the wipe covers, where labels are those from before as well, [0, 1]."""
        self._written: set[str] = set()
        self._wiped: NDArray[Any] = np.empty(0)
        self.limits = (0.0, 1.0)
        """Darkest and brightest value, those of the sample before: what brightens must be seen to do so."""

    def lay(self, sample: Mapping[str, Any]) -> None:
        """Take a sample as the engine's `sample` gives it."""
        self.keys = dict(sample["shown"])
        self.before = {place: sample[place] for place in PLACES if sample[place] is not None}
        self.reset()
        image = self.before.get("image")
        self.limits = limits(image["array"], {}) if image else (0.0, 1.0)

    def reset(self) -> None:
        """Forget what augmentation did."""
        self.after = {place: _own(picture) for place, picture in self.before.items()}

    def clear(self) -> None:
        """Forget the sample."""
        self.keys, self.before, self.after = {}, {}, {}

    def take(self, pictures: Pictures) -> None:
        """Take the whole result by key; its arrays belong to the stage from now on."""
        for place, key in self.keys.items():
            if key in pictures:
                self.after[place] = pictures[key]

    def write(self, planes: Mapping[str, NDArray[Any]], plane: Plane) -> bool:
        """Write planes (channel, h, w) by key into the result; return False where their size is another one."""
        found = {place: planes[key] for place, key in self.keys.items() if key in planes and place in self.after}
        targets = {place: self._target(place, plane) for place in found}
        if any(targets[place].shape != array.shape for place, array in found.items()):
            return False
        self._written = {place for place, array in found.items() if not np.array_equal(targets[place], array)}
        for place in self._written:
            targets[place][...] = found[place]
        return True

    def put(self, side: str) -> None:
        """Bring one side to the screen, `before` or `after`."""
        for place, picture in (self.before if side == "before" else self.after).items():
            if place == "image":
                self.screen.show_picture(place, picture, limits=self.limits)
            elif side == "before":
                self.screen.show_picture(place, picture)
            else:
                self.wipe_labels()

    def wipe_labels(self) -> None:
        """Bring the label map after augmentation to the screen, as it was before where the wipe covers it."""
        before, after = self.before.get("gt"), self.after.get("gt")
        if after is None:
            return
        if not self.share or before is None or before["geometry"] != after["geometry"]:
            self.screen.show_picture("gt", after)
            return
        if (self._wiped.shape, self._wiped.dtype) != (after["array"].shape, after["array"].dtype):
            self._wiped = np.empty_like(after["array"])
        self._wiped[...] = after["array"]
        geometry = Geometry.from_json(after["geometry"])
        shown, covered = canonical(self._wiped, geometry).array, canonical(before["array"], geometry).array
        wide = columns(self.share, shown.shape[-1])
        shown[..., :wide] = covered[..., :wide]
        self.screen.show_picture("gt", {**after, "array": self._wiped})
        self.screen.touch("gt")

    def touch(self) -> None:
        """Have the pictures drawn again whose planes were changed."""
        if "image" in self._written:
            self.screen.touch("image")
        if "gt" in self._written and self.share:
            self.wipe_labels()
        elif "gt" in self._written:
            self.screen.touch("gt")

    def leave(self) -> None:
        """Have the screen choose the darkest and brightest values by itself again."""
        self.screen.restyle("image", limits=None)
        self.screen.restyle(CURTAIN, limits=None)

    def _target(self, place: str, plane: Plane) -> NDArray[Any]:
        """Return the part of an array that a plane covers: as far from its middle as in the sample."""
        array: NDArray[Any] = self.after[place]["array"]
        if array.ndim == 3:
            return array
        axis = 1 + plane.axis
        size, own = array.shape[axis], self.before[place]["array"].shape[axis]
        first = self.before["image"]["array"].shape[axis] if "image" in self.before else own
        index = int((plane.place + 0.5) * own / first + (size - own) / 2)
        inside: NDArray[Any] = array[(slice(None),) * axis + (min(max(index, 0), size - 1),)]
        return inside


def tensor_picture(array: NDArray[Any], like: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tensor of the network, the first one of several, as a picture; in its place if nothing was cut."""
    geometry = Geometry.from_json(like["geometry"])
    while array.ndim > geometry.dims + 1:
        array = array[0]
    if array.shape[1:] != geometry.shape:
        geometry = Geometry.plain(array.shape[1:], tuple(reversed(geometry.spacing)))
    return {"array": array, "geometry": geometry.to_json(), "label": like["label"]}


def _own(picture: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**picture, "array": np.array(picture["array"])}
