"""Whether those at a higher risk die earlier."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import ClassKey, NumberKey, OutputKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Rows
from fuse_engine.metrics.kernels.concordance import concordant


@register
class CIndex(Metric):
    """Harrell's concordance index: how often the one of two samples with the higher risk has the event earlier.

    Two samples are compared where it is known who had the event first: the one with the shorter time has it, or
    both have the same time and only one of them has it. Equal risks count half. 0.5 is chance.
    """

    pred: OutputKey
    """Risk of each sample (batch,) or (batch, 1), higher for an earlier event, e.g. `model.output.survival`."""
    time: NumberKey
    """Time until the event, or until the sample was last seen (batch,), in any unit."""
    event: ClassKey
    """1 where the event took place, 0 where the sample was last seen without it (batch,)."""

    def collect(self, pred: Tensor, time: Tensor, event: Tensor) -> Rows:
        """Keep risk, time and event of each sample.

        Raises:
            FuseError: when shapes do not fit, a time is not a number, or an event neither 0 nor 1.
        """
        shapes = [tuple(tensor.shape) for tensor in (pred, time, event)]
        if any(shape not in ((len(pred),), (len(pred), 1)) for shape in shapes):
            raise FuseError(
                "shapes do not fit", where="time", expected="a risk, a time and an event for each sample (batch,)",
                got=", ".join(map(str, shapes)),
            )  # fmt: skip
        if not bool(time.isfinite().all()):
            raise FuseError(f"'{self.time}' holds a time that is none", where="time", expected="finite numbers")
        if not bool(((event == 0) | (event == 1)).all()):
            raise FuseError(f"'{self.event}' holds other values than 0 and 1", where="event", expected="0 or 1")
        return {
            "risk": pred.detach().flatten().double().cpu().numpy(),
            "time": time.flatten().double().cpu().numpy(),
            "event": event.flatten().bool().cpu().numpy(),
        }

    def result(self, rows: Rows) -> float:
        """Return the index, from 0 to 1; NaN where no two samples can be compared or a risk is not a number."""
        if np.isnan(rows["risk"]).any():
            return float("nan")
        order = np.argsort(-rows["time"], kind="stable")
        places = np.unique(rows["risk"], return_inverse=True)[1]
        events = rows["event"].astype(bool)
        pairs, right, tied = concordant(rows["time"][order], events[order], places[order])
        return (right + tied / 2) / pairs if pairs else float("nan")

    def per_sample(self, rows: Rows) -> None:
        """Return None: it takes two samples."""
        return None
