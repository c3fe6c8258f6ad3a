"""What part of an image each value of a network depends on, followed through the operations that torch does.

Each tensor knows, for each axis of the image, how many pixels apart its values are (the stride) and the interval
of pixels around them that they depend on; every operation changes these as it changes the values. That is exact
for convolutions, pooling, padding, cropping and what joins them, however a network is written. What mixes all
places (attention, pooling over the image, reordering of places) reaches the whole image. Normalisation over an
image and factors from a pooled image (squeeze and excitation) do not count: they carry no place. Only for the
meta device: nothing is computed.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from math import floor
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from fuse_engine.run.reach_rules import (
    RULES,
    Everywhere,
    Reach,
    Span,
    everywhere,
    plain_layout,
    same_places,
    tensors_in,
)


def _normalised(image: Tensor, *others: Any, **more: Any) -> tuple[Tensor, Tensor, Tensor]:
    channels = image.shape[1:2]
    return torch.empty_like(image), image.new_empty(channels), image.new_empty(channels)


def _interpolated(image: Tensor, size: Sequence[int] | None, *others: Any, **more: Any) -> Tensor:
    if size is None:
        factors = next(each for each in others if isinstance(each, tuple | list))
        size = [floor(length * factor) for length, factor in zip(image.shape[2:], factors, strict=True)]
    return image.new_empty((*image.shape[:2], *size))


_SHORT: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit", "cudnn_batch_norm"), _normalised),
    **dict.fromkeys(("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"), _interpolated),
}
"""What torch takes milliseconds for to find out the shape of, on the meta device."""


class ReachMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows every operation while it is active."""

    def __init__(self, images: Sequence[Tensor]) -> None:
        """Begin with images (batch, channel, [z,] y, x) that depend on themselves."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._known: MutableMapping[Tensor, Reach] = WeakIdKeyDictionary()
        for image in images:
            dims = image.ndim - 2
            self._known[image] = Reach(plain_layout(image.shape), (Span(),) * dims)

    def of(self, tensor: Tensor) -> Reach | None:
        """Return what a tensor depends on; None for one that does not depend on the images."""
        return self._known.get(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carry an operation out, and note what its results depend on."""
        short = _SHORT.get(func.overloadpacket.__name__)
        result = func(*args, **(kwargs or {})) if short is None else short(*args, **(kwargs or {}))
        inputs = [(item, found) for item in tensors_in(args) if (found := self._known.get(item)) is not None]
        if inputs:
            outputs = tensors_in(result if isinstance(result, tuple | list) else (result,))
            for output in outputs:
                self._known[output] = self._behind(func, args, inputs, output)
        return result

    def _behind(
        self, func: Any, args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor
    ) -> Reach:
        name = func.overloadpacket.__name__
        if name in ("mul", "mul_") and len(inputs) == 2:
            inputs = [item for item in inputs if not (item[1].whole and item[0].shape != output.shape)] or inputs
        if any(reach.whole for _, reach in inputs):
            return everywhere(output, inputs)
        try:
            return RULES.get(name, same_places)(args, inputs, output)
        except Everywhere:
            return everywhere(output, inputs)


def reach_of(mode: ReachMode, tensor: Tensor) -> tuple[list[int], list[float]] | None:
    """Return pixels that the values of a tensor depend on along ([z,] y, x), and the pixels between them.

    None where they depend on the whole image, or not on the image at all.
    """
    reach = mode.of(tensor)
    if reach is None or reach.whole or torch.is_complex(tensor):
        return None
    return [span.size for span in reach.spans], [float(span.stride) for span in reach.spans]
