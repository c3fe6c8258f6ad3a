"""The bases of every augmentation: chance (`sample`) apart from work (`pull`, `change`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Border, Pull, pulled
from fuse_engine.core.component import Located
from fuse_engine.core.errors import FuseError, KeyMissing, nearest
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import Key

Params = dict[str, Any]
"""What was drawn, as JSON can hold it."""

RECORD = "data.augmentation"
"""Where a sample says what was done to it."""


@dataclass(frozen=True)
class Applied:
    """What one step did to one sample."""

    step: str
    """Place in the list of augmentations, from 0: `2`, or `2.0` for the first step inside of the third."""
    name: str
    params: Params | None
    """What was drawn; None where chance left the sample alone."""
    channel: int | None = None
    """The one channel that is changed, all of them if None."""

    def to_json(self) -> dict[str, Any]:
        """Return the entry of a sample's record."""
        return {"step": self.step, "name": self.name, "params": self.params, "channel": self.channel}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Applied:
        """Return the entry that a sample's record holds."""
        return cls(str(value["step"]), str(value["name"]), value["params"], value.get("channel"))


@dataclass(frozen=True)
class Scene:
    """The grids of a sample's images and label maps as the steps so far leave them, and their channels."""

    grids: Mapping[str, Geometry]
    channels: Mapping[str, int]
    labels: frozenset[str] = frozenset()
    """Which of them are label maps."""

    def grid(self, keys: list[Key]) -> Geometry:
        """Return the grid of the first of some images, which are changed together.

        Raises:
            FuseError: when a key is no image, or one has other proportions than the first.
        """
        for key in keys:
            if key not in self.grids:
                raise KeyMissing(
                    f"'{key}' is no image",
                    expected="an image: " + ", ".join(self.grids),
                    nearest=nearest(key, self.grids),
                )
        first = self.grids[keys[0]]
        for key in keys[1:]:
            if not _proportional(self.grids[key].shape, first.shape):
                raise FuseError(
                    f"'{keys[0]}' and '{key}' cannot be changed together",
                    expected="images of the same proportions",
                    got=f"{first.shape} and {self.grids[key].shape}",
                )
        return first

    def moved(self, pulls: Mapping[str, Pull]) -> Scene:
        """Return the scene with some images moved."""
        changed = {key: moved_grid(self.grids[key], pull) for key, pull in pulls.items()}
        return replace(self, grids={**self.grids, **changed})


class Augmentation(Located):
    """A random change of samples."""

    kind: ClassVar[str] = "augmentation"

    p: float = Field(1.0, ge=0, le=1)
    """Chance, from 0 to 1, that a sample is changed."""
    enabled: bool = True
    """Switched off, a step keeps its place and its settings and changes nothing."""

    def draw(self, step: str, chance: Chance, scene: Scene) -> tuple[list[Applied], Scene]:
        """Decide what is done to a sample; return it and what the sample is like afterwards.

        Raises:
            FuseError: when the settings do not fit the sample.
        """
        if not self.enabled or not chance.happens(self.p):
            return [Applied(step, self.name(), None)], scene
        return self.decide(step, chance, scene)

    @abstractmethod
    def decide(self, step: str, chance: Chance, scene: Scene) -> tuple[list[Applied], Scene]:
        """Decide what is done to a sample that is changed; see `draw`."""

    def within(self) -> tuple[Augmentation, ...]:
        """Return the steps inside of this one."""
        return ()


class Operation(Augmentation):
    """One change of the images and label maps under its keys."""

    keys: list[Key] = Field(min_length=1)
    """Images and label maps that are changed together, e.g. `data.input.image`, `data.gt.segmentation`."""

    def decide(self, step: str, chance: Chance, scene: Scene) -> tuple[list[Applied], Scene]:
        """Draw the parameters."""
        params = self.sample(chance, scene.grid(self.keys))
        return [Applied(step, self.name(), params)], self.leave(scene, params)

    def leave(self, scene: Scene, params: Params) -> Scene:
        """Return what the sample is like afterwards."""
        return scene

    @abstractmethod
    def apply(self, image: NDArray[Any], params: Params) -> NDArray[Any]:
        """Return a whole image or label map (channel, [z,] y, x) after this operation alone."""

    @abstractmethod
    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw what will be done to an image on that grid.

        Raises:
            FuseError: when the settings do not fit the number of axes.
        """

    def neutral(self, grid: Geometry) -> Params | None:
        """Return the parameters with which nothing changes, None where there are none."""
        return None


class Spatial(Operation):
    """Moves pixels: images linearly, label maps to the nearest, boxes and points to where their pixels go.

    Spatial steps that follow each other with the same border are composed, and pixels are interpolated once: what
    one of them moves out of the image, the next may bring back.
    """

    keeps_shape: ClassVar[bool] = False
    """The moved image always has the shape of the one it is made of."""

    points: list[Key] = Field([])
    """Points that move along: (n, dims), pixel indices ([z,] y, x) of the first image."""
    boxes: list[Key] = Field([])
    """Boxes that move along: (n, 2 dims), first and last corner, pixel indices ([z,] y, x) of the first image."""
    border: Border = "zeros"
    """What comes in from outside: 0, the nearest pixel, or the mirror image."""

    @abstractmethod
    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return where the moved image takes its pixels from, for an image of that shape ([z,] y, x)."""

    def apply(self, image: NDArray[Any], params: Params) -> NDArray[Any]:
        """Return the moved image or label map."""
        images, labels = (image[:0], image) if is_label(image) else (image, image[:0])
        moved, marked = pulled(images, labels, self.pull(params, image.shape[1:]), self.border)
        return marked if is_label(image) else moved

    def leave(self, scene: Scene, params: Params) -> Scene:
        """Return what the sample is like afterwards."""
        if self.keeps_shape:
            return scene
        return scene.moved({key: self.pull(params, scene.grids[key].shape) for key in self.keys})


