"""Logits and truths that the tests of losses compare on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fuse_engine.core.random import stream

KEYS: dict[str, Any] = {"pred": "model.logits.head", "target": "data.gt.target"}


def example(*size: int, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Return logits (4, classes, *size) and classes (4,), or a label map (4, 1, *size)."""
    rng = stream("losses", *size)
    logits = torch.from_numpy(rng.normal(0, 2, (4, classes, *size)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, classes, (4, 1, *size) if size else (4,)))
    return logits, labels


def marks(*size: int, labels: int = 3) -> tuple[Tensor, Tensor]:
    """Return logits and marks 0 or 1 (4, labels, *size)."""
    logits, _ = example(*size, classes=labels)
    return logits, (logits.roll(1, 0) > 0.5).float()


def slope(loss: Any, logits: Tensor, *rest: Tensor) -> Tensor:
    """Return the gradient of a loss by its logits."""
    logits = logits.clone().requires_grad_()
    loss(logits, *rest).backward()
    assert logits.grad is not None
    return logits.grad
