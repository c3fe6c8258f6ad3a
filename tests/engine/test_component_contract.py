from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fuse_engine.augment import Intensity
from fuse_engine.augment.base import Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.core import registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.functions import function, module
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import Key
from fuse_engine.data import Image, Processor, Resize, Row, Value
from fuse_engine.data.image import write_image
from fuse_engine.data.processor import image_of, intensities
from fuse_engine.losses import Loss
from fuse_engine.metrics import Metric
from fuse_engine.metrics.base import Rows
from fuse_engine.models import GlobalPoolingClassifier
from fuse_engine.models.base import Head, HeadModule, Shapes
from fuse_engine.testing import ContractError, check_component
from tests.engine.models.small import make, saved_run


@function
def doubled(image: Image) -> np.ndarray:
    return 2 * image.array


@module
class Narrow(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(1, width, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.mix(image)  # type: ignore[no-any-return]


Pixels = NDArray[np.float32]

_SMALL = {"ResNet": {"depth": 10, "width": 0.25}}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Composite": {"expression": "0.5*CrossEntropy"},
    "LossFunction": {"function": "torch.nn.CrossEntropyLoss"},
    "BackgroundReplacement": {"folder": ""},  # one with a picture
    "Function": {"function": "doubled"},
    "Ensemble": {"runs": []},  # a trained one
    "Siamese": {
        "inputs": ["data.input.prior", "data.input.current"],
        "heads": {"one": {"GlobalPoolingClassifier": {"classes": 2}}},
    },
    "MultiHead": {"inputs": ["data.input.image"]},
    "WrapModule": {
        "module": "Narrow",
        "arguments": {"width": 2},
        "answers": {"one": "softmax"},
        "features": "mix",
    },
    **{name: {"backbone": _SMALL} for name in ("BackboneUNet", "DeepLabV3Plus", "FPN", "LinkNet", "PSPNet")},
    "Crop": {"size": [4, 4]},
    "Filter": {"values": ["1"]},
    "Pad": {"size": [8, 8]},
    "WrapTransform": {"transform": "monai.transforms.RandFlip"},
    "LabelTask": {"classes": {"no": {"biopsy": ["normal"]}, "yes": {"biopsy": ["positive"]}}},
}
"""What cannot be made up, and a backbone that is quicker than the usual one, which is tested by itself."""

EVERY = [cls for kind in registry.KINDS for cls in registry.every(kind).values()]


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: f"{cls.kind}-{cls.__name__}")
def test_every_component_keeps_the_rules(cls: type[Component], tmp_path: Path) -> None:
    arguments = ARGUMENTS.get(cls.__name__, {})
    if "runs" in arguments:
        arguments = {"runs": [str(saved_run(tmp_path, make(a=GlobalPoolingClassifier(classes=2)), 1).path)]}
    if "folder" in arguments:
        arguments = {"folder": str(tmp_path)}
        pixels = np.arange(40, dtype=np.uint8).reshape(1, 5, 8)
        write_image(tmp_path / "one.png", Image(pixels, Geometry.plain((5, 8))))
    check_component(cls, **arguments)


def test_no_plugin_is_broken_and_no_kind_is_empty() -> None:
    registry.load()
    assert registry.broken == {}
    assert [kind for kind in registry.KINDS if not registry.every(kind)] == []


class Helpless(Loss):
    """A loss whose field says nothing."""

    pred: Key

    def __call__(self, pred: Tensor) -> Tensor:
        return pred.sum()


class Misnamed(Loss):
    """A loss that takes other names than its keys."""

    pred: Key
    """Logits."""

    def __call__(self, logits: Tensor) -> Tensor:
        return logits.sum()


class PredAndTarget(Loss):
    """Cross-entropy, to be broken."""

    pred: Key
    """Logits."""
    target: Key
    """Classes."""

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(pred, target)


class Flat(PredAndTarget):
    """Cuts its gradient, as the original focal loss did."""

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        return super().__call__(pred.detach(), target) + 0 * pred.sum()


class Backwards(PredAndTarget):
    """Has the wrong sign."""

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        return -super().__call__(pred, target)


class Speechless(PredAndTarget):
    pass


class Coin(Metric):
    """Depends on the order of the samples."""

    pred: Key
    """Probabilities."""
    target: Key
    """Classes."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        return {"first": pred.flatten(1)[:, 0].numpy()}

    def result(self, rows: Rows) -> float:
        return float(rows["first"][0])

    def per_sample(self, rows: Rows) -> None:
        return None


class InPlace(Intensity):
    """Changes its input, as the original augmentations did."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        return {"shift": 1}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        image += 1
        return image


