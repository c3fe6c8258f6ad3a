"""Ready lists of augmentations, filled in with the images and label maps of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import fuse_resources
from fuse_engine.core import document
from fuse_engine.core.errors import ExperimentError, FuseError, nearest

IMAGES, ALL = "images", "images and labels"
"""What stands in a preset for the keys of images, and for those of images and label maps."""


@dataclass(frozen=True)
class ImageKeys:
    """Which keys of a sample hold images and label maps."""

    images: tuple[str, ...]
    labels: tuple[str, ...] = ()
    dims: Literal[2, 3] = 2
    """Axes of the images."""

    @classmethod
    def of(cls, pictures: Mapping[str, Mapping[str, Any]]) -> ImageKeys:
        """Return the keys of a sample's pictures: `array` (channel, [z,] y, x) and whether it is a `label` map.

        Those with other axes than the first image are left out.

        Raises:
            FuseError: where there is no image.
        """
        shapes = {key: picture["array"].shape for key, picture in pictures.items()}
        return cls.of_shapes(shapes, [key for key, picture in pictures.items() if picture["label"]])

    @classmethod
    def of_shapes(cls, shapes: Mapping[str, tuple[int, ...]], labels: list[str]) -> ImageKeys:
        """Return the keys by the shapes (channel, [z,] y, x) of what they hold, and which are label maps.

        Raises:
            FuseError: where there is no image.
        """
        axes = {key: len(shape) for key, shape in shapes.items() if len(shape) in (3, 4)}
        first = next((axes[key] for key in axes if key not in labels), 0)
        if not first:
            raise FuseError("there is no image to augment", expected="an image among the inputs")
        fit = [key for key in axes if axes[key] == first]
        return cls(
            tuple(key for key in fit if key not in labels), tuple(key for key in fit if key in labels),
            2 if first == 3 else 3,
        )  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """A list of augmentations with a name."""

    name: str
    title: str
    sentence: str
    flat: tuple[Mapping[str, Any], ...]
    """The steps for images of two axes; their keys are still `IMAGES` or `ALL`."""
    deep: tuple[Mapping[str, Any], ...]
    """The steps for images of three axes."""

    def steps(self, keys: ImageKeys) -> list[dict[str, Any]]:
        """Return the `augmentation` section of an experiment with these images and label maps."""
        filled: list[dict[str, Any]] = _filled(list(self.flat if keys.dims == 2 else self.deep), keys)
        return filled


@lru_cache(maxsize=1)
def augmentation_presets() -> dict[str, Preset]:
    """Return every preset by name."""
    return {name: _read(name, path) for name, path in fuse_resources.augmentation_presets().items()}


def augmentation_preset(name: str) -> Preset:
    """Return one preset.

    Raises:
        FuseError: naming the presets there are.
    """
    known = augmentation_presets()
    if name not in known:
        raise FuseError(
            f"no preset '{name}'", expected=f"one of {', '.join(known)}", nearest=nearest(name, known)
        )  # fmt: skip
    return known[name]


def _read(name: str, path: Path) -> Preset:
    data = document.read(path).data
    both = data.get("steps")
    flat, deep = (data.get(dims, both) for dims in ("2d", "3d"))
    if not isinstance(flat, list) or not isinstance(deep, list):
        raise ExperimentError(f"{path.name} holds no steps", expected="'steps', or '2d' and '3d'")
    return Preset(name, str(data["title"]), str(data["sentence"]), tuple(flat), tuple(deep))


def _filled(value: Any, keys: ImageKeys) -> Any:
    """Return plain data with keys in the place of what stands for them."""
    if isinstance(value, list):
        return [_filled(item, keys) for item in value]
    if not isinstance(value, Mapping):
        return value
    meant = {IMAGES: keys.images, ALL: (*keys.images, *keys.labels)}
    return {
        name: list(meant[item]) if name == "keys" and item in meant else _filled(item, keys)
        for name, item in value.items()
    }
