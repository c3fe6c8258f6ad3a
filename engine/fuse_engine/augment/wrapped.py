"""Runs one transform of another library on the images and label maps of a sample.

Only classes of the modules below can be asked for: they change arrays. What reads or writes files, takes
functions, or imports by name is left out, so that an experiment executes nothing that it brings along.
"""

from __future__ import annotations

import inspect
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fuse_engine.augment.base import is_label
from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.libraries import library, undisturbed

Arrays = dict[str, NDArray[Any]]
"""Images and label maps (channel, [z,] y, x) by key."""
Made = Callable[..., Any]
"""What makes a transform from its arguments."""


@dataclass(frozen=True)
class Library:
    """Which transforms of a library there are, and how they are run."""

    module: str
    """Module that all of them can be taken from, below the library's name."""
    homes: tuple[str, ...]
    """Modules that define them."""
    chance: str
    """Argument that holds a transform's own chance."""
    run: Callable[[Made, Mapping[str, Any], Arrays, int, list[float]], Mapping[str, Any]]
    """Takes what makes the transform, its arguments, the arrays, a seed and the spacing [z,] y, x."""


def transform_class(path: str) -> tuple[Library, Any]:
    """Return the class that an import path such as `monai.transforms.RandFlip` names.

    Raises:
        FuseError: when there is no such transform, or its library is not installed.
    """
    name, _, rest = path.partition(".")
    where, _, last = rest.rpartition(".")
    if name not in LIBRARIES or where != LIBRARIES[name].module:
        raise FuseError(
            f"no transform '{path}'", where="transform", got=path,
            expected=" or ".join(f"{dotted(known)}.<Transform>" for known in LIBRARIES),
        )  # fmt: skip
    kind = LIBRARIES[name]
    module = library(name, kind.module)
    known = {
        key: item for key, item in vars(module).items()
        if inspect.isclass(item) and item.__module__.startswith(tuple(f"{name}.{home}" for home in kind.homes))
    }  # fmt: skip
    if last not in known:
        raise FuseError(
            f"no transform '{last}' in {dotted(name)}", where="transform",
            expected="one that changes single images by plain arguments", nearest=nearest(last, known),
        )  # fmt: skip
    return kind, known[last]


def dotted(name: str) -> str:
    """Return where the transforms of a library are taken from."""
    return f"{name}.{LIBRARIES[name].module}".rstrip(".")


