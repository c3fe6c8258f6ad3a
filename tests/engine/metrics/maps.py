"""Label maps that the tests of segmentation share."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy import ndimage

from fuse_engine.core.random import stream

KEYS: dict[str, Any] = {"pred": "model.output.head", "target": "data.gt.target"}

Map = NDArray[np.uint8]


def blob(shape: tuple[int, ...], *seed: object, smooth: float = 1.5) -> Map:
    """Return a random structure that may touch the border."""
    rng = stream("blob", *shape, *seed)
    found: Map = (ndimage.gaussian_filter(rng.normal(size=shape), smooth) > 0.05).astype(np.uint8)
    return found


def outputs(found: Map, classes: int = 2) -> torch.Tensor:
    """Return probabilities (1, classes, ...) whose most probable class is that of a label map."""
    return torch.nn.functional.one_hot(torch.from_numpy(found).long()[None], classes).movedim(-1, 1).float()


def truth(label: Map) -> torch.Tensor:
    """Return a label map as a batch of one (1, 1, ...)."""
    return torch.from_numpy(label).long()[None, None]


def itk(label: Map, spacing: tuple[float, ...]) -> sitk.Image:
    """Return a label map as an image; spacing in the order of the array."""
    image = sitk.GetImageFromArray(label)
    image.SetSpacing(tuple(reversed(spacing)))
    return image
