"""One backbone that looks at several views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.models import DenseSegmentation, GlobalPoolingClassifier, ResNet, Siamese
from fuse_engine.models.backbones import MLP
from fuse_engine.models.base import FEATURES
from tests.engine.models.small import SMALL, keys, learns, make_batch, same_after_saving

VIEWS = "prior current next"


def shapes(*shape: int) -> dict[str, tuple[int, ...]]:
    return {**dict.fromkeys(keys(VIEWS), shape), "data.input.age": ()}


def model(views: str = "prior current", backbone: ResNet | MLP = SMALL, **more: Any) -> Siamese:
    heads = {"a": GlobalPoolingClassifier(classes=2, tabular=keys("age"))}
    return Siamese(inputs=keys(views), backbone=backbone, **{"heads": heads, **more})


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("join", ["concat", "difference", "absolute difference"])
@pytest.mark.parametrize("shape", [(3,), (), (2, 40), (1, 24, 20), (1, 8, 24, 20)], ids=str)
def test_views_of_every_number_of_axes_reach_the_heads(shape: tuple[int, ...], join: Any, device: str) -> None:
    made = model(VIEWS, MLP(layers=[4]) if len(shape) < 2 else SMALL, join=join)
    with torch.device(device):
        module = made.build(shapes(*shape))
        batch = NestedDict({key: torch.zeros(2, *size) for key, size in shapes(*shape).items()})
        result = module(batch)
    assert set(result) == {*batch, *made.outputs()}
    assert list(module.parts) == ["backbone", "heads.a"]
    assert device == "meta" or learns(module, make_batch(shapes(*shape)))


@pytest.mark.parametrize("join", ["concat", "difference", "absolute difference"])
def test_features_are_those_of_each_view_by_itself_joined(join: Any) -> None:
    module, batch = model(VIEWS, join=join).build(shapes(1, 24, 20)).eval(), make_batch(shapes(1, 24, 20))
    first, second, third = (module.parts["backbone"](batch[key])[-1] for key in keys(VIEWS))
    expected = {
        "concat": torch.cat([first, second, third], 1),
        "difference": torch.cat([second - first, third - first], 1),
        "absolute difference": torch.cat([(second - first).abs(), (third - first).abs()], 1),
    }[join]
    torch.testing.assert_close(module(batch)[FEATURES], expected, atol=1e-5, rtol=1e-4)


def test_the_same_view_twice_differs_in_nothing() -> None:
    made = model(join="difference", heads={"b": DenseSegmentation(classes=2)})
    module, batch = made.build(shapes(1, 24, 20)).eval(), make_batch(shapes(1, 24, 20))
    batch["data.input.current"] = batch["data.input.prior"]
    result = module(batch)
    assert result[FEATURES].abs().max() == 0
    assert result["model.output.b"].shape == (2, 2, 24, 20)


def test_what_is_absolutely_different_is_so_in_either_order() -> None:
    module, batch = (
        model(join="absolute difference").build(shapes(1, 24, 20)).eval(),
        make_batch(shapes(1, 24, 20)),
    )
    prior, current = (batch[key] for key in keys("prior current"))
    turned = batch.copy()
    turned["data.input.prior"], turned["data.input.current"] = current, prior
    torch.testing.assert_close(module(batch)["model.logits.a"], module(turned)["model.logits.a"])


def test_heatmaps_are_made_of_the_joined_features() -> None:
    module, seen = model().build(shapes(1, 24, 20)).eval(), list[torch.Tensor]()
    module.get_submodule(module.last_features).register_forward_hook(lambda *args: seen.append(args[2]))
    result = module(make_batch(shapes(1, 24, 20)))
    assert result[FEATURES] is seen[-1]
    assert torch.autograd.grad(result["model.logits.a"][:, 0].sum(), result[FEATURES])[0].abs().sum() > 0


def test_weights_go_through_a_file(tmp_path: Path) -> None:
    given = shapes(1, 24, 20)
    assert same_after_saving(model(), given, make_batch(given), tmp_path / "weights.pt")


def test_views_have_one_shape_and_are_two_at_least() -> None:
    given = {**shapes(1, 24, 20), "data.input.current": (1, 24, 21)}
    with pytest.raises(FuseError, match=r"^inputs\.1: .* expected the shape \(1, 24, 20\); got \(1, 24, 21"):
        model().build(given)
    with pytest.raises(FuseError, match=r"^inputs\.0: nothing produces 'data\.input\.piror'; .*did you mean"):
        model("piror current").build(given)
    with pytest.raises(FuseError, match=r"^backbone\.ResNet: ResNet works for .*; got vectors"):
        model().build(shapes(3))
    with pytest.raises(ValidationError, match="at least 2 items"):
        model("prior")
