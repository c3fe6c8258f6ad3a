"""How much each class counts, for all losses of classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.losses.base import SampleLoss, share_known


def _factors(weights: list[float]) -> list[float]:
    if not any(weights) or min(weights) < 0:
        raise ValueError("expected factors from 0 up, not all 0")
    return weights


ClassWeights = Annotated[list[float], AfterValidator(_factors)]
"""One factor a class."""


class ClassLoss(SampleLoss):
    """A mean over samples or pixels, weighted by their class."""

    missing: int | None = None
    """Number in the target that stands for no label, e.g. -1 or 255: such samples or pixels do not count. Every
    sample and pixel must have a label where empty."""
    class_weights: Literal["ipw"] | ClassWeights | None = None
    """One factor a class; `ipw` takes the inverse of how often a class comes in the batch (of a label, how
    often it is there; one that never is has the mean factor). All equal where empty."""
    class_weight_power: float | None = Field(None, ge=0)
    """In place of `class_weights`: how often a class comes in the batch, to minus this power (InnerEye). 1 is
    `ipw`, 0 makes all equal."""

    @model_validator(mode="after")
    def _one_of_both(self) -> ClassLoss:
        if self.class_weights is not None and self.class_weight_power is not None:
            raise ValueError("expected `class_weights` or `class_weight_power`, not both")
        return self

    def known(self, batch: NestedDict, count: int) -> Tensor:
        """Return the share of each sample (batch,) that has a label.

        Raises:
            FuseError: when there is no such target.
        """
        if self.missing is None:
            return super().known(batch, count)
        return share_known(batch[self.target], self.missing)

    def factors(self, classes: int, counts: Callable[[], Tensor], absent: float = 0.0) -> Tensor | None:
        """Return the factor of each class (k,), None where all are equal; `counts` says how often each one comes.

        `absent` is that of a class that does not come at all, where factors follow from how often they do.

        Raises:
            FuseError: when the number of `class_weights` is not that of the classes.
        """
        if isinstance(self.class_weights, list):
            return listed(self.class_weights, classes, "class_weights")
        power = 1.0 if self.class_weights == "ipw" else self.class_weight_power
        return None if power is None else powers(counts(), power, absent)


def listed(weights: list[float], classes: int, where: str) -> Tensor:
    """Return weights as a tensor (k,).

    Raises:
        FuseError: when their number is not that of the classes.
    """
    if len(weights) != classes:
        raise FuseError(
            "one weight for each class is needed",
            where=where,
            expected=f"{classes} numbers",
            got=str(len(weights)),
        )
    return torch.tensor(weights, dtype=torch.float32)


def powers(counts: Float[Tensor, " k"], power: float, absent: float = 0.0) -> Float[Tensor, " k"]:
    """Return counts to minus a power, with a mean of 1 over the classes that are there; `absent` for others."""
    there = counts > 0
    # a share of the rarest: a power of pixels counted in millions is too small for float32
    rarest = torch.where(there, counts, torch.inf).min()
    found = torch.where(there, (counts / rarest).pow(-power), 0.0)
    scaled = found * there.sum() / found.sum()
    return torch.where(there, scaled, absent)
