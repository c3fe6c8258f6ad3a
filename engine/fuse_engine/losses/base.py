"""The base of every loss, and the checks of a target that they share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, Field
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import read
from fuse_engine.targets import check_target


def _factors(weights: list[float]) -> list[float]:
    if not any(weights) or min(weights) < 0:
        raise ValueError("expected factors from 0 up, not all 0")
    return weights


_ROUNDING = 1e-3
"""How far shares may be from a sum of 1."""

ClassWeights = Annotated[list[float], AfterValidator(_factors)]
"""One factor a class."""


class Loss(Component):
    """A number that training makes small; its call takes tensors named like its key fields."""

    kind: ClassVar[str] = "loss"
    takes_shares: ClassVar[bool] = False
    """The target may hold the share of each class (batch, classes) in the place of one class (batch,)."""

    weight: float = Field(1.0, ge=0)
    """Factor of this loss in the total."""

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the loss of a batch, a scalar without `weight`, from the tensors its keys stand for.

        Raises:
            FuseError: when shapes or classes do not fit.
        """

    def compute(self, batch: NestedDict) -> Tensor:
        """Return `weight` times the loss of a batch: its share of the total.

        Raises:
            FuseError: when a key is missing, or shapes or classes do not fit.
        """
        loss: Tensor = self(**read(self, batch))
        return self.weight * loss


def check_vector(pred: Tensor, target: Tensor, classes_of: str) -> None:
    """Refuse anything but logits (b, k) and classes (b,).

    Raises:
        FuseError: naming both shapes, or the class that does not fit.
    """
    if pred.ndim != 2 or target.ndim != 1:
        raise FuseError(
            "shapes do not fit", where="target", expected="logits (batch, classes) and a target (batch,)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    check_target(pred, target, classes_of)


def check_shares(pred: Tensor, target: Tensor, classes_of: str) -> None:
    """Refuse anything but logits (b, k) and shares of classes (b, k) that add up to 1.

    Raises:
        FuseError: naming both shapes, or saying that the target holds no shares.
    """
    if pred.ndim != 2 or target.shape != pred.shape:
        raise FuseError(
            "shapes do not fit", where="target",
            expected="logits (batch, classes) and a target (batch,) or (batch, classes)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    if not target.is_floating_point() or bool((target < 0).any() | ((target.sum(1) - 1).abs() > _ROUNDING).any()):
        raise FuseError(
            f"'{classes_of}' does not hold shares of classes", where="target",
            expected="fractions from 0 to 1 with a sum of 1", got=str(target.dtype),
        )  # fmt: skip


def label_map(pred: Tensor, target: Tensor, classes_of: str) -> Tensor:
    """Return the label map (b, *s) at the size of logits (b, k, *s) from a target (b, 1, *t), nearest neighbour.

    Raises:
        FuseError: naming both shapes, or the class that does not fit.
    """
    if pred.ndim < 4 or target.ndim != pred.ndim or target.shape[1] != 1:
        raise FuseError(
            "shapes do not fit", where="target",
            expected="logits (batch, classes, [z,] y, x) and a target (batch, 1, [z,] y, x)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    check_target(pred, target, classes_of)
    size = pred.shape[2:]
    if target.shape[2:] != size:
        target = F.interpolate(target.float(), size=size, mode="nearest-exact")
    return target[:, 0].long()


def weight_tensor(weights: list[float], pred: Tensor) -> Tensor:
    """Return the weights of the classes of logits (b, k, ...), on their device.

    Raises:
        FuseError: when their number is not the number of classes.
    """
    if len(weights) != pred.shape[1]:
        raise FuseError(
            "one weight for each class is needed", where="class_weights",
            expected=f"{pred.shape[1]} numbers", got=str(len(weights)),
        )  # fmt: skip
    return torch.tensor(weights, dtype=torch.float32, device=pred.device)


def cross_entropy(pred: Tensor, target: Tensor, weights: Tensor | None, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean of logits (b, k, ...) against classes (b, ...) or their shares (b, k), weighted by them."""
    pred, shared = pred.float(), target.is_floating_point()
    target = target.float() if shared else target.long()
    if weights is None:
        return F.cross_entropy(pred, target, label_smoothing=label_smoothing)
    total = F.cross_entropy(pred, target, weights, reduction="sum", label_smoothing=label_smoothing)
    mass = (target * weights).sum() if shared else weights[target].sum()
    # a batch of nothing but classes of weight 0 has no say, and no loss of 0 / 0
    return total / mass.clamp(min=torch.finfo(torch.float32).tiny)
