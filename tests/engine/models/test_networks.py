from __future__ import annotations

from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.models import ResNet, Wrap
from fuse_engine.models.base import Backbone, Network, Pyramid
from fuse_engine.models.networks import (
    FPN,
    BackboneUNet,
    DeepLabV3Plus,
    DynUNet,
    LinkNet,
    PSPNet,
    ResUNet,
    SegResNet,
    UNet,
)
from fuse_engine.models.networks.dyn_unet import plan
from fuse_engine.models.networks.encoder import encoder
from fuse_engine.models.networks.padding import Padded

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}


class Levels(Pyramid):
    """Convolutions one after the other; a stride along y and x may differ from that along z."""

    def __init__(self, channels: int, dims: int, strides: list[int], depth: list[int]) -> None:
        super().__init__()
        self.channels = [16 * (index + 1) for index in range(len(strides))]
        before = [channels, *self.channels]
        steps = [[down] * (dims - 2) + [step] * 2 for down, step in zip(depth, strides, strict=True)]
        self.levels = nn.ModuleList(
            nn.Sequential(CONVOLUTIONS[dims](old, new, 3, step, 1), nn.ReLU())  # type: ignore[arg-type]
            for old, new, step in zip(before, self.channels, steps, strict=False)
        )
        self.last_features = f"levels.{len(strides) - 1}"

    def forward(self, image: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for level in self.levels:
            image = level(image)
            features.append(image)
        return features


class Thick(Backbone):
    """Four levels; two keep the slices of thick volumes."""

    def build(self, channels: int, dims: int) -> Pyramid:
        return Levels(channels, dims, [2, 2, 2, 2], [1, 1, 2, 2])


class Flat(Backbone):
    """Three levels of one size, as transformers have them."""

    def build(self, channels: int, dims: int) -> Pyramid:
        return Levels(channels, dims, [8, 1, 1], [8, 1, 1])


class Single(Backbone):
    """One level."""

    def build(self, channels: int, dims: int) -> Pyramid:
        return Levels(channels, dims, [4], [4])


class Pictures(Single):
    """For pictures alone."""

    dims: ClassVar[tuple[int, ...]] = (2,)


SMALL = ResNet(depth=10, width=0.125)
OVER = [
    BackboneUNet(backbone=SMALL), FPN(backbone=SMALL, channels=16, branch=8), LinkNet(backbone=SMALL, channels=4),
    PSPNet(backbone=SMALL, channels=16), DeepLabV3Plus(backbone=SMALL, channels=16, fine_channels=4),
]  # fmt: skip
EVERY: list[Network] = [
    UNet(channels=[4, 8, 16]), ResUNet(channels=[4, 8, 16]), DynUNet(channels=[4] * 6), SegResNet(channels=8),
    *OVER,
]  # fmt: skip
named = pytest.mark.parametrize("network", EVERY, ids=lambda network: network.name())
over = pytest.mark.parametrize("network", OVER, ids=lambda network: network.name())


def image_of(*size: int, channels: int = 1) -> Tensor:
    return torch.randn(1, channels, *size, generator=torch.Generator().manual_seed(1))


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@named
@pytest.mark.parametrize("size", [(5, 6), (33, 47), (9, 17, 30)])
def test_images_of_any_size_train_every_weight_one_at_a_time(network: Network, size: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    module = network.build(2, 3, len(size))
    logits = module(image_of(*size, channels=2))
    assert logits.shape == (1, 3, *size)
    logits.square().sum().backward()
    still = [name for name, weight in module.named_parameters() if weight.grad is None or not weight.grad.any()]
    if len(size) == 3 or size[0] > 32:  # a tiny image may leave a ReLU nothing to pass on
        assert still == []
    with torch.device("meta"):
        assert network.build(2, 3, len(size))(torch.empty(1, 2, *size)).shape == logits.shape


@named
def test_weights_go_through_a_file_into_another_module(network: Network, tmp_path: Path) -> None:
    first, second = (network.build(1, 2, 2).eval() for _ in range(2))
    image = image_of(40, 40)
    assert not torch.equal(first(image), second(image))
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    second.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(first(image), second(image))


@named
def test_the_last_features_are_the_coarsest_and_carry_slopes(network: Network) -> None:
    model = Wrap(inputs=["data.input.image"], network=network, classes=3)
    module: Any = model.build({"data.input.image": (1, 64, 96)}).eval()
    result = module(NestedDict({"data.input.image": image_of(64, 96)}))
    features = result["model.backbone_features"]
    assert features.shape[2:] == (64 // module.network.coarsest[0], 96 // module.network.coarsest[1])
    score = result["model.logits.segmentation"].sum()
    assert torch.autograd.grad(score, features)[0].any()


@over
@pytest.mark.parametrize("backbone", [Thick(), Flat(), Single()], ids=lambda backbone: backbone.name())
@pytest.mark.parametrize("size", [(37, 50), (7, 37, 50)])
def test_any_backbone_will_do(network: Network, backbone: Backbone, size: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    module = network.model_copy(update={"backbone": backbone}).build(1, 2, len(size))
    logits = module(image_of(*size))
    assert logits.shape == (1, 2, *size)
    logits.square().sum().backward()
    assert all(weight.grad is not None and bool(weight.grad.any()) for weight in module.parameters())


def test_thick_slices_are_not_halved_where_the_backbone_keeps_them() -> None:
    found = encoder(Thick(), 1, 3)
    assert found.strides == [[1, 2, 2], [1, 4, 4], [2, 8, 8], [4, 16, 16]]
    assert (
        Padded(nn.Identity(), [4, 16, 16], "net").coarsest
        == BackboneUNet(backbone=Thick()).build(1, 2, 3).coarsest
    )


def test_networks_of_monai_are_monais() -> None:
    from monai.networks.nets import dynunet, segresnet, unet

    theirs: list[tuple[Network, nn.Module]] = [
        (UNet(channels=[4, 8, 16], strides=[[1, 2, 2], [2, 2, 2]]), unet.UNet(
            3, 1, 2, (4, 8, 16), ((1, 2, 2), (2, 2, 2)), num_res_units=2, norm="batch"
        )),
        (SegResNet(channels=8), segresnet.SegResNet(3, 8, 1, 2)),
        (DynUNet(spacing=[3, 1, 1], patch=[8, 32, 32], residual=True), dynunet.DynUNet(
            3, 1, 2, [(1, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)],
            [1, (1, 2, 2), (2, 2, 2), (1, 2, 2)], [(1, 2, 2), (2, 2, 2), (1, 2, 2)], res_block=True,
        )),
    ]  # fmt: skip
    for network, reference in theirs:
        module = network.build(1, 2, 3).eval()
        reference.load_state_dict(
            {name.removeprefix("net."): value for name, value in module.state_dict().items()}
        )
        image = image_of(16, 32, 32)
        assert torch.equal(module(image), reference.eval()(image))


# segmentation_models_pytorch 0.6.0 over ResNet 18, three channels and classes, without the backbone; what differs
# is a last layer over 3 x 3 pixels, biases before a normalisation, a normalised mean, FPN's smoothing (Lin 2017)
PEERS: list[tuple[Network, int]] = [
    (BackboneUNet(), 3_151_987 - 16 * 3 * 8),
    (LinkNet(), 487_331 - (512 + 256 + 128 + 64 + 64) // 4),
    (DeepLabV3Plus(), 1_153_299 - 256),
    (FPN(), 1_870_979 + 4 * (256 * 256 * 9 + 256)),
]


@pytest.mark.parametrize(("network", "expected"), PEERS, ids=lambda value: getattr(value, "name", str)())
def test_decoders_are_as_large_as_those_of_a_peer(network: Network, expected: int) -> None:
    with torch.device("meta"):
        net: Any = network.build(3, 3, 2).net
    assert count(net.decoder) + count(net.answer) == expected


def test_the_sizes_of_what_no_peer_has_are_those_of_their_papers() -> None:
    with torch.device("meta"):
        residual, pooled = ResUNet().build(3, 2, 2), PSPNet(channels=512).build(3, 2, 2)
    # a unit: two convolutions, two normalisations, the way around with its own; the first has no opening one
    widths, up = [3, 64, 128, 256, 512], [(768, 256), (384, 128), (192, 64)]
    units = [*pairwise(widths), *up]
    unit = sum(9 * a * b + 9 * b * b + a * b + 2 * a + 4 * b for a, b in units)
    assert count(residual) == unit - 2 * 3 + 64 * 2 + 2
    net: Any = pooled.net
    parts = 4 * 512 * 128 + 128 + 3 * 2 * 128
    assert count(net.decoder) == parts + 9 * 1024 * 512 + 2 * 512


def test_an_output_pixel_sees_the_pixels_that_its_layers_reach() -> None:
    image = image_of(64, 64).requires_grad_()
    module = ResUNet(channels=[8, 8]).build(1, 2, 2).eval()
    module(image)[0, 0, 32, 32].backward()
    assert image.grad is not None
    rows = image.grad[0, 0].abs().sum(1).nonzero()[:, 0]
    # 30-34 fine, 14-17 coarse, 13-18 with neighbours, 25-37 under the stride, 23-39 with two neighbours each
    assert (int(rows.min()), int(rows.max())) == (23, 39)


@pytest.mark.parametrize(
    "network",
    [
        ResUNet(channels=[4, 8, 16]), BackboneUNet(backbone=Thick(), norm="batch"),
        LinkNet(backbone=Thick(), norm="batch"),
        FPN(backbone=Thick(), channels=8, branch=4, norm="batch"),
    ],
    ids=lambda network: network.name(),
)  # fmt: skip
def test_what_moves_by_a_whole_cell_moves_in_the_answer(network: Network) -> None:
    torch.manual_seed(1)
    module = network.build(1, 2, 2).eval()
    image = torch.zeros(1, 1, 193, 161)
    image[..., 80:90, 70:80] = image_of(10, 10)
    (one, other) = (module(torch.roll(image, (shift, shift), (2, 3))) for shift in (0, 16))
    window = one[..., 66:106, 56:96]
    assert torch.allclose(window, other[..., 82:122, 72:112], atol=1e-5)
    assert float(window.detach().std()) > 0


@pytest.mark.parametrize("size", [(1, 1), (5, 6), (16, 33), (1, 9, 30)])
def test_padding_is_cut_off_where_it_was_put(size: tuple[int, ...]) -> None:
    seen = []

    class Whole(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            seen.append(image.shape[2:])
            return image

    cells = [2, 4, 8][-len(size) :]
    image = image_of(*size)
    assert torch.equal(Padded(Whole(), cells, "")(image), image)
    assert all(length % cell == 0 for length, cell in zip(seen[0], cells, strict=True))
    assert prod(seen[0]) > prod(cells)


@pytest.mark.parametrize(("depth", "dims"), [(18, 2), (50, 2), (10, 3)])
def test_a_dilated_backbone_sees_more_often_what_it_saw(depth: Any, dims: int) -> None:
    """Every second feature of a level that lost its step is the feature of the level with the step (Chen 2017)."""
    backbone = ResNet(depth=depth, width=1 / 16)
    plain = encoder(backbone, 1, dims)
    dilated = encoder(backbone, 1, dims, 8)
    assert [stride[0] for stride in plain.strides] == [2, 4, 8, 16, 32]
    assert [stride[0] for stride in dilated.strides] == [2, 4, 8, 8, 8]
    dilated.backbone.load_state_dict(plain.backbone.state_dict())
    image = image_of(*[64] * dims)
    pairs = zip(plain.backbone.eval()(image), dilated.backbone.eval()(image), strict=True)
    for step, (coarse, fine) in zip([1, 1, 1, 2, 4], pairs, strict=True):
        every = (..., *[slice(None, None, step)] * dims)
        assert torch.allclose(coarse, fine[every], atol=1e-5)


def test_looking_how_coarse_a_backbone_is_leaves_no_trace() -> None:
    torch.manual_seed(1)
    plain, state = SMALL.build(1, 2), torch.get_rng_state()
    torch.manual_seed(1)
    found = encoder(SMALL, 1, 2, 8).backbone
    assert torch.equal(torch.get_rng_state(), state)
    pairs = zip(plain.state_dict().items(), found.state_dict().items(), strict=True)
    assert all(name == other and torch.equal(one, two) for (name, one), (other, two) in pairs)
    assert found.training
    assert not any(module._forward_hooks for module in found.modules())


def test_the_output_stride_is_what_it_says() -> None:
    for network in (PSPNet(backbone=SMALL, output_stride=16), DeepLabV3Plus(backbone=SMALL, output_stride=8)):
        assert network.build(1, 2, 2).coarsest == (network.output_stride,) * 2
    assert PSPNet.model_validate({"output_stride": "16"}).output_stride == 16


# a plan that nnU-Net v2 logged, and one by its rule for isotropic voxels
PLANS: list[tuple[list[float], list[int], list[list[int]], list[list[int]]]] = [
    ([3.3, 0.78125, 0.78125], [40, 96, 96], [[1, 2, 2], [1, 2, 2], [2, 2, 2], [2, 2, 2]],
     [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]]),
    ([1.0, 1.0, 1.0], [128, 128, 128], [[2, 2, 2]] * 5, [[3, 3, 3]] * 6),
]  # fmt: skip


@pytest.mark.parametrize(("spacing", "patch", "strides", "kernels"), PLANS)
def test_kernels_and_strides_are_those_that_nnunet_chooses(
    spacing: list[float], patch: list[int], strides: list[list[int]], kernels: list[list[int]]
) -> None:
    assert plan(spacing, patch) == (strides, kernels)
    assert DynUNet(spacing=spacing, patch=patch).build(1, 2, 3).coarsest == tuple(
        prod(steps) for steps in zip(*strides, strict=True)
    )


WRONG: list[tuple[Network, int, str]] = [
    (UNet(channels=[4, 8, 16], strides=[[2, 2]]), 2, r"^strides: the strides do not fit.*expected 2 entries"),
    (ResUNet(channels=[4, 8], strides=[[2, 2]]), 3, r"^strides\.0: \[2, 2\] does not fit 3-D.*\(z, y, x\)"),
    (DynUNet(spacing=[1, 1, 1]), 2, r"^spacing: .*does not fit 2-D images; expected 2 numbers"),
    (DynUNet(patch=[8, 8]), 2, r"^patch: two levels below the first are the least; .*16 pixels"),
    (DynUNet(channels=[4, 8]), 2, r"^channels: the channels do not fit the levels; expected 6 numbers"),
    (BackboneUNet(backbone=Single(), channels=[8, 4]), 2, r"^channels: .*expected 1 numbers, one for each level"),
    (FPN(backbone=Pictures()), 3, r"^backbone\.Pictures: Pictures does not work for 3-D .*got one for 2-D"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "dims", "message"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_fit_is_one_sentence_at_its_field(network: Network, dims: int, message: str) -> None:
    with pytest.raises(FuseError, match=message) as caught:
        network.build(1, 2, dims)
    assert len(caught.value.problems) == 1


class Shuffled(Backbone):
    """Takes its steps in a way that cannot be dilated."""

    def build(self, channels: int, dims: int) -> Pyramid:
        class Module(Pyramid):
            channels: ClassVar[list[int]] = [256]
            last_features = "step"

            def __init__(self) -> None:
                super().__init__()
                self.step = nn.PixelUnshuffle(16)

            def forward(self, image: Tensor) -> list[Tensor]:
                return [self.step(image)]

        return Module()


def test_a_backbone_that_cannot_be_dilated_is_refused() -> None:
    with pytest.raises(
        FuseError, match=r"^output_stride: the features of Shuffled .* 8 pixels apart; expected 16"
    ):
        PSPNet(backbone=Shuffled()).build(1, 2, 2)
    assert PSPNet(backbone=Shuffled(), output_stride=16).build(1, 2, 2).coarsest == (16, 16)


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (SegResNet, {"channels": 12}, "multiple of 8"),
        (SegResNet, {"blocks_up": [1]}, "expected 3 numbers in 'blocks_up'"),
        (UNet, {"strides": [[2, 0]]}, "numbers from 1 up"),
        (DynUNet, {"kernels": [[2, 3], [3, 3], [3, 3]], "strides": [[2, 2], [2, 2]]}, "odd numbers"),
        (DynUNet, {"kernels": [[3, 3]]}, "'kernels' need 'strides'"),
        (DynUNet, {"kernels": [[3, 3]], "strides": [[2, 2], [2, 2]]}, "expected 3 entries in 'kernels'"),
        (DynUNet, {"strides": [[2, 2], [2, 2]], "patch": [64, 64]}, "exclude each other"),
        (DynUNet, {"spacing": [0, 1]}, "above 0 mm"),
        (PSPNet, {"output_stride": 7}, "8, 16 or 32"),
    ],
)
def test_settings_say_what_they_expect(cls: type[Network], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        cls(**arguments)
