"""Transforms of other libraries as augmentations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Params, Together, is_label
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.wrapped import RANGED, Arrays, complete, seeded, transform_class
from fuse_engine.core.arguments import Argument
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

_ROUNDING = 1e-3
"""How far a label may be from a whole number."""


@register
class WrapTransform(Together):
    """Runs one transform of MONAI, TorchIO, torchvision or albumentations, as this very sample's seed has it.

    All images and label maps are transformed at once, labels to the nearest, and keep their shapes; boxes and
    points stay where they are. Only `p` decides whether it happens: the transform's own chance is 1 unless given.
    torchvision and albumentations see pictures from 0, the lowest value, to 1, the highest, with channels last or
    first as they want them. MONAI's axes are [z,] y, x, TorchIO's x, y, z.
    """

    transform: str
    """Where it is imported from, e.g. `monai.transforms.RandGaussianSharpen`, `torchio.RandomMotion`,
    `torchvision.transforms.v2.ColorJitter`, `albumentations.CLAHE`; only transforms of single images by plain
    arguments, nothing that opens files or runs code."""
    arguments: dict[str, Argument] = Field({})
    """Its arguments as its library describes them, e.g. `{alpha: [10, 30]}`."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the seed of all that the transform draws; spacing is that of [z,] y, x in mm.

        Raises:
            FuseError: when there is no such transform or argument, or its library is not installed.
        """
        self._made()
        return {"seed": chance.seed() % 2**32, "spacing": list(reversed(grid.spacing))}

    def together(self, images: Mapping[str, NDArray[Any]], params: Params) -> Arrays:
        """Return the transformed images and label maps.

        Raises:
            FuseError: when the transform fails, or gives another shape or labels of fractions.
        """
        kind, made, arguments = self._made()
        ranges = {key: self._range(array) for key, array in images.items()}
        given = {key: _ranged(array, *ranges[key]) for key, array in images.items()}
        try:
            with seeded(params["seed"]):
                found = kind.run(made, arguments, given, params["seed"], params["spacing"])
        except FuseError:
            raise
        except Exception as error:
            raise FuseError(f"{self.transform} failed: {_line(error)}", where="arguments") from error
        return {
            key: self._checked(key, np.asarray(found[key]), array, *ranges[key]) if key in found else array
            for key, array in images.items()
        }

    def _made(self) -> tuple[Any, Any, dict[str, Any]]:
        """Return the library, the class and its arguments, which make a transform."""
        kind, made = transform_class(self.transform)
        arguments = complete(kind, made, self.arguments)
        try:
            made(**arguments)
        except Exception as error:
            raise FuseError(f"{made.__name__} cannot be made: {_line(error)}", where="arguments") from error
        return kind, made, arguments

    def _range(self, array: NDArray[Any]) -> tuple[float, float]:
        if is_label(array) or self.transform.partition(".")[0] not in RANGED:
            return 0.0, 1.0
        low, high = float(array.min()), float(array.max())
        return low, (high if high > low else low + 1)

    def _checked(
        self, key: str, found: NDArray[Any], before: NDArray[Any], low: float, high: float
    ) -> NDArray[Any]:
        if found.shape != before.shape:
            raise FuseError(
                f"{self.transform} changes the shape of '{key}'", where="transform",
                expected=f"{before.shape}; Crop, Pad and CropResize change shapes", got=str(found.shape),
            )  # fmt: skip
        if not is_label(before):
            return _ranged(found, -low / (high - low), (1 - low) / (high - low)).astype(before.dtype)
        whole = np.rint(found)
        if found.dtype.kind == "f" and np.abs(whole - found).max(initial=0) > _ROUNDING:
            raise FuseError(
                f"{self.transform} makes fractions of the labels of '{key}'", where="transform",
                expected="a transform that reads labels to the nearest, or `keys` without label maps",
            )  # fmt: skip
        return np.asarray(whole, before.dtype)


def _ranged(array: NDArray[Any], low: float, high: float) -> NDArray[Any]:
    """Return an array of which `low` has become 0 and `high` 1; the same array where they are."""
    if (low, high) == (0.0, 1.0):
        return array
    return np.asarray((array - np.float32(low)) / np.float32(high - low))


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
