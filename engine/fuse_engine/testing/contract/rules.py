"""What the checks of every kind are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream

Case = TypeVar("Case")
SIZES = ((), (6, 5), (4, 6, 5))
"""Of no axis, of a picture and of a volume."""


class ContractError(FuseError):
    """A component breaks a rule that the rest of the program counts on."""


def expect(rule: bool, cls: type[Component], message: str) -> None:
    """Refuse a component that breaks a rule.

    Raises:
        ContractError: when the rule does not hold.
    """
    if not rule:
        raise ContractError(f"{cls.kind or 'component'} {cls.__name__} {message}")


def scores(size: tuple[int, ...], classes: int = 3) -> tuple[Tensor, Tensor]:
    """Return made-up logits (4, classes, *size) and classes that fit: (4,), or (4, 1, *size)."""
    rng = stream("check", *size)
    logits = torch.from_numpy(rng.normal(size=(4, classes, *size)).astype(np.float32))
    target = torch.from_numpy(rng.permutation(np.arange(4 * int(np.prod(size))) % classes))
    return logits, target.reshape(4, 1, *size) if size else target


def accepted(component: Component, call: Callable[[Case], None], cases: Sequence[Case]) -> None:
    """Call with every case, e.g. one class a sample or a pixel in 2-D and 3-D; at least one must be accepted.

    Raises:
        ContractError: when none is, or the call itself raises one.
    """
    refused: list[str] = []
    for case in cases:
        try:
            call(case)
        except ContractError:
            raise
        except (FuseError, RuntimeError, ValueError, IndexError) as error:
            refused.append(str(error))
    message = f"accepts neither classes (batch,) nor label maps (batch, 1, [z,] y, x): {'; '.join(refused)}"
    expect(len(refused) < len(cases), type(component), message)
