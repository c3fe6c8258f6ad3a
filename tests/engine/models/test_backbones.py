from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fuse_engine.core.errors import FuseError
from fuse_engine.libraries import library
from fuse_engine.models.backbones import (
    MLP,
    VGG,
    ConvNeXt,
    DenseNet,
    EfficientNet,
    InceptionResNetV2,
    InceptionV3,
    MobileNet,
    MobileNetV2,
    NASNetLarge,
    NASNetMobile,
    ResNet,
    ResNeXt,
    SEResNet,
    SwinTransformer,
    ViT,
    Xception,
    build_backbone,
)
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.base import Backbone

SMALL: list[tuple[Backbone, tuple[int, ...]]] = [  # of odd sizes and other settings than the contract's
    (MLP(layers=[5, 4], dropout=0), ()), (DenseNet(), (29, 29, 32)), (EfficientNet(), (32, 27)),
    (InceptionResNetV2(cut=12), (43, 51)), (NASNetMobile(), (32, 27)), (ResNet(depth=10, width=0.25), (64,)),
    (ResNet(depth=50, width=0.25), (32, 27)), (ResNet(depth=10, width=0.25), (16, 20, 24)),
    (SwinTransformer(width=12), (32, 27)), (SwinTransformer(width=12, convolutions=True), (8, 27, 16)),
    (ViT(size="tiny", grid=3), (32, 27)), (ViT(size="tiny", patch=8, grid=2), (8, 15, 16)), (Xception(), (33, 27)),
]  # fmt: skip
LARGE: list[tuple[Backbone, int]] = [
    (VGG(depth=19, normalized=False), 2), (DenseNet(depth=201), 3), (DenseNet(depth=169), 2),
    (ResNet(depth=101), 1),
    (ResNet(depth=152), 3), (ResNeXt(depth=101), 2), (SEResNet(depth=152), 3), (NASNetLarge(), 2),
    *((EfficientNet(size=size), 2) for size in ("b1", "b2", "b3", "b4", "b5", "b6", "b7")),
    *((ConvNeXt(size=size), 2) for size in ("small", "base", "large")),
    *((ViT(size=size), dims) for size in ("small", "base", "large") for dims in (2, 3)),
    (ViT(size="base", patch=32), 2), (SwinTransformer(width=48), 3),
]  # fmt: skip


def picture(channels: int, *size: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, channels, *size, generator=torch.Generator().manual_seed(1))


def name_of(value: Any) -> str:
    return value.name() if isinstance(value, Backbone) else str(value)


@pytest.mark.parametrize(("backbone", "size"), SMALL, ids=name_of)
def test_every_weight_learns_and_comes_back(backbone: Backbone, size: tuple[int, ...]) -> None:
    shape = (2, *size)
    torch.manual_seed(1)
    module = build_backbone(backbone, shape)
    features = module(picture(*shape))
    sum(level.square().mean() for level in features).backward()
    assert [name for name, weight in module.named_parameters() if weight.grad is None] == []
    assert [level.shape[1] for level in features] == module.channels
    torch.manual_seed(1)
    other = build_backbone(backbone, shape)
    for one, two in zip(other.parameters(), module.parameters(), strict=True):
        assert torch.equal(one, two), "the weights do not come from torch's seed"
    other.load_state_dict(module.state_dict())
    again, once = other.eval()(picture(*shape)), module.eval()(picture(*shape))
    assert all(torch.equal(*pair) for pair in zip(again, once, strict=True))


@pytest.mark.parametrize(("backbone", "dims"), LARGE, ids=name_of)
def test_the_large_ones_keep_their_promises_without_memory(backbone: Backbone, dims: int) -> None:
    with torch.device("meta"), torch.no_grad():
        module = backbone.build(1, dims).eval()
        features = module(torch.zeros(1, 1, *[64] * dims))
    assert [level.shape[1] for level in features] == module.channels
    sizes = [level.shape[2] for level in features]
    assert sizes == sorted(sizes, reverse=True)


TIMM: list[tuple[PretrainedBackbone, int]] = [
    (ResNeXt(), 64), (VGG(normalized=False), 64), (InceptionV3(), 80), (InceptionResNetV2(cut=43), 80),
    (MobileNet(), 64), (MobileNetV2(), 65), (EfficientNet(), 65), (ConvNeXt(), 64), (NASNetLarge(), 65),
]  # fmt: skip


def stirred(network: nn.Module) -> nn.Module:
    """Return a network whose statistics are not all 0 and 1, ready to predict."""
    generator = torch.Generator().manual_seed(2)
    for name, item in network.state_dict().items():
        if "running" in name or "bn" in name or "norm" in name:
            item.copy_(torch.rand(item.shape, generator=generator) + 0.5)
    return network.eval()