def complete(kind: Library, made: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a transform; its own chance is 1 unless they say otherwise.

    Raises:
        FuseError: for an argument that it does not have.
    """
    known = inspect.signature(made).parameters
    for name in arguments:
        if name not in known:
            raise FuseError(
                f"{made.__name__} has no argument '{name}'", where="arguments", expected=", ".join(known),
                nearest=nearest(name, known),
            )  # fmt: skip
    return {**({kind.chance: 1.0} if kind.chance in known else {}), **arguments}


_alone = threading.Lock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the random numbers that libraries share, and put them back afterwards; one thread at a time."""
    with _alone, undisturbed():
        random.seed(seed)
        np.random.seed(seed)
        # torch.manual_seed would seed every GPU too
        torch.default_generator.manual_seed(seed)
        yield


def _monai(
    made: Any, arguments: Mapping[str, Any], arrays: Arrays, seed: int, spacing: list[float]
) -> Mapping[str, Any]:
    """MONAI: the twin of the class that takes dictionaries, labels read to the nearest."""
    spatial = made.__module__.startswith(("monai.transforms.spatial", "monai.transforms.croppad"))
    moves = spatial and made.__name__ not in _NO_MOVES
    keys = [key for key, array in arrays.items() if moves or not is_label(array)]
    if not keys:
        return {}
    twin = getattr(library("monai", "transforms"), f"{made.__name__}d")
    settings = dict(arguments)
    modes = inspect.signature(twin).parameters.get("mode")
    if modes is not None and moves:
        mode = settings.get("mode", modes.default)
        settings["mode"] = ["nearest" if is_label(arrays[key]) else mode for key in keys]
    transform = twin(keys=keys, **settings)
    if hasattr(transform, "set_random_state"):
        transform.set_random_state(seed=seed)
    found: Mapping[str, Any] = transform({key: torch.from_numpy(arrays[key].copy()) for key in keys})
    return {key: found[key] for key in keys}


_NO_MOVES = ("RandSimulateLowResolution",)
"""MONAI's spatial transforms that leave everything in its place."""


def _torchio(
    made: Made, arguments: Mapping[str, Any], arrays: Arrays, seed: int, spacing: list[float]
) -> Mapping[str, Any]:
    """TorchIO: (channel, x, y, z), in mm; a picture is a volume of one plane."""
    torchio, flat = library("torchio"), len(spacing) == 2
    affine = np.diag([*reversed(spacing), *[1.0] * flat, 1.0])
    images = {}
    for number, array in enumerate(arrays.values()):
        kind = torchio.LabelMap if is_label(array) else torchio.ScalarImage
        turned = np.moveaxis(array, range(1, array.ndim), range(array.ndim - 1, 0, -1))
        images[f"image{number}"] = kind(tensor=torch.from_numpy(turned.copy()).reshape(
            *turned.shape, *[1] * flat), affine=affine)  # fmt: skip
    found = made(**arguments)(torchio.Subject(**images))
    back = {}
    for key, name in zip(arrays, images, strict=True):
        pixels = found[name].data.numpy()
        pixels = pixels[..., 0] if flat else pixels
        back[key] = np.moveaxis(pixels, range(1, pixels.ndim), range(pixels.ndim - 1, 0, -1))
    return back


def _torchvision(
    made: Made, arguments: Mapping[str, Any], arrays: Arrays, seed: int, spacing: list[float]
) -> Mapping[str, Any]:
    """Run torchvision's v2 on pictures from 0 to 1, labels as its masks."""
    _flat(spacing, "torchvision")
    types = library("torchvision", "tv_tensors")
    given = {
        key: types.Mask(torch.from_numpy(array.copy())) if is_label(array)
        else types.Image(torch.from_numpy(array.copy()))
        for key, array in arrays.items()
    }  # fmt: skip
    found: Mapping[str, Any] = made(**arguments)(given)
    return found


def _albumentations(
    made: Made, arguments: Mapping[str, Any], arrays: Arrays, seed: int, spacing: list[float]
) -> Mapping[str, Any]:
    """Run albumentations on pictures (y, x, channel) from 0 to 1, labels as its masks."""
    _flat(spacing, "albumentations")
    images = [key for key, array in arrays.items() if not is_label(array)]
    if not images:
        return {}
    names = {key: f"mask{n}" if is_label(array) else f"image{n}" for n, (key, array) in enumerate(arrays.items())}
    names[images[0]] = "image"
    transform = made(**arguments)
    transform.add_targets({name: name.rstrip("0123456789") for name in names.values() if name != "image"})
    transform.set_random_seed(seed)
    given = {names[key]: np.moveaxis(array, 0, -1).astype(np.float32, order="C") for key, array in arrays.items()}
    found = transform(**given)
    # a single channel may be lost on the way
    pictures = {key: found[name].reshape(*found[name].shape[:2], -1) for key, name in names.items()}
    return {key: np.moveaxis(picture, -1, 0) for key, picture in pictures.items()}


def _flat(spacing: list[float], name: str) -> None:
    if len(spacing) != 2:
        raise FuseError(f"{name} transforms pictures", expected="2-D images", got="a volume")


LIBRARIES = {
    "monai": Library(
        "transforms", ("transforms.intensity.array", "transforms.spatial.array", "transforms.croppad.array"),
        "prob", _monai,
    ),
    "torchio": Library(
        "", ("transforms.augmentation.intensity", "transforms.augmentation.spatial"), "p", _torchio
    ),
    "torchvision": Library(
        "transforms.v2",
        tuple(f"transforms.v2.{home}" for home in ("_augment", "_auto_augment", "_color", "_geometry", "_misc")),
        "p", _torchvision,
    ),
    "albumentations": Library(
        "", tuple(f"augmentations.{home}" for home in ("blur", "crops", "dropout", "geometric", "pixel")),
        "p", _albumentations,
    ),
}  # fmt: skip
"""The closed list."""
RANGED = ("albumentations", "torchvision")
"""Libraries that want images from 0 to 1."""