@dataclass(frozen=True)
class Part:
    """Which part of an image an operation is given."""

    offset: tuple[int, ...]
    """Its first voxel, [z,] y, x."""
    shape: tuple[int, ...]
    """Shape of the whole image, [z,] y, x."""
    beside: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """The same part of the images and label maps that the operation `needs`."""

    @property
    def dims(self) -> int:
        """2 or 3."""
        return len(self.shape)


class Intensity(Operation):
    """Changes the values of images where they are; label maps stay as they are."""

    whole: ClassVar[bool] = False
    """A pixel depends on pixels all over the image, so that no part can be computed by itself exactly."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Fields whose keys the operation looks at, without changing them."""

    def apply(self, image: NDArray[Any], params: Params) -> NDArray[Any]:
        """Return the changed image; a label map is returned as it is."""
        part = Part((0,) * (image.ndim - 1), image.shape[1:])
        return image if is_label(image) else self.change(image, params, self.measure(image), part)

    def margin(self, params: Params) -> int:
        """Return how many voxels around a part its values depend on."""
        return 0

    def measure(self, image: NDArray[np.float32]) -> Mapping[str, Any]:
        """Return what `change` must know of the whole image; for a quick look, of a part of it."""
        return {}

    @abstractmethod
    def change(
        self, image: NDArray[np.float32], params: Params, known: Mapping[str, Any], part: Part
    ) -> NDArray[np.float32]:
        """Return the changed image or part of one, (channel, [z,] y, x); `image` stays as it is.

        The same arguments give the same bits, whatever the number of threads; a part is the same as cut from the
        whole, `margin` away from where it was cut.
        """


class Together(Operation):
    """Changes images and label maps all at once, each as a whole, and keeps their shapes."""

    @abstractmethod
    def together(self, images: Mapping[str, NDArray[Any]], params: Params) -> dict[str, NDArray[Any]]:
        """Return the changed images and label maps (channel, [z,] y, x) by key; what is given stays as it is.

        Raises:
            FuseError: when they cannot be changed.
        """

    def apply(self, image: NDArray[Any], params: Params) -> NDArray[Any]:
        """Return one changed image or label map."""
        key = str(self.keys[0])
        return self.together({key: image}, params)[key]


def is_label(array: NDArray[Any]) -> bool:
    """Whether an array holds labels: whole numbers."""
    return array.dtype.kind != "f"


def moved_grid(grid: Geometry, pull: Pull) -> Geometry:
    """Return the grid of a moved image: what is seen moves, spacing and centre stay.

    Where pixels are only copied, they keep their size; a part that is cut out keeps its place.
    """
    exact, steps = pull.copies, np.array(tuple(reversed(grid.spacing)))
    if exact is not None:
        steps = steps[np.abs(exact.rows[:, :-1]).argmax(0)]
    size, spacing = tuple(reversed(pull.shape)), tuple(steps[::-1].tolist())
    if (size, spacing) == (grid.size, grid.spacing):
        return grid
    if exact is not None and np.array_equal(exact.rows[:, :-1], np.eye(grid.dims)):
        return Geometry(size, spacing, grid.point(tuple(exact.rows[:, -1].tolist())), grid.direction)
    shift = ((np.asarray(grid.size) - 1) * grid.spacing - (np.asarray(size) - 1) * spacing) / 2
    return Geometry(size, spacing, tuple((np.asarray(grid.origin) + grid.matrix @ shift).tolist()), grid.direction)


def _proportional(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if len(shape) != len(other):
        return False
    return all(a * other[0] == b * shape[0] for a, b in zip(shape, other, strict=True))