@pytest.mark.parametrize(("backbone", "size"), TIMM, ids=name_of)
def test_features_are_those_of_timm(backbone: PretrainedBackbone, size: int) -> None:
    module, network = backbone.assemble(3, 2)
    stirred(network)
    module.eval()
    with torch.no_grad():
        expected = network.forward_intermediates(picture(3, size, size, batch=1), intermediates_only=True)
        found = module(picture(3, size, size, batch=1))
    assert len(found) == len(expected)
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two)


def test_the_middle_levels_of_xception_are_timms_before_the_activation() -> None:
    module, network = Xception().assemble(3, 2)
    stirred(network)
    with torch.no_grad():
        expected = network.forward_intermediates(picture(3, 65, 65), intermediates_only=True)
        found = module.eval()(picture(3, 65, 65))
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one.relu(), two)


@pytest.mark.parametrize("size", [(64, 64), (40, 90)])
def test_a_vision_transformer_gives_what_timms_gives_for_any_size(size: tuple[int, int]) -> None:
    module, network = ViT(size="tiny", grid=4).assemble(3, 2)
    options = {"img_size": 64, "dynamic_img_size": True, "dynamic_img_pad": True}
    reference = library("timm").create_model("vit_tiny_patch16_224", **options)
    reference.load_state_dict(network.state_dict(), strict=False)
    image = picture(3, *size, batch=1)
    with torch.no_grad():
        last, levels = reference.eval().forward_intermediates(image, indices=[2, 5, 8])
        found = module.eval()(image)
    for one, two in zip(found[:3], levels, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[3].flatten(2).movedim(1, 2), last[:, 1:], rtol=1e-4, atol=1e-4)


def test_volumes_give_what_monais_transformers_give() -> None:
    vit, swin = ViT(size="tiny", patch=8, grid=2), SwinTransformer(width=12)
    module, network = vit.assemble(1, 3)
    image = picture(1, 16, 16, 16)
    with torch.no_grad():
        last, levels = network.eval()(image)
        found = module.eval()(image)
        torch.testing.assert_close(found[-1].flatten(2).movedim(1, 2), last)
        torch.testing.assert_close(found[0].flatten(2).movedim(1, 2), levels[2])
        module, network = swin.assemble(1, 3)
        for one, two in zip(module.eval()(image), network.eval()(image), strict=True):
            torch.testing.assert_close(one, two)


def test_inception_resnet_is_cut_where_fusemedml_cuts_it() -> None:
    ends = {10: 320, 11: 1088, 31: 384, 32: 2080, 43: 1536}
    with torch.device("meta"):
        assert InceptionResNetV2().build(1, 2).channels == [64, 192, 320, 384]
        found = {cut: InceptionResNetV2(cut=cut).build(1, 2).channels[-1] for cut in ends}
        uncut = sum(weight.numel() for weight in InceptionResNetV2(cut=43).build(3, 2).parameters())
    assert found == ends
    assert uncut == 54_306_464  # the published 55,843,464 without the last layer


def test_nasnet_mobile_has_the_weights_of_the_published_one() -> None:
    with torch.device("meta"):
        count = sum(weight.numel() for weight in NASNetMobile().build(3, 2).parameters())
    assert count == 5_289_978 - 1056 * 1000 - 1000


@pytest.mark.parametrize(
    ("backbone", "shape", "message"),
    [
        (
            InceptionV3(),
            (1, 32, 80, 80),
            "works for images of 2 axes; expected one of DenseNet, .*ResNet",
        ),
        (ViT(), (1, 500), "expected one of ResNet; got signals of 1 axis"),
        (ResNet(), (7,), "expected one of MLP; got vectors"),
        (InceptionV3(), (1, 80, 74), "too small for InceptionV3; expected at least 75 pixels .*; got 80 x 74"),
        (InceptionResNetV2(cut=43), (1, 74, 80), "at least 75"),
        (DenseNet(), (1, 28, 64), "at least 29"),
    ],
    ids=name_of,
)
def test_what_does_not_fit_is_said(backbone: Backbone, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        build_backbone(backbone, shape)


def test_an_image_that_is_smaller_than_the_first_is_refused_too() -> None:
    module = build_backbone(DenseNet(), (1, 32, 32))
    with pytest.raises(FuseError, match=r"too small for DenseNet; .*; got 16 x 32"):
        module(torch.zeros(1, 1, 16, 32))
