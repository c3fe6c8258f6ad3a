from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fuse_engine.augment import Augmentation
from fuse_engine.augment.base import Params
from fuse_engine.core import registry
from fuse_engine.core.component import Component
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.losses import Loss
from fuse_engine.testing import ContractError, check_component

ARGUMENTS: dict[str, dict[str, Any]] = {
    "LabelTask": {"classes": {"no": ["normal"], "yes": ["benign", "malignant"]}},
}
"""What cannot be made up."""

EVERY = [cls for kind in registry.KINDS for cls in registry.every(kind).values()]


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: f"{cls.kind}-{cls.__name__}")
def test_every_component_keeps_the_rules(cls: type[Component]) -> None:
    check_component(cls, **ARGUMENTS.get(cls.__name__, {}))


def test_no_plugin_is_broken_and_no_kind_is_empty() -> None:
    registry.load()
    assert registry.broken == {}
    assert [kind for kind in registry.KINDS if not registry.every(kind)] == []


@pytest.fixture
def scrap() -> Any:
    """Forget what a test registers."""
    before = {kind: registry.every(kind) for kind in registry.KINDS}
    yield
    for kind in registry.KINDS:
        for name in registry.every(kind).keys() - before[kind].keys():
            del registry._components[kind][name]


def refused(cls: type[Component], match: str) -> None:
    with pytest.raises(ContractError, match=match):
        check_component(register(cls))


@pytest.mark.usefixtures("scrap")
def test_a_field_without_help_is_refused() -> None:
    class Helpless(Loss):
        """A loss whose field says nothing."""

        pred: Key

        def __call__(self, pred: Tensor) -> Tensor:
            return pred.sum()

    refused(Helpless, "loss Helpless has a field 'pred' without help")


@pytest.mark.usefixtures("scrap")
def test_names_that_differ_from_the_keys_are_refused() -> None:
    class Misnamed(Loss):
        """A loss that takes other names than its keys."""

        pred: Key
        """Logits."""

        def __call__(self, logits: Tensor) -> Tensor:
            return logits.sum()

    refused(Misnamed, r"takes \['logits'\], its keys are \['pred'\]")


@pytest.mark.usefixtures("scrap")
def test_a_loss_without_a_slope_is_refused() -> None:
    class Sloped(Loss):
        """A loss that cuts its gradient, as the original focal loss did."""

        pred: Key
        """Logits."""
        target: Key
        """Classes."""

        def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
            cut = torch.nn.functional.cross_entropy(pred.detach(), target)
            return cut + 0 * pred.sum()

    refused(Sloped, "has no gradient")


@pytest.mark.usefixtures("scrap")
def test_a_loss_that_rewards_error_is_refused() -> None:
    class Backwards(Loss):
        """A loss with the wrong sign."""

        pred: Key
        """Logits."""
        target: Key
        """Classes."""

        def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
            return -torch.nn.functional.cross_entropy(pred, target)

    refused(Backwards, "for a perfect prediction")


class _Step(Augmentation):
    """An augmentation to be broken."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Params:
        return {"shift": 1.0}

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        return image + 1


@pytest.mark.usefixtures("scrap")
def test_changing_the_input_is_refused() -> None:
    class InPlace(_Step):
        """Changes its input, as the original augmentations did."""

        def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
            return image.add_(1)

    refused(InPlace, "augmentation InPlace changes its input")


@pytest.mark.usefixtures("scrap")
def test_chance_while_applying_is_refused() -> None:
    class Restless(_Step):
        """Draws while it works."""

        def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
            return image + torch.rand(1)

    refused(Restless, "applies by chance of its own")


@pytest.mark.usefixtures("scrap")
def test_made_up_labels_are_refused() -> None:
    class Blending(_Step):
        """Moves label maps as if they were images, between the classes."""

    refused(Blending, "makes up labels")


@pytest.mark.usefixtures("scrap")
def test_parameters_that_json_cannot_hold_are_refused() -> None:
    class Tupled(_Step):
        """Draws a tuple."""

        def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Params:
            return {"shift": (1, 2)}

    refused(Tupled, "draws what JSON cannot hold")
