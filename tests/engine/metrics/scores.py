"""Predictions and truths that the tests of metrics share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fuse_engine.core.random import stream
from fuse_engine.metrics import Metric
from fuse_engine.metrics.base import Rows
from fuse_engine.metrics.weighted import flattened

KEYS: dict[str, Any] = {"pred": "model.output.head", "target": "data.gt.target"}


def classification(samples: int, classes: int, decimals: int = 6) -> tuple[Tensor, Tensor]:
    """Return probabilities (n, classes) that know something, and classes (n,); few decimals make ties."""
    rng = stream("metrics", samples, classes)
    target = rng.integers(0, classes, samples)
    logits = rng.normal(size=(samples, classes)) + 1.5 * np.eye(classes)[target]
    scores = np.round(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), decimals)
    return torch.from_numpy(scores / scores.sum(1, keepdims=True)), torch.from_numpy(target)


def labels(samples: int, count: int) -> tuple[Tensor, Tensor]:
    """Return probabilities (n, count) and labels of 0 or 1 (n, count)."""
    rng = stream("labels", samples, count)
    target = rng.integers(0, 2, (samples, count))
    scores = 1 / (1 + np.exp(-rng.normal(1.5 * target - 0.7, 1)))
    return torch.from_numpy(scores), torch.from_numpy(target).float()


def together(*rows: Rows) -> Rows:
    """Return the rows of batches, one after the other."""
    return {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


def measured(metric: Metric, pred: Tensor, target: Tensor) -> Any:
    """Return a metric's result of one batch."""
    return metric.result(metric.collect(pred, target))


def figures(result: Any) -> NDArray[np.float64]:
    """Return every figure of a result, in its order."""
    return np.array(list(flattened(result).values()))
