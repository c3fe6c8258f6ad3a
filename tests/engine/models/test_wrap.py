"""Whole networks, and torch modules of one's own, as models."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from fuse_engine import function, module
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.functions import functions, modules
from fuse_engine.models import UNet, Wrap, WrapModule
from fuse_engine.models.base import FEATURES
from tests.engine.models.small import SHAPES, keys, learns, make_batch, same_after_saving

SMALL_NET = UNet(channels=[4, 8, 16], norm="instance")

PACKAGE = """
from torch import nn

class Linear(nn.Linear):
    pass

def text():
    return "no module"
"""


class Blend(nn.Module):
    """Two images in, a label map and a class out."""

    def __init__(self, width: int, names: bool = False) -> None:
        super().__init__()
        self.names, self.mix = names, nn.Conv2d(3, width, 3, padding=1)

    def forward(self, image: Tensor, other: Tensor) -> Any:
        found = self.mix(torch.cat([image, other], 1))
        maps, classes = found, found.mean((2, 3))
        return {"classes": classes, "maps": maps} if self.names else (maps, classes)


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    before = dict(modules.known), dict(functions.known)
    module(Blend)
    yield
    for registered, names in zip((modules, functions), before, strict=True):
        registered.known.clear()
        registered.known.update(names)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with modules, as pip would."""
    (tmp_path / "clinic_nets.py").write_text(PACKAGE)
    facts = tmp_path / "clinic_nets-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: clinic-nets\nVersion: 1.0\n")
    names = ("ClinicLinear = clinic_nets:Linear", "text = clinic_nets:text")
    (facts / "entry_points.txt").write_text("[fuse_engine.modules]\n" + "\n".join(names) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("clinic_nets", None)


def blend(**more: Any) -> WrapModule:
    given: dict[str, Any] = {
        "inputs": keys("image other"), "module": "Blend", "arguments": {"width": 3},
        "answers": {"maps": "softmax", "classes": "sigmoid"},
    }  # fmt: skip
    return WrapModule(**{**given, **more})


@pytest.mark.parametrize("size", [(28, 23), (5, 6), (9, 17, 30)])
def test_a_unet_takes_images_of_any_size(size: tuple[int, ...]) -> None:
    model = Wrap(
        inputs=["data.input.image"],
        network=UNet(channels=[4, 8, 16, 32], norm="instance"),
        classes=3,
        output="mask",
    )
    shapes = {"data.input.image": (1, *size)}
    module = model.build(shapes)  # training: a coarsest level of one pixel could not be normalised
    assert module(make_batch(shapes, 1))["model.output.mask"].shape == (1, 3, *size)
    assert model.outputs() == ("model.backbone_features", "model.logits.mask", "model.output.mask")


def test_labels_that_overlap_are_each_there_or_not(tmp_path: Path) -> None:
    model = Wrap(inputs=keys("image"), network=SMALL_NET, classes=1, overlapping=True)
    built, batch = model.build(SHAPES), make_batch()
    assert learns(built, batch)
    result = built(batch)
    assert built.answers == {"segmentation": "sigmoid"}
    torch.testing.assert_close(result["model.output.segmentation"], result["model.logits.segmentation"].sigmoid())
    assert same_after_saving(model, SHAPES, batch, tmp_path / "weights.pt")
    with pytest.raises(ValidationError, match="expected 2 or more, background included, or overlapping: true"):
        Wrap(inputs=keys("image"), classes=1)


def test_a_network_refuses_what_it_is_not_made_for() -> None:
    with pytest.raises(FuseError, match=r"^network\.UNet: UNet works for images .*; got signals of 1 axis"):
        Wrap(inputs=keys("ecg")).build(SHAPES)
    with pytest.raises(FuseError, match=r"^inputs\.0: 'data\.input\.clinical' is no image"):
        Wrap(inputs=keys("clinical")).build(SHAPES)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("names", [False, True])
def test_inputs_go_in_by_position_and_answers_come_out_by_name(names: bool, device: str) -> None:
    model = blend(arguments={"width": 3, "names": names}, features="mix")
    with torch.device(device):
        built = model.build(SHAPES)
        batch = NestedDict({key: torch.ones(2, *SHAPES[key]) for key in keys("image other")})
        result = built(batch)
    assert set(result) == {*batch, *model.outputs()}
    assert result["model.output.maps"].shape == (2, 3, 28, 24)
    assert result["model.logits.classes"].shape == (2, 3)
    assert (built.last_features, list(built.parts)) == ("inner.mix", ["module"])
    if device == "cpu":
        torch.testing.assert_close(result["model.output.classes"], result["model.logits.classes"].sigmoid())
        assert torch.equal(result[FEATURES], result["model.logits.maps"])
        assert learns(built, make_batch())


def test_a_wrapped_module_keeps_its_weights(tmp_path: Path) -> None:
    assert same_after_saving(blend(), SHAPES, make_batch(), tmp_path / "weights.pt")
    assert FEATURES not in blend().build(SHAPES)(make_batch())


def test_functions_stand_before_and_after_the_module() -> None:
    @function
    def twice(image: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        return image * 2, other

    @function
    def only_classes(found: tuple[Tensor, Tensor]) -> Tensor:
        return found[1]

    batch = make_batch()
    plain, built = (
        blend().build(SHAPES),
        blend(pre="twice", post="only_classes", answers={"c": "none"}).build(SHAPES),
    )
    built.load_state_dict(plain.state_dict())
    doubled = batch.copy()
    doubled["data.input.image"] = 2 * batch["data.input.image"]
    torch.testing.assert_close(built(batch)["model.output.c"], plain(doubled)["model.logits.classes"])


def test_a_module_of_an_installed_package(package: None) -> None:
    model = WrapModule(
        inputs=keys("clinical"), module="ClinicLinear", arguments={"in_features": 3, "out_features": 2},
        answers={"a": "softmax"},
    )  # fmt: skip
    assert learns(model.build(SHAPES), make_batch())
    with pytest.raises(FuseError, match=r"^module: text made no torch module; got str"):
        WrapModule(inputs=keys("clinical"), module="text", answers={"a": "softmax"}).build(SHAPES)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"module": "Blnd"}, "module: unknown module 'Blnd'; .*did you mean 'Blend'"),
        ({"module": "torch.nn.Linear"}, "module: unknown module 'torch.nn.Linear'"),
        ({"module": "os.system"}, "unknown module 'os.system'"),
        ({"pre": "nowhere"}, "pre: unknown function 'nowhere'"),
        ({"answers": {"left breast": "softmax"}}, "'left breast' is no name"),
        ({"answers": {"a": "sofmax"}}, "softmax"),
    ],
)
def test_only_what_is_registered_can_be_named(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        blend(**more)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"arguments": {"depth": 3}}, r"^arguments: Blend cannot be made: TypeError: .*'depth'"),
        ({"features": "mxi"}, r"^features: Blend has no part 'mxi'; expected one of mix"),
        ({"inputs": keys("image othr")}, r"^inputs\.1: nothing produces .*did you mean 'data\.input\.other'"),
    ],
)
def test_what_cannot_be_built_is_said_at_its_field(more: dict[str, Any], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        blend(**more).build(SHAPES)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"answers": {"maps": "softmax"}}, r"Blend returned a tensor \(2, 3, 28, 24\), a tensor \(2, 3\)"),
        (
            {"arguments": {"width": 3, "names": True}, "answers": {"x": "none"}},
            "returned no 'x'; expected one of",
        ),
    ],
)
def test_what_a_module_returns_must_be_its_answers(more: dict[str, Any], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        blend(**more).build(SHAPES)(make_batch())
