"""Networks as levels, each from the features of the one before."""

from __future__ import annotations

from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor, nn

from fuse_engine.models.base import Pyramid


class Chain(Pyramid):
    """Levels one after the other; what each gives is a level of the features."""

    def __init__(self, levels: Iterable[nn.Module], channels: Iterable[int]) -> None:
        """Take the levels, fine to coarse, and how many channels each gives."""
        super().__init__()
        self.levels = nn.ModuleList(levels)
        self.channels = list(channels)
        self.last_features = f"levels.{len(self.levels) - 1}"

    def forward(self, image: Float[Tensor, " b c *s"]) -> list[Tensor]:
        """Return the features, fine to coarse."""
        features: list[Tensor] = []
        for level in self.levels:
            image = level(image)
            features.append(image)
        return features


def cut(network: nn.Module, *ends: str) -> list[nn.Sequential]:
    """Return the children of a network, in their order, as levels that each end at a child that is named."""
    levels, level = [], nn.Sequential()
    for name, child in network.named_children():
        level.append(child)
        if name in ends:
            levels.append(level)
            level = nn.Sequential()
    return levels
