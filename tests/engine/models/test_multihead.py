"""One backbone and several heads, and what they are made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

import fuse_engine
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.models import (
    DenseSegmentation,
    GlobalPoolingClassifier,
    MultiHead,
    ResNet,
    TabularClassifier,
    UNet,
    Wrap,
)
from fuse_engine.models.backbones import MLP
from fuse_engine.models.base import FEATURES
from tests.engine.models.small import SHAPES, SMALL, keys, learns, make, make_batch, same_after_saving


def only(dims: int) -> dict[str, tuple[int, ...]]:
    return {"data.input.image": (1, *(28, 24, 20)[:dims])}


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_classifier_and_a_segmentation_share_a_backbone(dims: int, skips: bool, device: str) -> None:
    model = make(classifier=GlobalPoolingClassifier(classes=2), mask=DenseSegmentation(classes=3, skips=skips))
    with torch.device(device):
        module = model.build(only(dims)).eval()
        batch = NestedDict({"data.input.image": torch.zeros(1, *only(dims)["data.input.image"])})
        result = module(batch)
    assert set(result) == {"data.input.image", *model.outputs()}
    assert result["model.logits.classifier"].shape == (1, 2)
    assert result["model.output.mask"].shape == (1, 3, 28, 24, 20)[: dims + 2]
    assert "model.output.mask" not in batch


def test_outputs_are_probabilities_over_the_classes() -> None:
    module = make(a=GlobalPoolingClassifier(classes=4), b=DenseSegmentation(classes=3)).build(SHAPES).eval()
    result = module(make_batch())
    for head in "ab":
        assert torch.allclose(result[f"model.output.{head}"], result[f"model.logits.{head}"].softmax(1))
    assert torch.allclose(result["model.output.b"].sum(1), torch.ones(2, 28, 24))


def test_every_weight_learns() -> None:
    model = make("image other", a=GlobalPoolingClassifier(classes=2, tabular=["data.input.clinical"]))
    both = MultiHead(inputs=model.inputs, backbone=SMALL, heads={**model.heads, "b": DenseSegmentation(classes=2)})
    module = both.build(SHAPES)
    result = module(make_batch())
    (result["model.logits.a"].square().sum() + result["model.logits.b"].square().sum()).backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters())


def test_inputs_are_joined_along_the_channels() -> None:
    module = make("image other", a=GlobalPoolingClassifier(classes=2)).build(SHAPES).eval()
    batch = make_batch()
    plain = module(batch)["model.logits.a"]
    assert plain.shape == (2, 2)
    for key in ("data.input.image", "data.input.other"):
        changed = batch.copy()
        changed[key] = batch[key] + 1
        assert not torch.allclose(module(changed)["model.logits.a"], plain)


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_a_classifier_pools_then_joins_then_decides(pooling: Any) -> None:
    head = GlobalPoolingClassifier(
        classes=2, tabular=["data.input.clinical", "data.input.age"], pooling=pooling, layers=[7]
    )
    module = head.build([4, 8], 2, SHAPES, ["data.input.image"]).eval()
    batch, features = make_batch(), torch.randn(2, 8, 5, 6)
    pooled = features.amax((2, 3)) if pooling == "max" else features.mean((2, 3))
    joined = torch.cat([pooled, batch["data.input.clinical"], batch["data.input.age"][:, None]], 1)
    first, last = (layer for layer in module.modules() if isinstance(layer, nn.Linear))
    expected = nn.functional.linear(
        nn.functional.linear(joined, first.weight, first.bias).relu(), last.weight, last.bias
    )
    assert torch.allclose(module([torch.zeros(2, 4, 9, 9), features], batch), expected, atol=1e-5)


def test_a_segmentation_has_the_size_of_what_it_is_like() -> None:
    module = make(mask=DenseSegmentation(classes=2, like="data.gt.segmentation")).build(SHAPES).eval()
    assert module(make_batch())["model.logits.mask"].shape == (2, 2, 56, 36)
    larger = NestedDict({"data.input.image": torch.zeros(1, 1, 56, 48)})  # inference knows no truth
    assert module(larger)["model.logits.mask"].shape == (1, 2, 112, 72)


def test_skips_see_what_the_coarse_features_cannot() -> None:
    """A checkerboard of single pixels can be learnt with skips, not from features eight times coarser."""
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2
    image = NestedDict({"data.input.image": board[None, None].float()})
    wrong = {}
    for skips in (True, False):
        torch.manual_seed(1)
        module = make(mask=DenseSegmentation(classes=2, skips=skips, channels=8)).build(
            {"data.input.image": (1, 16, 16)}
        )
        rule = torch.optim.Adam(module.parameters(), 0.02)
        for _ in range(15):
            rule.zero_grad()
            loss = nn.functional.cross_entropy(module(image)["model.logits.mask"], board[None])
            loss.backward()  # type: ignore[no-untyped-call]
            rule.step()
        wrong[skips] = float((module(image)["model.logits.mask"].argmax(1) != board).float().mean())
    assert wrong[True] < 0.1 < 0.4 < wrong[False]


def test_the_features_are_those_of_the_last_layer_and_carry_slopes() -> None:
    seen = []
    for model in (
        make(a=GlobalPoolingClassifier(classes=2)),
        Wrap(inputs=["data.input.image"], network=UNet(channels=[4, 8, 16])),
    ):
        module = model.build(SHAPES).eval()
        handle = module.get_submodule(module.last_features).register_forward_hook(
            lambda *args: seen.append(args[2])
        )
        result = module(make_batch())
        handle.remove()
        assert result["model.backbone_features"] is seen[-1]
        score = result[model.outputs()[1]].flatten(1)[:, 0].sum()
        assert torch.autograd.grad(score, result["model.backbone_features"])[0].abs().sum() > 0


def test_parts_can_be_frozen_by_name() -> None:
    module = make(type=GlobalPoolingClassifier(classes=2), mask=DenseSegmentation(classes=2)).build(SHAPES)
    assert list(module.parts) == ["backbone", "heads.type", "heads.mask"]
    module.parts["backbone"].requires_grad_(False)
    free = {name.split(".")[0] for name, p in module.named_parameters() if p.requires_grad}
    assert free == {"heads"}


def test_weights_go_into_another_module_of_the_same_settings() -> None:
    model, batch = make(a=GlobalPoolingClassifier(classes=2)), make_batch()
    first, second = model.build(SHAPES).eval(), model.build(SHAPES).eval()
    assert not torch.equal(first(batch)["model.logits.a"], second(batch)["model.logits.a"])
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(batch)["model.logits.a"], second(batch)["model.logits.a"])


def test_a_sample_alone_gives_what_it_gives_in_a_batch() -> None:
    module, batch = make(a=GlobalPoolingClassifier(classes=2)).build(SHAPES).eval(), make_batch(size=3)
    alone = NestedDict({key: value[1:2] for key, value in batch.items()})
    assert torch.allclose(module(alone)["model.logits.a"][0], module(batch)["model.logits.a"][1], atol=1e-5)


WRONG: list[tuple[MultiHead | Wrap, str]] = [
    (make("imgae", a=GlobalPoolingClassifier(classes=2)),
     r"^inputs\.0: nothing produces 'data\.input\.imgae'; .*did you mean 'data\.input\.image'"),
    (make("clinical", a=GlobalPoolingClassifier(classes=2)),
     r"^backbone\.ResNet: ResNet works for signals .* images .*; expected one of .*MLP.*; got vectors"),
    (make("image volume", a=GlobalPoolingClassifier(classes=2)),
     r"^inputs\.1: 'data\.input\.volume' and 'data\.input\.image' differ in size; .*got \(8, 28, 24\)"),
    (make(a=GlobalPoolingClassifier(classes=2, tabular=["data.input.clinicla"])),
     r"^heads\.a\.GlobalPoolingClassifier\.tabular\.0: nothing produces .*did you mean 'data\.input\.clinical'"),
    (make(a=GlobalPoolingClassifier(classes=2, tabular=["data.input.other"])),
     r"^heads\.a\.GlobalPoolingClassifier\.tabular\.0: 'data\.input\.other' is no vector; .*got \(2, 28, 24\)"),
    (make(b=DenseSegmentation(classes=2, like="data.input.volume")),
     r"^heads\.b\.DenseSegmentation\.like: 'data\.input\.volume' does not fit the 2-D input; .*got \(1, 8"),
    (make("volume", b=DenseSegmentation(classes=2, like="data.gt.segmentation")),
     r"does not fit the 3-D input; expected .*z, y, x"),
    (make(b=DenseSegmentation(classes=2, like="data.input.age")), r"does not fit the 2-D input; .*got \(\)"),
    (Wrap(inputs=["data.input.nothing"]), r"^inputs\.0: nothing produces 'data\.input\.nothing'"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "message"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_fit_is_one_sentence_at_its_field(model: MultiHead | Wrap, message: str) -> None:
    with pytest.raises(FuseError, match=message) as caught:
        model.build(SHAPES)
    assert len(caught.value.problems) == 1


def test_a_head_needs_a_name_that_a_key_can_hold() -> None:
    with pytest.raises(ValidationError, match="'left breast' is no name, expected letters, digits and _"):
        MultiHead(inputs=["data.input.image"], heads={"left breast": GlobalPoolingClassifier(classes=2)})


def test_forms_do_not_wait_for_monai() -> None:
    engine = Path(fuse_engine.__file__).parents[1]
    code = "import sys; sys.path[:0] = sys.argv[1:]; import fuse_engine.models; assert 'monai' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(engine), str(engine.parent / "resources")], check=True)


@pytest.mark.parametrize("slices", [2, 4])
def test_volumes_have_the_gradients_of_float32_whatever_the_precision(slices: int) -> None:
    heads = {"seg": {"DenseSegmentation": {"classes": 2}}}
    model = MultiHead(
        inputs=["data.input.image"], backbone=ResNet(depth=10, width=0.25, stem="small"), heads=heads
    )
    module = model.build({"data.input.image": (1, slices, 12, 12)})
    batch = NestedDict({"data.input.image": torch.randn(2, 1, slices, 12, 12).bfloat16().float()})
    slopes = []
    for precision in (torch.float32, torch.bfloat16):
        module.zero_grad()
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            given = NestedDict({key: value.to(precision) for key, value in batch.items()})
            logits = module(given)["model.logits.seg"]
        logits.square().mean().backward()
        slopes.append(torch.cat([weight.grad.flatten() for weight in module.parameters()]))
    assert torch.equal(*slopes)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("inputs", ["clinical age", "ecg", "image other", "volume"])
def test_inputs_of_every_number_of_axes_go_through_a_backbone_that_takes_them(inputs: str, device: str) -> None:
    backbone = MLP(layers=[8, 4]) if inputs == "clinical age" else SMALL
    model = MultiHead(inputs=keys(inputs), backbone=backbone, heads={"a": GlobalPoolingClassifier(classes=2)})
    with torch.device(device):
        module, batch = (
            model.build(SHAPES),
            NestedDict({key: torch.zeros(2, *SHAPES[key]) for key in keys(inputs)}),
        )
        result = module(batch)
    assert set(result) == {*batch, *model.outputs()}
    assert result["model.output.a"].shape == (2, 2)
    assert device == "meta" or learns(module, make_batch())


def test_one_number_a_sample_is_a_vector_and_whole_numbers_are_fractions() -> None:
    model = MultiHead(
        inputs=keys("clinical age"), backbone=MLP(layers=[8]), heads={"a": GlobalPoolingClassifier(classes=2)}
    )
    module, batch = model.build(SHAPES).eval(), make_batch()
    whole = batch.copy()
    whole["data.input.age"] = torch.tensor([61, 70])
    fractions = batch.copy()
    fractions["data.input.age"] = torch.tensor([61.0, 70.0])
    assert torch.equal(module(whole)["model.logits.a"], module(fractions)["model.logits.a"])
    assert not torch.equal(module(whole)["model.logits.a"], module(batch)["model.logits.a"])


def test_two_images_and_two_vectors_go_to_one_head(tmp_path: Path) -> None:
    """FuseMedML 0.1.3 put them together along the batch axis."""
    model = make("image other", a=GlobalPoolingClassifier(classes=3, tabular=keys("clinical age")))
    module, batch = model.build(SHAPES), make_batch(size=4)
    assert learns(module, batch)
    before = module.eval()(batch)["model.logits.a"]
    assert before.shape == (4, 3)
    for key in keys("image other clinical age"):
        changed = batch.copy()
        changed[key] = batch[key] + 1
        assert not torch.allclose(module(changed)["model.logits.a"], before)
    assert same_after_saving(model, SHAPES, batch, tmp_path / "weights.pt")


def test_heads_on_tables_alone_need_no_backbone(tmp_path: Path) -> None:
    model = MultiHead(backbone=None, heads={"a": TabularClassifier(classes=2, tabular=keys("clinical age"))})
    module, batch = model.build(SHAPES), make_batch()
    result = module(batch)
    assert set(result) - set(batch) == set(model.outputs()) == {"model.logits.a", "model.output.a"}
    assert FEATURES not in result
    assert (list(module.parts), module.last_features) == (["heads.a"], "")
    assert learns(module, batch)
    assert same_after_saving(model, SHAPES, batch, tmp_path / "weights.pt")
    refused = MultiHead(backbone=None, heads={"a": GlobalPoolingClassifier(classes=2)})
    with pytest.raises(FuseError, match=r"^heads\.a\.GlobalPoolingClassifier: .* needs features, .* no backbone"):
        refused.build(SHAPES)


def test_inputs_and_backbone_go_together() -> None:
    heads = {"a": TabularClassifier(classes=2, tabular=keys("clinical"))}
    with pytest.raises(ValidationError, match="inputs: expected at least one, or no backbone"):
        MultiHead(heads=heads)
    with pytest.raises(ValidationError, match="backbone: expected one for the inputs, or no inputs"):
        MultiHead(inputs=keys("image"), backbone=None, heads=heads)
