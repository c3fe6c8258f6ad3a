"""The loss of how long it takes until something happens, if it does."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import ClassKey, LogitsKey, NumberKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Activation, Loss, nothing


@register
class Cox(Loss):
    """Negative log partial likelihood of a survival head's risk, a mean over the events of a batch.

    Samples are compared with those of the same batch that are still at risk, so batches should be large and hold
    events; a batch without any has a loss of 0.
    """

    compares: ClassVar[bool] = True

    pred: LogitsKey
    """Log of the relative risk (batch, 1) of a survival head, e.g. `model.logits.survival`."""
    time: NumberKey
    """Time until the event, or until a sample was last seen (batch,), in any unit, e.g. `data.gt.months`."""
    event: ClassKey
    """1 where the event was seen, 0 where a sample was last seen without it (batch,), e.g. `data.gt.died`."""
    ties: Literal["efron", "breslow"] = "efron"
    """How events at the same time are taken: one after the other on average, or all at once, which is faster and
    less exact."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        return "none"

    def known(self, batch: NestedDict, count: int) -> Tensor:
        """Return 1 for each sample (batch,) whose event was seen, else 0.

        Raises:
            FuseError: when there is no such key.
        """
        events: Tensor = batch[self.event]
        return (events == 1).reshape(count).float()

    def __call__(self, pred: Tensor, time: Tensor, event: Tensor) -> Tensor:
        """Return the mean over the events.

        Raises:
            FuseError: when shapes, times or events do not fit.
        """
        return self.weighted(torch.ones(len(pred), device=pred.device), pred=pred, time=time, event=event)

    def weighted(self, weights: Tensor, **tensors: Any) -> Tensor:
        """Return the mean over the events, samples counting as much as `weights` (batch,) say, as R's coxph does.

        Raises:
            FuseError: when shapes, times or events do not fit.
        """
        pred, time, event = tensors["pred"], tensors["time"], tensors["event"]
        risk = pred.flatten().float()
        if pred.shape[1:].numel() != 1:
            raise FuseError(
                "a survival head gives one number a sample", where="pred", expected="(batch, 1)",
                got=str(tuple(pred.shape)),
            )  # fmt: skip
        times, events = _column(time, len(risk), self.time, "time"), _column(event, len(risk), self.event, "event")
        if not bool(torch.isfinite(times).all()):
            raise FuseError(f"'{self.time}' holds a time that is none", where="time", expected="finite numbers")
        if not bool(((events == 0) | (events == 1)).all()):
            wrong = events[(events != 0) & (events != 1)][0].item()
            raise FuseError(f"'{self.event}' holds {wrong:g}", where="event", expected="0 or 1")
        seen = (events == 1) & (weights > 0)
        if not bool(seen.any()):
            return nothing([pred])
        return partial_likelihood(risk, times, seen, weights, self.ties == "efron")


def partial_likelihood(
    risk: Float[Tensor, " b"],
    times: Float[Tensor, " b"],
    events: Bool[Tensor, " b"],
    weights: Float[Tensor, " b"],
    efron: bool,
) -> Float[Tensor, ""]:
    """Return the weighted mean over events of the log of the risk at hand minus the risk of the event."""
    heavy = torch.where(weights > 0, risk + weights.clamp(min=1e-30).log(), -math.inf)
    own = times[events]
    at_risk = times[None] >= own[:, None]
    total = torch.where(at_risk, heavy[None], -math.inf).logsumexp(1)
    share = weights[events]
    if efron:
        tied = (times[None] == own[:, None]) & events[None]
        together = torch.where(tied, heavy[None], -math.inf).logsumexp(1)
        earlier = torch.ones(len(own), len(own), device=own.device).tril(-1) * (own[None] == own[:, None])
        count = tied.sum(1)
        gone = earlier.sum(1) / count
        total = total + torch.log1p(-gone * (together - total).exp())
        share = (tied * weights[None]).sum(1) / count
    return ((share * total).sum() - (weights[events] * risk[events]).sum()) / weights[events].sum()


def _column(values: Tensor, count: int, key: str, where: str) -> Tensor:
    if values.numel() != count or len(values) != count:
        raise FuseError(
            f"'{key}' does not hold one number a sample", where=where, expected=f"a shape ({count},)",
            got=str(tuple(values.shape)),
        )  # fmt: skip
    return values.flatten().float()
