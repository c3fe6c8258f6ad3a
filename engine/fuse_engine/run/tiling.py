"""Predicts whole images with a model that was trained on patches of them."""

from __future__ import annotations

import torch
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.data.patches import Box, Patches, Reassembly
from fuse_engine.run.compute import Compute

_MADE = "model."


class Tiled:
    """Predicts patch by patch; images of outputs are put together again, figures averaged over the patches."""

    def __init__(self, compute: Compute, patches: Patches, size: int) -> None:
        """Take what predicts, the way to cut, and how many patches are predicted at a time."""
        self._compute, self._patches, self._size = compute, patches, size
        self.module = compute.module

    def __call__(self, data: NestedDict) -> NestedDict:
        """Return the tensors of a batch with `model.*` of the whole images added, float32.

        Raises:
            SampleError: when the inputs cannot be cut into patches.
        """
        batch = self._compute.tensors(data)
        images = {key: value for key, value in batch.items() if _is_image(key, value)}
        shapes = {tuple(value.shape[2:]) for value in images.values()}
        if len(shapes) != 1:
            raise SampleError(
                "the inputs cannot be predicted patch by patch", expected="input images of one size",
                got=", ".join(map(str, sorted(shapes))) or "no image",
            )  # fmt: skip
        shape = shapes.pop()
        every = [self._one(batch, index, shape) for index in range(len(next(iter(images.values()))))]
        result = batch.copy()
        for key in every[0]:
            result[key] = torch.stack([found[key] for found in every])
        return result

    def _one(self, batch: NestedDict, index: int, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Return the outputs for one sample of the batch."""
        boxes, whole, single = self._patches.cover(shape), dict[str, Reassembly](), dict[str, list[Tensor]]()
        for at in range(0, len(boxes), self._size):
            some = boxes[at : at + self._size]
            found = self._compute(_part(batch, index, some))
            for key in (key for key in found if key.startswith(_MADE)):
                for place, box in enumerate(some):
                    value = found[key][place].float()
                    if value.ndim == 1:
                        single.setdefault(key, []).append(value)
                    elif tuple(value.shape[1:]) == box.size:
                        whole.setdefault(key, Reassembly(shape, self._patches.blend)).add(value, box)
        result = {key: found.result() for key, found in whole.items()}
        return {**result, **{key: torch.stack(values).mean(0) for key, values in single.items()}}


def _is_image(key: str, value: object) -> bool:
    return key.startswith("data.input.") and isinstance(value, Tensor) and value.ndim > 3


def _part(batch: NestedDict, index: int, boxes: list[Box]) -> NestedDict:
    """Return what the model may see of one sample in each box, as a batch."""
    found = NestedDict()
    for key, value in batch.items():
        if _is_image(key, value):
            found[key] = torch.stack([_cut(value[index], box) for box in boxes])
        elif key.startswith("data.input."):
            found[key] = torch.stack([value[index]] * len(boxes))
    return found


def _cut(image: Tensor, box: Box) -> Tensor:
    """Return the part of an image (channel, [z,] y, x) in a box; beyond the image its smallest value."""
    missing: list[int] = []
    inside = [slice(None)]
    for start, size, length in zip(box.start, box.size, image.shape[1:], strict=True):
        inside.append(slice(max(start, 0), max(start + size, 0)))
        missing = [max(-start, 0), max(start + size - length, 0), *missing]
    part = image[tuple(inside)]
    return torch.nn.functional.pad(part, missing, value=float(image.min())) if any(missing) else part
