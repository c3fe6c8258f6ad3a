"""Several backbones whose features are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.models import DenseSegmentation, GlobalPoolingClassifier, Multistream, ResNet, Stream
from fuse_engine.models.backbones import MLP
from fuse_engine.models.base import FEATURES, BatchModule
from tests.engine.models.small import SHAPES, SMALL, keys, learns, make_batch, same_after_saving

WIDER = ResNet(depth=10, width=0.25, stem="small")
CLASSIFIER = GlobalPoolingClassifier(classes=2, tabular=keys("clinical age"))
MAP = DenseSegmentation(classes=3)


def model(streams: dict[str, Stream], **more: Any) -> Multistream:
    return Multistream(streams=streams, **{"heads": {"a": CLASSIFIER}, **more})


def stream(inputs: str, backbone: ResNet | MLP = SMALL, channels: tuple[int, ...] = ()) -> Stream:
    return Stream(inputs=keys(inputs), backbone=backbone, channels=list(channels))


TWO = {"ct": stream("image"), "pet": stream("other", WIDER)}
MIXED = {"table": stream("clinical age", MLP(layers=[4])), "scan": stream("volume"), "heart": stream("ecg")}
TABLES = {"one": stream("clinical", MLP(layers=[4])), "two": stream("age", MLP(layers=[4]))}


def features_of(module: BatchModule, batch: NestedDict, **inputs: str) -> list[list[torch.Tensor]]:
    """Return what each stream makes of its input, by itself."""
    return [module.parts[f"streams.{name}"](batch[f"data.input.{key}"]) for name, key in inputs.items()]


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("streams", "more"),
    [
        (TWO, {"heads": {"a": CLASSIFIER, "b": MAP}}),
        ({"fine": stream("image"), "coarse": stream("coarse")}, {"join": "max"}),
        (
            {"one": stream("volume"), "two": stream("volume", WIDER)},
            {"heads": {"b": MAP}},
        ),
        ({"one": stream("ecg"), "two": stream("ecg")}, {"join": "mean"}),
        (TABLES, {"join": "mean"}),
        (MIXED, {"pool": True}),
    ],
    ids=["images", "sizes", "volumes", "signals", "vectors", "mixed"],
)
def test_streams_of_every_kind_reach_the_heads(
    streams: dict[str, Stream], more: dict[str, Any], device: str
) -> None:
    made = model(streams, **more)
    with torch.device(device):
        module = made.build(SHAPES)
        batch = NestedDict({key: torch.zeros(2, *shape) for key, shape in SHAPES.items()})
        result = module(batch)
    assert set(result) == {*batch, *made.outputs()}
    heads = [f"heads.{name}" for name in made.heads]
    assert list(module.parts) == [*(f"streams.{name}" for name in streams), *heads]
    assert "model.output.b" not in result or result["model.output.b"].shape[2:] == SHAPES[made.reads()[0]][1:]
    assert device == "meta" or learns(module, make_batch())


def test_features_are_put_together_along_the_channels_level_by_level() -> None:
    module, batch = model(TWO).build(SHAPES).eval(), make_batch()
    ct, pet = features_of(module, batch, ct="image", pet="other")
    torch.testing.assert_close(module(batch)[FEATURES], torch.cat([ct[-1], pet[-1]], 1))
    seen: list[list[torch.Tensor]] = []
    module.parts["heads.a"].register_forward_hook(lambda head, inputs, output: seen.append(inputs[0]))
    module(batch)
    for level, one, other in zip(seen[0], ct, pet, strict=True):
        torch.testing.assert_close(level, torch.cat([one, other], 1))


@pytest.mark.parametrize("join", ["mean", "max"])
def test_features_of_another_size_are_brought_to_the_first_streams(join: Any) -> None:
    made = model({"fine": stream("image"), "coarse": stream("coarse")}, join=join)
    module, batch = made.build(SHAPES).eval(), make_batch()
    fine, coarse = features_of(module, batch, fine="image", coarse="coarse")
    larger = torch.nn.functional.interpolate(coarse[-1], fine[-1].shape[2:], mode="bilinear")
    both = torch.stack([fine[-1], larger])
    torch.testing.assert_close(module(batch)[FEATURES], both.mean(0) if join == "mean" else both.amax(0))


def test_what_has_no_common_axes_is_pooled() -> None:
    module, batch = model(MIXED, pool=True).build(SHAPES).eval(), make_batch()
    table = torch.cat([batch["data.input.clinical"], batch["data.input.age"][:, None]], 1)
    scan, heart = features_of(module, batch, scan="volume", heart="ecg")
    expected = [module.parts["streams.table"](table)[-1], scan[-1].mean((2, 3, 4)), heart[-1].mean(2)]
    torch.testing.assert_close(module(batch)[FEATURES], torch.cat(expected, 1))
    assert module.last_features.startswith("backbones.1.")  # of the volume: heatmaps need places


def test_one_image_is_split_into_streams_by_channel() -> None:
    split = {"first": stream("other", channels=(0,)), "second": stream("other", channels=(1,))}
    module, batch = model(split).build(SHAPES).eval(), make_batch()
    parts, image = module.parts, batch["data.input.other"]
    expected = [parts[f"streams.{name}"](image[:, [at]])[-1] for at, name in enumerate(split)]
    torch.testing.assert_close(module(batch)[FEATURES], torch.cat(expected, 1))


def test_the_last_features_are_the_joined_ones_and_carry_slopes() -> None:
    module, seen = model(TWO).build(SHAPES).eval(), list[torch.Tensor]()
    module.get_submodule(module.last_features).register_forward_hook(lambda *args: seen.append(args[2]))
    result = module(make_batch())
    assert result[FEATURES] is seen[-1]
    slope = torch.autograd.grad(result["model.logits.a"][:, 0].sum(), result[FEATURES])[0]
    assert slope.abs().sum() > 0


def test_weights_go_through_a_file_and_samples_do_not_see_each_other(tmp_path: Path) -> None:
    made, batch = model(MIXED, pool=True), make_batch(size=3)
    assert same_after_saving(made, SHAPES, batch, tmp_path / "weights.pt")
    module = made.build(SHAPES).eval()
    alone = NestedDict({key: value[1:2] for key, value in batch.items()})
    torch.testing.assert_close(module(alone)["model.logits.a"][0], module(batch)["model.logits.a"][1])


WRONG: list[tuple[Multistream, str]] = [
    (model({"ct": stream("imgae")}),
     r"^streams\.ct\.inputs\.0: nothing produces .*did you mean 'data\.input\.image'"),
    (model({"ct": stream("image volume")}), r"^streams\.ct\.inputs\.1: .* differ in size"),
    (model({"ct": stream("other", channels=(0, 2))}),
     r"^streams\.ct\.channels: the inputs have 2 channels; expected numbers from 0 to 1; got 0, 2"),
    (model({"ct": stream("image"), "table": stream("clinical")}),
     r"^streams\.table\.backbone\.ResNet: ResNet works for .*; expected one of .*MLP.*; got vectors"),
    (model({"ct": stream("image"), "scan": stream("volume")}),
     r"^pool: the streams differ in their numbers of spatial axes; expected true; got ct 2, scan 3"),
    (model(TWO, join="mean"), r"^join: .* differ in channels; expected concat, or .*; got ct 8, pet 16"),
    (model(MIXED, pool=True, heads={"b": MAP}),
     r"^heads\.b\.DenseSegmentation: DenseSegmentation answers by pixel, the inputs are no images"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "message"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_fit_is_one_sentence_at_its_field(made: Multistream, message: str) -> None:
    with pytest.raises(FuseError, match=message) as caught:
        made.build(SHAPES)
    assert len(caught.value.problems) == 1


def test_streams_need_names_and_channels_that_can_be() -> None:
    with pytest.raises(ValidationError, match="'left breast' is no name"):
        model({"left breast": stream("image")})
    with pytest.raises(ValidationError, match="expected numbers from 0 up"):
        stream("image", channels=(-1,))


def test_a_stream_is_written_without_a_name_of_its_own() -> None:
    written = {
        "streams": {"ct": {"inputs": keys("image"), "backbone": {"ResNet": {"depth": 34}}}},
        "heads": {"a": {"GlobalPoolingClassifier": {"classes": 2}}},
    }
    made = Multistream.model_validate(written)
    assert made.streams["ct"].backbone == ResNet(depth=34)
    assert made.reads() == ("data.input.image",)
    assert made.to_entry()["Multistream"]["streams"]["ct"]["inputs"] == keys("image")
