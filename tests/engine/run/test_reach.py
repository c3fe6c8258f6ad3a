"""How far the features of a network look, against where their gradient reaches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from fuse_engine.libraries import library
from fuse_engine.models.backbones.resnet import ResNet
from fuse_engine.run.reach import ReachMode, reach_of


def followed(module: Callable[[], nn.Module], shape: tuple[int, ...]) -> tuple[list[int], list[float]] | None:
    """Return what is found without a computation."""
    with torch.device("meta"):
        built, image = module(), torch.empty(shape)
    mode = ReachMode([image])
    with mode, torch.no_grad():
        found = built(image)
    return reach_of(mode, found[-1] if isinstance(found, list) else found)


def lit(module: nn.Module, shape: tuple[int, ...]) -> list[int]:
    """Return the size of the box whose pixels change the middle value, with positive weights alone."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d):
            part.eval()
    for weight in module.parameters():
        weight.data.abs_().add_(1e-3)
    image = torch.ones(shape, requires_grad=True)
    found = module(image)
    last: Tensor = found[-1] if isinstance(found, list) else found
    middle = tuple(n // 2 for n in last.shape[2:])
    last[(0, slice(None), *middle)].sum().backward()
    gradient = image.grad
    assert gradient is not None
    where = torch.nonzero(gradient[0].abs().sum(0) > 0)
    return [int(high - low) + 1 for low, high in zip(where.amin(0), where.amax(0), strict=True)]


class Tail(nn.Module):
    """Channels last, padded by reflection, cut, put together, mixed, and back."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 4, 3, stride=2), nn.Conv2d(1, 4, (5, 3), stride=2, padding=(1, 0))
        self.mix, self.up = nn.Linear(8, 2), nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        padded = nn.functional.pad(image, (1, 1, 1, 1), mode="reflect")[:, :, 1:-1]
        both = torch.cat([self.one(padded), self.two(padded)], 1)
        mixed = self.mix(both.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).relu()
        up: Tensor = self.up(mixed)
        return up[..., ::2, ::2]


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "residual": (lambda: ResNet(depth=10, stem="small", width=1 / 64).build(1, 2), (1, 1, 96, 96)),
    "volume": (lambda: ResNet(depth=10, stem="small", width=1 / 64).build(1, 3), (1, 1, 64, 64, 64)),
    "dilated": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3, dilation=3), nn.AvgPool2d(2), nn.Conv2d(2, 2, 3)),
                (1, 1, 40, 40)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_features_look_as_far_as_their_gradient_reaches(name: str) -> None:
    build, shape = NETWORKS[name]
    found = followed(build, shape)
    assert found is not None
    assert found[0] == lit(build(), shape)


def test_odd_ways_of_writing_a_network_are_followed() -> None:
    found = followed(Tail, (1, 1, 41, 41))
    assert found is not None
    assert found[1] == [2.0, 2.0]
    assert [a >= b for a, b in zip(found[0], lit(Tail(), (1, 1, 41, 41)), strict=True)] == [True, True]


def test_published_networks_have_their_published_fields() -> None:
    # Araujo, Norris and Sim 2019, https://distill.pub/2019/computing-receptive-fields
    library("torchvision")
    import timm

    for name, size in (("vgg16", 212), ("inception_v3", 1311), ("resnet18", 435)):
        found = followed(lambda name=name: timm.create_model(name, features_only=True), (1, 3, 331, 331))
        assert found == ([size] * 2, [32.0] * 2), name


def test_attention_and_pooling_reach_everywhere_and_gates_do_not() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.gate = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1)

        def forward(self, image: Tensor) -> Tensor:
            found = self.conv(image)
            gated: Tensor = found * self.gate(found.mean((2, 3), keepdim=True)).sigmoid()
            return gated

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = nn.Conv2d(1, 8, 8, stride=8)

        def forward(self, image: Tensor) -> Tensor:
            tokens = self.patch(image).flatten(2).transpose(1, 2)
            return nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)

    assert followed(Gated, (1, 1, 32, 32)) == ([3, 3], [1.0, 1.0])
    assert followed(Attention, (1, 1, 32, 32)) is None
