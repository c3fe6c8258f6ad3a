"""Losses and metrics over samples that are not trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.losses.base import Loss
from fuse_engine.metrics.base import Metric, Rows
from fuse_engine.run.compute import Compute
from fuse_engine.run.loading import BadSamples, Loaded, Loader
from fuse_engine.run.tiling import Tiled

TOTAL = "total_loss"
T = TypeVar("T")


@dataclass
class Sums:
    """Means of losses over the samples that count in each, kept as plain sums."""

    weights: dict[str, float] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def add(self, losses: Mapping[str, float], counted: Mapping[str, float]) -> None:
        """Take in the mean losses of a batch, and by name how much of it counts in each."""
        for name, weight in counted.items():
            self.weights[name] = self.weights.get(name, 0.0) + weight
            self.values[name] = self.values.get(name, 0.0) + losses[name] * weight

    def means(self) -> dict[str, float]:
        """Return the means, 0 where nothing counted, and their sum as `total_loss`; nothing without a batch."""
        found = {name: value / (self.weights[name] or 1.0) for name, value in self.values.items()}
        return {**found, TOTAL: math.fsum(found.values())} if found else {}


@dataclass(frozen=True)
class Evaluation:
    """What was measured on a set of samples."""

    losses: dict[str, float]
    metrics: dict[str, Any]
    """By name: a figure, or figures by class."""
    rows: dict[str, Rows]
    ids: tuple[str, ...]


def loss_shares(
    losses: Mapping[str, Loss], batch: NestedDict, ids: Sequence[str], step: int | None = None
) -> dict[str, torch.Tensor]:
    """Return the weighted losses of a batch by name, and their sum as `total_loss`; `step` only in training.

    Raises:
        SampleError: naming the loss and the sample of `ids` that it cannot be computed for.
    """
    shares = {
        name: _blaming(partial(loss.compute, step=step), batch, ids, f"losses.{name}.{loss.name()}")
        for name, loss in losses.items()
    }
    return {**shares, TOTAL: torch.stack(list(shares.values())).sum()} if shares else {}


def counts(losses: Mapping[str, Loss], batch: NestedDict, count: int) -> dict[str, float]:
    """Return by name how much of a batch of `count` samples counts in each loss.

    Raises:
        FuseError: when a key is missing, or weights do not fit.
    """
    return {name: float(loss.counted(batch, count).sum()) for name, loss in losses.items()}


def _blaming(compute: Callable[[NestedDict], T], batch: NestedDict, ids: Sequence[str], where: str) -> T:
    """Compute something of a batch; what goes wrong names the place, and the sample if one alone is to blame."""
    try:
        return compute(batch)
    except FuseError as error:
        guilty = [name for index, name in enumerate(ids) if _fails(compute, batch, index)]
        sample = guilty[0] if guilty and (len(guilty) < len(ids) or len(ids) == 1) else ""
        raise SampleError(
            *(
                replace(problem, where=f"{where}.{problem.where}".rstrip("."), sample=problem.sample or sample)
                for problem in error.problems
            )
        ) from error


def _fails(compute: Callable[[NestedDict], object], batch: NestedDict, index: int) -> bool:
    alone = NestedDict({key: value[index : index + 1] for key, value in batch.items()})
    try:
        compute(alone)
    except FuseError:
        return True
    return False


def evaluate(
    compute: Compute | Tiled,
    loader: Loader,
    losses: Mapping[str, Loss],
    metrics: Mapping[str, Metric],
    bad: BadSamples,
    each: Callable[[Loaded, NestedDict], None] = lambda loaded, batch: None,
) -> Evaluation:
    """Predict batch by batch and measure; `each` sees every batch, loaded and predicted.

    Raises:
        SampleError: when too many samples are bad.
    """
    sums, ids = Sums(), list[str]()
    collected: dict[str, list[Rows]] = {name: [] for name in metrics}
    compute.module.eval()
    with torch.no_grad(), closing(iter(loader)) as batches:
        for loaded in batches:
            bad.note(loaded.bad)
            if loaded.data is None:
                continue
            batch = compute(loaded.data)
            each(loaded, batch)
            shares = loss_shares(losses, batch, loaded.ids)
            counted = counts(losses, batch, len(loaded.ids))
            sums.add({name: float(value) for name, value in shares.items()}, counted)
            known = NestedDict({**loaded.data, **batch})  # texts and places too, which only metrics read
            for name, metric in metrics.items():
                rows = _blaming(metric.rows, known, loaded.ids, f"metrics.{name}.{metric.name()}")
                collected[name].append(rows)
            ids += loaded.ids
            del loaded, batch, known  # the next batch is put together in this one's memory
    every = {name: concatenated(found) for name, found in collected.items() if found}
    results = {name: metrics[name].result(found) for name, found in every.items()}
    return Evaluation(sums.means(), results, every, tuple(ids))


def concatenated(rows: list[Rows]) -> Rows:
    """Return the rows of batches, one after the other."""
    return {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


def flat(report: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return every figure of a nested report by dotted name, e.g. `validation.metrics.auc.macro_avg`."""
    found: dict[str, float] = {}
    for name, value in report.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = math.nan if value is None else float(value)
    return found
