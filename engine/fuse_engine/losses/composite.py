"""A loss by an expression, with Musket's and Keras's names beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator
from torch import Tensor

from fuse_engine.core import registry
from fuse_engine.core.component import wrong_entry
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import LogitsKey, TruthKey, key_fields
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Activation, Loss, SampleLoss
from fuse_engine.losses.expression import factors


@dataclass(frozen=True)
class Known:
    """What a name in an expression stands for."""

    component: str
    """Name of our loss; of one class a sample or a pixel where it is `CrossEntropy`."""
    settings: dict[str, Any] = field(default_factory=dict)


MUSKET: dict[str, Known] = {
    "binary_crossentropy": Known("BinaryCrossEntropy"),
    "categorical_crossentropy": Known("CrossEntropy"),
    "sparse_categorical_crossentropy": Known("CrossEntropy"),
    "dice_loss": Known("Dice", {"squared": True, "smooth": 1.0}),
    "dice_coef_loss": Known("Dice", {"squared": True, "smooth": 1.0}),
    "jaccard_loss": Known("Tversky", {"alpha": 1.0, "beta": 1.0, "smooth": 100.0}),
    "jaccard_distance_loss": Known("Tversky", {"alpha": 1.0, "beta": 1.0, "smooth": 100.0}),
    "focal_loss": Known("Focal", {"gamma": 2.0, "alpha": 0.25}),
    "lovasz_loss": Known("Lovasz"),
    "mean_squared_error": Known("MSE"),
    "mse": Known("MSE"),
    "mean_absolute_error": Known("L1"),
    "mae": Known("L1"),
    "huber_loss": Known("Huber"),
}
"""Musket's and Keras's names. Ours are means over samples where Musket's `focal_loss` is a sum; overlap is
measured in each sample where Musket took the batch or a pixel; `jaccard_loss` is not multiplied by 100; the Lovasz
hinge is cut at 0 where Musket's went on below (elu)."""

REFUSED = {
    "iou_coef": "it is a score that grows; jaccard_loss is the loss of the IoU",
    "iou_coef_loss": "Musket's is minus a Dice overlap, not an IoU; write dice_loss or jaccard_loss",
    "iot_coef": "it is a score of decided pixels and has no slope; write dice_loss",
    "dice": "it is a score that grows; write dice_loss",
    "dice_coef": "it is a score that grows; write dice_loss",
    "f1_loss": "it compares the samples of a batch; write dice_loss for regions, focal_loss for classes",
    "l2_loss": "it is a sum that grows with the batch; write mean_squared_error",
}
"""Musket's names that have no honest counterpart, and what to write."""


def names() -> dict[str, Known]:
    """Return what each name of an expression stands for: Musket's, then ours that need no more than two keys."""
    ours = {name: Known(name) for name, cls in registry.every("loss").items() if _plain(cls)}
    return {**MUSKET, **ours}


def activation_of(expression: str, given: Literal["softmax", "sigmoid"] | None) -> Activation:
    """Return the activation that the losses of an expression are for.

    Raises:
        FuseError: naming the losses that need another.
    """
    known = names()
    needs = {name: _needed(known[name]) for name in factors(expression, known, REFUSED)}
    fixed: list[Activation] = [need[0] for need in needs.values() if len(need) == 1]
    chosen = given or (fixed[0] if fixed else "softmax")
    wrong = [f"{name} ({' or '.join(need)})" for name, need in needs.items() if chosen not in need]
    if wrong:
        raise FuseError(
            f"these losses need another activation than {chosen}: {', '.join(wrong)}", where="expression",
            expected="losses for one head: softmax for classes that exclude each other, sigmoid for labels",
        )  # fmt: skip
    return chosen


def _sound(text: str) -> str:
    try:
        activation_of(text, None)
    except FuseError as error:
        raise wrong_entry(error) from None
    return text