class Restless(InPlace):
    """Draws while it works."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        return image + np.random.default_rng().random()


class Restive(InPlace):
    """Has neutral parameters that change the image."""

    def neutral(self, grid: Geometry) -> Params:
        return {"shift": 1}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        return image + np.float32(params["shift"])


class Doubling(InPlace):
    """Returns numbers of another type."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        return image.astype(np.float64)  # type: ignore[return-value]


class Planar(InPlace):
    """Stumbles over volumes."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        channel, height, width = image.shape
        return image + np.float32(channel * height * width)


class Flawed(Head):
    """A head with layers that say little, to be broken."""

    @property
    def width(self) -> int:
        return 1

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        return Layers(levels[-1])


class Layers(HeadModule):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, 1)

    def forward(self, features: list[Tensor], batch: NestedDict) -> Tensor:
        found: Tensor = self.mix(features[-1].flatten(2).mean(2))
        return found


class Idle(Flawed):
    """Has a layer that nothing goes through."""

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        module = super().build(levels, dims, shapes, inputs)
        module.spare = nn.Linear(2, 2)
        return module


class Wilful(Flawed):
    """Draws its weights by chance of its own."""

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        module = Layers(levels[-1])
        nn.init.normal_(module.mix.weight, generator=torch.Generator().manual_seed(time.time_ns()))
        return module


class Forgetful(Flawed):
    """Keeps what it learns where no file holds it."""

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        return Counting(levels[-1])


class Counting(Layers):
    calls = 0

    def forward(self, features: list[Tensor], batch: NestedDict) -> Tensor:
        self.calls += self.training
        return super().forward(features, batch) + self.calls


class Steep(Flawed):
    """Has a slope without end."""

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        return Rooted(levels[-1])


class Rooted(Layers):
    def forward(self, features: list[Tensor], batch: NestedDict) -> Tensor:
        return (0 * super().forward(features, batch)).abs().sqrt()


class Unfinished(Loss):
    """Has no call."""


class Formless(PredAndTarget):
    """Asks for a set."""

    places: frozenset[int] = frozenset({1})
    """Any order."""


class Darkening(Processor):
    """Halves intensities where they stand, as the original MRI window did."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        image = intensities(value, "Darkening")
        np.multiply(image.array, 0.5, out=image.array)
        return image


class Uneasy(Processor):
    """Counts its calls."""

    def __call__(self, value: Value | None, row: Row) -> float:
        return float(np.random.default_rng().random())


class Secret(Processor):
    """Moves pixels without a word."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        return Resize(size=[3] * image_of(value, "Secret").geometry.dims)(value, row)


class Tupled(InPlace):
    """Draws a tuple."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        return {"shift": (1, 2)}


BROKEN: list[tuple[type[Component], str]] = [
    (Helpless, "loss Helpless has a field 'pred' without help"),
    (Misnamed, r"takes \['logits'\], its keys are \['pred'\]"),
    (Flat, "has no gradient"),
    (Backwards, "for a perfect prediction"),
    (Speechless, "needs a docstring"),
    (Coin, "depends on the order"),
    (Restive, "changes an image by its neutral parameters"),
    (Doubling, "changes the type of numbers"),
    (InPlace, "augmentation InPlace changes its input"),
    (Restless, "applies by chance of its own"),
    (Planar, r"Planar fails without saying what it expects of an image of shape \(4, 6, 5\): too many values"),
    (Tupled, "draws what JSON cannot hold"),
    (Darkening, "processor Darkening changes its input"),
    (Uneasy, "returns something else the second time"),
    (Secret, "changes the grid, and is not `spatial`"),
    (Idle, r"head Idle has weights that nothing comes of: spare\.weight, spare\.bias"),
    (Wilful, "head Wilful draws weights by chance of its own"),
    (Forgetful, "head Forgetful answers otherwise after its weights went through a file"),
    (Steep, r"head Steep has no finite gradient at mix\.weight"),
    (Unfinished, "loss Unfinished lacks __call__"),
    (Formless, "has a field that no form can draw: places: no form field for frozenset"),
]


@pytest.mark.parametrize(("cls", "message"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_rule_is_named(cls: type[Component], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._components[cls.kind], cls.__name__, cls)
    with pytest.raises(ContractError, match=message):
        check_component(cls)


def test_a_component_must_be_registered_and_at_the_top_of_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    class Local(PredAndTarget):
        """Cannot be found by another process."""

    with pytest.raises(ContractError, match="Local is not registered"):
        check_component(Local)
    monkeypatch.setitem(registry._components["loss"], "Local", Local)
    with pytest.raises(ContractError, match="Local cannot be pickled"):
        check_component(Local)


def test_the_sound_parent_of_the_broken_losses_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._components["loss"], "PredAndTarget", PredAndTarget)
    check_component(PredAndTarget)
