"""Images of any size for networks that halve them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fuse_engine.models.base import NetworkModule


class Padded(NetworkModule):
    """Pads images to whole cells of the coarsest features by repeating their edge, and cuts the logits back."""

    def __init__(self, net: nn.Module, coarsest: Sequence[int], last_features: str) -> None:
        """Take a network of same-sized logits whose coarsest features are so many pixels apart along each axis."""
        super().__init__()
        self.net, self.coarsest = net, tuple(coarsest)
        self.last_features = f"net.{last_features}"

    def forward(self, image: Float[Tensor, "b _ *s"]) -> Float[Tensor, "b k *s"]:
        """Return the logits."""
        size = image.shape[2:]
        whole = [-(-given // cell) * cell for given, cell in zip(size, self.coarsest, strict=True)]
        if prod(whole) == prod(self.coarsest):
            whole[-1] *= 2  # one cell alone cannot be normalised
        before = [(wanted - given) // 2 for wanted, given in zip(whole, size, strict=True)]
        margins: list[int] = []
        for wanted, given, start in reversed(list(zip(whole, size, before, strict=True))):
            margins += [start, wanted - given - start]
        logits: Tensor = self.net(F.pad(image, margins, mode="replicate") if any(margins) else image)
        for axis, (start, given) in enumerate(zip(before, size, strict=True), 2):
            logits = logits.narrow(axis, start, given)
        return logits