def _plain(cls: type[Any]) -> bool:
    needed = {name for name, info in cls.model_fields.items() if info.is_required()}
    return issubclass(cls, SampleLoss) and needed == set(key_fields(cls)) - set(Loss.model_fields)


def _needed(known: Known) -> tuple[Activation, ...]:
    """Return the activations that a loss can be for."""
    cls = registry.get("loss", known.component)
    if "activation" in cls.model_fields:
        return ("softmax", "sigmoid")
    found = cast(
        SampleLoss, cls.model_validate({"pred": "model.logits.any", "target": "data.gt.any"})
    ).head_activation
    return ("softmax", "sigmoid", "none") if found is None else (found,)


@register
class Composite(SampleLoss):
    """A sum of losses of one prediction, written as an expression: `binary_crossentropy+0.1*dice_loss`."""

    expression: Annotated[str, AfterValidator(_sound)]
    """Losses with +, -, * and parentheses: names of losses, or Musket's such as `dice_loss`. With a minus the
    total may fall below 0."""
    pred: LogitsKey
    """Logits (batch, classes[, [z,] y, x]), e.g. `model.logits.segmentation`."""
    target: TruthKey
    """Truth that all the losses compare with, e.g. `data.gt.segmentation`."""
    activation: Literal["softmax", "sigmoid"] | None = None
    """What the head makes of its logits; where empty, sigmoid if a loss needs it (`binary_crossentropy`), else
    softmax."""

    @property
    def head_activation(self) -> Activation | None:
        """Return the activation of the heads whose logits it reads."""
        return activation_of(self.expression, self.activation)

    @property
    def may_be_negative(self) -> bool:
        """Whether a loss is subtracted, so that the total may fall below 0."""
        return min(factors(self.expression, names(), REFUSED).values()) < 0

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the sum of the losses, each times its factor.

        Raises:
            FuseError: when shapes or classes do not fit one of them.
        """
        members = _members(self.expression, self.pred, self.target, self.activation, pred.ndim > 2)
        first, *rest = (factor * loss.average(pred, target, weights) for factor, loss in members)
        return sum(rest, first)


def losses_of(
    expression: str, pred: str, target: str, dense: bool, activation: Literal["softmax", "sigmoid"] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the `losses:` of an experiment that an expression stands for; `dense`: of pixels.

    With a minus it is one Composite: the weight of a loss is never below 0.

    Raises:
        FuseError: for an expression that cannot be read, or losses that do not fit together.
    """
    found = factors(expression, names(), REFUSED)
    if min(found.values()) < 0:
        made = Composite(expression=expression, pred=pred, target=target, activation=activation)
        return {"composite": _entry(made)}
    members = _members(expression, pred, target, activation, dense)
    return {
        name: _entry(loss.model_copy(update={"weight": factor}))
        for name, (factor, loss) in zip(found, members, strict=True)
    }


@lru_cache(maxsize=64)
def _members(
    expression: str, pred: str, target: str, given: Literal["softmax", "sigmoid"] | None, dense: bool
) -> tuple[tuple[float, SampleLoss], ...]:
    """Return the losses of an expression, each with its factor."""
    known, activation = names(), activation_of(expression, given)
    return tuple(
        (factor, _made(known[name], {"pred": pred, "target": target}, activation, dense))
        for name, factor in factors(expression, known, REFUSED).items()
    )


def _made(known: Known, keys: Mapping[str, str], activation: Activation, dense: bool) -> SampleLoss:
    name = "SegmentationCrossEntropy" if dense and known.component == "CrossEntropy" else known.component
    cls = registry.get("loss", name)
    told = {"activation": activation} if "activation" in cls.model_fields else {}
    return cast(SampleLoss, cls.model_validate({**keys, **known.settings, **told}))


def _entry(loss: SampleLoss) -> dict[str, Any]:
    """Return a loss as an experiment writes it, without what is as it would be anyway."""
    return {loss.name(): loss.model_dump(mode="json", exclude_defaults=True)}
