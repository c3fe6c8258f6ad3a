"""Other surroundings for what a mask shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import minimum_filter1d

from fuse_engine.augment.base import Applied, Intensity, Params, Part, Scene
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Pull, pulled
from fuse_engine.core.distribution import Distribution, constant
from fuse_engine.core.errors import FuseError, SampleError, nearest
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.data.cache import Memory
from fuse_engine.data.cache.base import array_of
from fuse_engine.data.image import read_image
from fuse_engine.data.integrity.naming import ENDINGS

Pixels = NDArray[np.float32]
_kept = Memory(limit_gb=0.5)
"""Backgrounds of this process; one that is larger than all of them may be is read each time."""


@register
class BackgroundReplacement(Intensity):
    """Puts what a mask shows before another background; Musket's `BackgroundReplacer`, whose `rate` is 1 - `p`.

    The background is resized to the image, and its lowest and highest value become those of the image.
    """

    needs = ("mask",)

    mask: Key
    """Label map of the image's size; what is not 0 is kept, e.g. `data.gt.segmentation`."""
    folder: Path
    """Folder of the backgrounds, images with as many axes; relative to the experiment's."""
    erosion: Distribution = Field(constant(0), ge=0, le=50)
    """Pixels that what is kept is first narrowed by on every side; rounded."""
    p: float = Field(0.5, ge=0, le=1)
    """Chance, from 0 to 1, that a sample is changed."""

    def located(self, folder: Path) -> Self:
        """Return the step with the whole path of its folder."""
        return self.model_copy(update={"folder": folder / self.folder})

    def decide(self, step: str, chance: Chance, scene: Scene) -> tuple[list[Applied], Scene]:
        """Draw the parameters, for images that have a mask of their size.

        Raises:
            FuseError: when the mask is none, or is of another size.
        """
        shape = scene.grid([self.mask]).shape
        if self.mask not in scene.labels:
            raise FuseError(f"'{self.mask}' is no label map", where="mask", expected="whole numbers")
        for key in self.keys:
            if scene.grid([key]).shape != shape:
                raise FuseError(
                    f"'{self.mask}' is not of the size of '{key}'", where="mask",
                    expected=str(scene.grid([key]).shape), got=str(shape),
                )  # fmt: skip
        return super().decide(step, chance, scene)

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the background's file, and by how much the mask is narrowed.

        Raises:
            FuseError: for a folder without images.
        """
        files = _files(self.folder)
        return {"file": files[chance.pick([1.0] * len(files))], "erosion": round(chance.number(self.erosion))}

    def margin(self, params: Params) -> int:
        """Return how far away the mask matters."""
        return int(params["erosion"])

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the lowest and highest value."""
        return {"low": float(image.min()), "high": float(image.max())}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return what is kept before the background.

        Raises:
            SampleError: when the background cannot be read, or does not fit.
        """
        kept = (part.beside[self.mask] != 0).any(0)
        for axis in range(kept.ndim if params["erosion"] else 0):
            kept = minimum_filter1d(kept, 2 * params["erosion"] + 1, axis, mode="nearest")
        return np.where(kept, image, self._background(params["file"], len(image), image.shape[1:], known, part))

    def _background(
        self, name: str, channels: int, shape: tuple[int, ...], known: Mapping[str, Any], part: Part
    ) -> Pixels:
        """Return a part of a background with the range of the image's values."""
        pixels = _fitted(self._read(name), channels, name)
        if pixels.ndim - 1 != part.dims:
            raise SampleError(
                f"background {name} has {pixels.ndim - 1} axes", expected=f"{part.dims}, as the image has"
            )
        low, high = float(pixels.min()), float(pixels.max())
        factor = (known["high"] - known["low"]) / (high - low) if high > low else 0.0
        scale = np.diag(np.divide(pixels.shape[1:], part.shape))
        box = tuple(slice(start, start + count) for start, count in zip(part.offset, shape, strict=True))
        found, _ = pulled(pixels, pixels[:0], Pull.linear(scale, part.shape, pixels.shape[1:]), "edge", box)
        found -= np.float32(low)
        found *= np.float32(factor)
        found += np.float32(known["low"])
        return found

    def _read(self, name: str) -> Pixels:
        files = _files(self.folder)
        if name not in files:  # a record may have been written by anyone
            raise SampleError(
                f"no background '{name}' in {self.folder.name}", expected=f"one of {len(files)} images",
                nearest=nearest(name, files),
            )  # fmt: skip
        path = self.folder / name
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            raise SampleError(f"background {name} is not in {self.folder.name} any more") from None
        return np.asarray(array_of(_kept.get(f"{path} {changed}", lambda: _pixels(path))), np.float32)


def _files(folder: Path) -> tuple[str, ...]:
    """Return the names of a folder's images, in alphabetical order.

    Raises:
        FuseError: when there are none.
    """
    expected = f"a folder with files that end in {', '.join(ENDINGS)}"
    try:
        found = _names(folder, folder.stat().st_mtime_ns)
    except OSError as error:
        raise FuseError(f"no folder {folder}: {error.strerror}", where="folder", expected=expected) from None
    if not found:
        raise FuseError(f"no image in {folder}", where="folder", expected=expected)
    return found


@lru_cache(maxsize=16)
def _names(folder: Path, changed: int) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.iterdir() if path.name.lower().endswith(ENDINGS)))


def _pixels(path: Path) -> Pixels:
    pixels: Pixels = read_image(path).array
    pixels.setflags(write=False)
    return pixels


def _fitted(pixels: Pixels, channels: int, name: str) -> Pixels:
    """Return a background with the image's number of channels: grey for all, or the mean of its colours."""
    if len(pixels) == 4 != channels:
        pixels = pixels[:3]  # the fourth says how opaque a picture is
    if len(pixels) == channels:
        return pixels
    if channels == 1:
        return np.asarray(pixels.mean(0, keepdims=True), np.float32)
    if len(pixels) == 1:
        return np.repeat(pixels, channels, 0)
    raise SampleError(
        f"background {name} has {len(pixels)} channels", expected=f"{channels} as the image has, or 1"
    )
