"""The check of a target that losses and metrics share, and what stands in it for no truth."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import torch
from pydantic import BeforeValidator
from torch import Tensor

from fuse_engine.core.errors import FuseError

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def _named(value: Any) -> Any:
    return "nan" if isinstance(value, float) and math.isnan(value) else value


MissingNumber = Annotated[Literal["nan"] | float | None, BeforeValidator(_named)]
"""Number that stands for none in a target of numbers, or `nan`; none does where empty."""


def without_missing(target: Tensor, missing: float | str | None) -> tuple[Tensor, Tensor]:
    """Return a target with 0 in the place of `missing`, and where there is a truth."""
    there = torch.ones_like(target, dtype=torch.bool)
    if missing == "nan":
        there = ~target.isnan()
    elif missing is not None:
        # unsigned numbers know no -1
        there = torch.ne(target if target.is_floating_point() else target.long(), float(missing))
    return torch.where(there, target, torch.zeros_like(target)), there


def check_target(pred: Tensor, target: Tensor, classes_of: str) -> None:
    """Refuse a target that is not whole classes from 0 to `pred.shape[1]` - 1; `classes_of` is its key.

    Raises:
        FuseError: naming the value and the number of classes.
    """
    if target.is_floating_point() or target.is_complex():
        raise FuseError(
            f"'{classes_of}' holds no classes", where="target", expected="whole numbers", got=str(target.dtype)
        )
    if len(target) != len(pred):
        raise FuseError(
            "prediction and target differ in batch size", where="target",
            expected=f"{len(pred)} samples", got=str(len(target)),
        )  # fmt: skip
    # torch cannot compare the larger unsigned numbers
    low, high = (int(value) for value in torch.aminmax(target.long() if target.dtype in _UNSIGNED else target))
    classes = pred.shape[1]
    if low < 0 or high >= classes:
        raise FuseError(
            f"'{classes_of}' holds the class {low if low < 0 else high}, the model predicts {classes} classes",
            where="target",
            expected=f"classes from 0 to {classes - 1}{', or `missing` to say what is no label' * (low < 0)}",
        )  # fmt: skip
