"""Libraries that a part of the program uses where they are installed, imported when they are asked for."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from fuse_engine.core.errors import FuseError

PACKAGES = {
    "albumentations": "albumentations", "huggingface_hub": "huggingface_hub", "monai": "monai", "timm": "timm",
    "torchio": "torchio", "torchvision": "torchvision",
}  # fmt: skip
"""Every such library, and what pip calls it."""

_declared: list[Any] = []
"""Operators live as long as the object that declares them."""


def library(name: str, module: str = "") -> ModuleType:
    """Return a library of `PACKAGES`, or a module of it such as `transforms.v2`.

    Raises:
        FuseError: when it is not installed, or cannot be imported.
    """
    if find_spec(name) is None:
        raise FuseError(f"{name} is not installed", expected=f"pip install {PACKAGES[name]}")
    if name in ("torchvision", "timm"):  # timm imports torchvision
        _declare_operators()
    before = os.environ.get("NO_ALBUMENTATIONS_UPDATE")
    # else importing it asks the network for a newer version
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    try:
        with undisturbed():
            return import_module(f"{name}.{module}" if module else name)
    except ImportError as error:
        raise FuseError(f"{name} cannot be imported: {error}", expected=f"pip install {PACKAGES[name]}") from None
    finally:
        if before is None:
            del os.environ["NO_ALBUMENTATIONS_UPDATE"]
        else:
            os.environ["NO_ALBUMENTATIONS_UPDATE"] = before


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put the random numbers that all code shares back to where they were, as some libraries draw at import."""
    torch = sys.modules.get("torch")
    before, arrays = random.getstate(), np.random.get_state()
    tensors = None if torch is None else torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(arrays)
        if torch is not None:
            torch.set_rng_state(tensors)


def _declare_operators() -> None:
    """Declare operators that torchvision registers at import, where a build of it for another torch lacks them."""
    import torch

    if _declared or _operators():
        return
    for text in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        space: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        space.define(text)
        _declared.append(space)


def _operators() -> bool:
    """Whether torchvision's own operators can be loaded."""
    from pathlib import Path

    import torch

    spec = find_spec("torchvision")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    for path in [*folder.glob("_C*.so"), *folder.glob("_C*.pyd")]:
        try:
            torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return hasattr(torch.ops.torchvision, "nms")
    return False
