from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from fuse_engine.core import registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.models import (
    DenseSegmentation,
    GlobalPoolingClassifier,
    GlobalPoolingMultiLabel,
    GlobalPoolingRegression,
    GlobalPoolingSurvival,
    Head,
    TabularClassifier,
)

IMAGE = "data.input.image"
SIZES = (24, 20, 16)
EVERY: list[type[Head]] = list(registry.every("head").values())  # type: ignore[arg-type]
NEEDED: dict[str, Any] = {"classes": 3, "labels": 3, "tabular": ["data.input.clinical"]}


def shapes(dims: int) -> dict[str, tuple[int, ...]]:
    return {
        IMAGE: (1, *SIZES[:dims]), "data.input.other": (2, *SIZES[:dims]), "data.input.clinical": (3,),
        "data.input.age": (), "data.gt.mask": (1, *[2 * n for n in SIZES[:dims]]),
    }  # fmt: skip


def batch(dims: int, size: int = 2) -> NestedDict:
    generator = torch.Generator().manual_seed(1)
    return NestedDict({key: torch.randn(size, *shape, generator=generator) for key, shape in shapes(dims).items()})


def features(dims: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    halves = ([n // 2 for n in SIZES[:dims]], [n // 4 for n in SIZES[:dims]])
    return [torch.randn(2, c, *s, generator=generator) for c, s in zip((4, 8), halves, strict=True)]


def make(cls: type[Head], **more: Any) -> Head:
    needed = {name: value for name, value in NEEDED.items() if name in cls.model_fields}
    return cls.model_validate({**needed, **more})


@pytest.mark.parametrize("dims", [0, 1, 2, 3])
@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_every_head_learns_and_is_restored(cls: type[Head], dims: int) -> None:
    head, data = make(cls), batch(dims)
    if cls is DenseSegmentation and dims < 2:
        with pytest.raises(FuseError, match="answers by pixel, the inputs are no images"):
            head.build([4, 8], dims, shapes(dims), [IMAGE])
        return
    module, again = (head.build([4, 8], dims, shapes(dims), [IMAGE]).eval() for _ in range(2))
    logits = module(features(dims), data)
    assert logits.shape[:2] == (2, head.width)
    logits.square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters())
    again.load_state_dict(module.state_dict())
    assert torch.equal(again(features(dims), data), logits)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("cls", [GlobalPoolingClassifier, DenseSegmentation])
def test_two_maps_and_two_vectors_go_into_one_head(cls: type[Head], dims: int) -> None:
    """The original joined them along the batch axis, and its segmentation never joined them at all."""
    tabular, maps = ["data.input.clinical", "data.input.age"], ["data.input.other", IMAGE]
    head = make(cls, tabular=tabular, conv_inputs=maps, tabular_layers=[5])
    module, data = head.build([4, 8], dims, shapes(dims), [IMAGE]).eval(), batch(dims)
    plain = module(features(dims), data)
    for key in (*tabular, *maps):
        changed = data.copy()
        changed[key] = data[key] + 10
        assert not torch.allclose(module(features(dims), changed), plain)


def test_vectors_stand_at_every_pixel_of_a_segmentation() -> None:
    head = DenseSegmentation(classes=2, tabular=["data.input.clinical"], skips=False)
    module, data = head.build([4, 8], 2, shapes(2), [IMAGE]).eval(), batch(2)
    (mixed,) = (layer for layer in module.modules() if isinstance(layer, nn.Conv2d))
    last = features(2)[-1]
    wide = data["data.input.clinical"][:, :, None, None].expand(-1, -1, *last.shape[2:])
    small = nn.functional.conv2d(torch.cat([last, wide], 1), mixed.weight, mixed.bias)
    expected = nn.functional.interpolate(small, size=SIZES[:2], mode="bilinear")
    assert torch.allclose(module(features(2), data), expected, atol=1e-5)


def test_table_columns_go_through_layers_of_their_own() -> None:
    head = GlobalPoolingClassifier(classes=2, tabular=["data.input.clinical"], tabular_layers=[6], layers=[])
    module, data = head.build([4, 8], 2, shapes(2), [IMAGE]).eval(), batch(2)
    own, last = (layer for layer in module.modules() if isinstance(layer, nn.Linear))
    vector = nn.functional.linear(data["data.input.clinical"], own.weight, own.bias).relu()
    joined = torch.cat([features(2)[-1].amax((2, 3)), vector], 1)
    expected = nn.functional.linear(joined, last.weight, last.bias)
    assert torch.allclose(module(features(2), data), expected, atol=1e-5)


def test_each_answer_has_its_activation() -> None:
    expected: list[tuple[Head, int, str]] = [
        (GlobalPoolingClassifier(classes=4), 4, "softmax"), (GlobalPoolingMultiLabel(labels=1), 1, "sigmoid"),
        (GlobalPoolingRegression(values=2), 2, "none"), (GlobalPoolingSurvival(), 1, "none"),
        (DenseSegmentation(classes=2), 2, "softmax"),
        (DenseSegmentation(classes=1, overlapping=True), 1, "sigmoid"),
    ]  # fmt: skip
    assert [(head, head.width, head.activation) for head, *_ in expected] == expected
    with pytest.raises(ValidationError, match="2 or more, background included, or overlapping: true"):
        DenseSegmentation(classes=1)


def test_a_head_from_the_table_needs_no_features() -> None:
    head = TabularClassifier(classes=2, tabular=["data.input.clinical", "data.input.age"], layers=[])
    module, data = head.build([], 0, shapes(2), []).eval(), batch(2)
    joined = torch.cat([data["data.input.clinical"], data["data.input.age"][:, None]], 1)
    (last,) = (layer for layer in module.modules() if isinstance(layer, nn.Linear))
    assert torch.allclose(module([], data), nn.functional.linear(joined, last.weight, last.bias))


@pytest.mark.parametrize(
    ("head", "field", "message"),
    [
        (GlobalPoolingClassifier(classes=2, tabular=[IMAGE]), "tabular.0", "is no vector"),
        (GlobalPoolingClassifier(classes=2, tabular=["data.input.ages"]), "tabular.0", "nothing produces"),
        (GlobalPoolingRegression(conv_inputs=["data.input.clinical"]), "conv_inputs.0", "2-D features"),
        (DenseSegmentation(classes=2, like="data.input.clinical"), "like", "2-D input"),
    ],
)
def test_what_does_not_fit_is_named(head: Head, field: str, message: str) -> None:
    with pytest.raises(FuseError, match=message) as caught:
        head.build([4, 8], 2, shapes(2), [IMAGE])
    assert caught.value.problems[0].where == field
    with pytest.raises(FuseError, match="needs features, the model has no backbone"):
        GlobalPoolingClassifier(classes=2).build([], 0, shapes(2), [])
