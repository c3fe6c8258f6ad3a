"""Vision transformers: timm's in 2-D, MONAI's in 3-D."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.pretrained import PretrainedBackbone, only_in_2d
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid

Tokens = Float[Tensor, " b t c"]
_SIZES = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
"""Channels, blocks and attention heads."""
_LEVELS = 4


@register
class ViT(PretrainedBackbone):
    """Vision transformer, timm's in 2-D, MONAI's in 3-D: four levels of one size, a quarter of the blocks each."""

    dims: ClassVar[tuple[int, ...]] = (2, 3)

    size: Literal["tiny", "small", "base", "large"] = "small"
    """How large a network: 6, 22, 86 or 303 million weights in 2-D."""
    patch: Annotated[Literal[8, 16, 32], BeforeValidator(whole)] = 16
    """Pixels along each axis that become one token; images are padded with zeros to whole patches."""
    grid: int = Field(14, ge=1, le=64)
    """Tokens along each axis that positions are learnt for, interpolated for images of other sizes; 14 are
    ImageNet's 224 pixels."""

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        if dims == 2:
            network = timm_network(f"vit_{self.size}_patch16_224", channels, **self._grid())
            embedding = _Embedding(network.patch_embed.proj, network.pos_embed, self.grid, network.cls_token)
        else:
            network = self._volumetric(channels, dims)
            block = network.patch_embedding
            embedding = _Embedding(block.patch_embeddings, block.position_embeddings, self.grid, None)
        return _Transformer(embedding, list(network.blocks), network.norm, _SIZES[self.size][0]), network

    def _grid(self) -> dict[str, Any]:
        return {"img_size": self.grid * self.patch, "patch_size": self.patch}

    def _volumetric(self, channels: int, dims: int) -> Any:
        from monai.networks.nets.vit import ViT as Network

        width, blocks, heads = _SIZES[self.size]
        network = Network(
            channels, spatial_dims=dims, hidden_size=width, mlp_dim=4 * width, num_layers=blocks, num_heads=heads,
            qkv_bias=True, **self._grid(),
        )  # fmt: skip
        for block in network.blocks:
            block.norm_cross_attn = nn.Identity()  # has weights that nothing uses
        return network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        only_in_2d(dims)
        patches = {"tiny": (16,), "small": (16, 32), "base": (8, 16, 32), "large": (16,)}[self.size]
        if self.patch not in patches:
            raise FuseError(
                f"there are no ImageNet weights of a {self.size} transformer with patches of {self.patch}",
                where="pretrained", expected=f"patch {' or '.join(map(str, patches))}",
            )  # fmt: skip
        return f"vit_{self.size}_patch{self.patch}_224"

    def reshaped(self, name: str, tensor: Tensor, target: Tensor) -> Tensor:
        """Return positions learnt for another grid, interpolated."""
        if not name.endswith(("pos_embed", "positions", "position_embeddings")) or tensor.ndim != 3:
            return tensor
        dims = 3 if target.shape[1] == self.grid**3 else 2
        extra = target.shape[1] - self.grid**dims
        side = round((tensor.shape[1] - extra) ** (1 / dims))
        if side**dims + extra != tensor.shape[1]:
            return tensor
        return resampled(tensor, extra, [side] * dims, [self.grid] * dims)


def resampled(positions: Tokens, extra: int, before: list[int], after: list[int]) -> Float[Tensor, " b u c"]:
    """Return positions on a grid of another size; the first `extra` stand for no place and stay."""
    if before == after:
        return positions
    channels = positions.shape[2]
    places = positions[:, extra:].reshape(1, *before, channels).movedim(-1, 1)
    mode = "bicubic" if len(before) == 2 else "trilinear"
    places = nn.functional.interpolate(places, after, mode=mode, antialias=mode == "bicubic", align_corners=False)
    return torch.cat([positions[:, :extra], places.flatten(2).movedim(1, 2)], 1)


class _Embedding(nn.Module):
    """Makes tokens of patches and says where each stands."""

    def __init__(self, patches: Any, positions: nn.Parameter, grid: int, first: nn.Parameter | None) -> None:
        super().__init__()
        self.patches, self.positions, self.first, self.grid = patches, positions, first, grid

    def forward(self, image: Float[Tensor, " b i *s"]) -> tuple[Tokens, tuple[int, ...]]:
        """Return the tokens, the class's first where there is one, and how many there are along each axis."""
        pads = [-size % step for size, step in zip(image.shape[2:], self.patches.kernel_size, strict=True)]
        found = self.patches(nn.functional.pad(image, [side for pad in reversed(pads) for side in (0, pad)]))
        grid = tuple(found.shape[2:])
        tokens = found.flatten(2).movedim(1, 2)
        if self.first is not None:
            tokens = torch.cat([self.first.expand(len(tokens), -1, -1), tokens], 1)
        extra = 0 if self.first is None else 1
        return tokens + resampled(self.positions, extra, [self.grid] * len(grid), list(grid)), grid


class _Map(nn.Module):
    """Puts tokens back where they stand in the image."""

    def forward(self, tokens: Tokens, grid: tuple[int, ...]) -> Float[Tensor, " b c *g"]:
        """Return a map without the tokens that stand for no place."""
        places = tokens[:, tokens.shape[1] - torch.Size(grid).numel() :]
        return places.movedim(1, 2).reshape(len(tokens), -1, *grid)


class _Transformer(Pyramid):
    last_features = f"maps.{_LEVELS - 1}"

    def __init__(self, embedding: _Embedding, blocks: list[nn.Module], norm: nn.Module, channels: int) -> None:
        super().__init__()
        self.embedding = embedding
        ends = [len(blocks) * level // _LEVELS for level in range(_LEVELS + 1)]
        levels = [nn.Sequential(*blocks[start:end]) for start, end in pairwise(ends)]
        self.levels = nn.ModuleList([*levels[:-1], levels[-1].append(norm)])
        self.maps = nn.ModuleList(_Map() for _ in self.levels)
        self.channels = [channels] * _LEVELS

    def forward(self, image: Float[Tensor, " b c *s"]) -> list[Tensor]:
        """Return the features, early to late."""
        tokens, grid = self.embedding(image)
        features: list[Tensor] = []
        for level, place in zip(self.levels, self.maps, strict=True):
            tokens = level(tokens)
            features.append(place(tokens, grid))
        return features
