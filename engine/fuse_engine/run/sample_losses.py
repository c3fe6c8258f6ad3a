"""What each sample of a batch contributes to its loss; never at more than a small share of the training's time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.losses.base import Loss, leaves
from fuse_engine.run.evaluation import TOTAL

Each = dict[str, list[float]]
"""Losses by name, one number a sample."""

SHARE = 0.01
"""Part of the time of the steps so far that may go into the losses of single samples."""
LARGEST = 256
"""Samples of a batch up to which they are recorded."""
STEPS = 20_000
"""Steps of a run that they are recorded of, spread evenly, so that its record stays small."""


def sample_losses(losses: Mapping[str, Loss], batch: NestedDict, count: int, step: int | None = None) -> Each:
    """Return the weighted losses of each of `count` samples as if it were a batch of its own, and their sum.

    `step` is that of the training, None outside of it.

    Where a loss weighs samples or classes within a batch, these need not average to the loss of the batch.

    Raises:
        FuseError: for a loss that one sample alone has not.
    """
    found: Each = {}
    for name, loss in losses.items():
        if any(leaf.compares for _, leaf in leaves(loss)):
            raise FuseError("compares the samples of a batch, one alone has no such loss", where=f"losses.{name}")
    with torch.no_grad():
        alone = [_one(batch, index) for index in range(count)]
        for name, loss in losses.items():
            try:
                found[name] = torch.stack([loss.compute(one, step).float() for one in alone]).tolist()
            except (RuntimeError, ValueError, IndexError, TypeError) as error:
                raise FuseError(f"cannot be computed of one sample: {error}", where=f"losses.{name}") from error
    return {**found, TOTAL: [math.fsum(shares) for shares in zip(*found.values(), strict=True)]}


class Ledger:
    """Says at which steps the losses of single samples are computed, and computes them."""

    def __init__(self, losses: Mapping[str, Loss], steps: int, share: float = SHARE) -> None:
        """Take the losses, how many steps the run has, and the part of the time that may be spent."""
        self._losses, self._share = losses, share
        self._every = math.ceil(steps / STEPS)
        self._stepped = self._spent = self._last = 0.0
        self._possible = True

    def stepped(self, seconds: float) -> None:
        """Take note of how long a step took."""
        self._stepped += seconds

    def of(self, step: int, batch: NestedDict, count: int) -> Each | None:
        """Return the losses of the samples of a step's batch; None where they are left out."""
        due = step % self._every == 0 and self._spent + self._last <= self._share * self._stepped
        if not (due and self._possible and count <= LARGEST):
            return None
        started = time.perf_counter()
        try:
            found = sample_losses(self._losses, batch, count, step)
        except FuseError:  # some losses compare the samples of a batch; the step itself went well
            self._possible = False
            return None
        self._last = time.perf_counter() - started
        self._spent += self._last
        return {name: [float(f"{value:.5g}") for value in values] for name, values in found.items()}


def _one(batch: NestedDict, index: int) -> NestedDict:
    return NestedDict(
        {key: value[index : index + 1] for key, value in batch.items() if isinstance(value, torch.Tensor)}
    )
