"""The events of a run as curves."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_gui.models.plot import Axes, Figure, Line

TOTAL = "total_loss"
_RECENT = 50
_AROUND = ("mean", "std", "conf_lower", "conf_upper", "degenerate")
"""What an interval says around its figure."""
_SIDES = ("train", "validation")


class History:
    """What a run has reported so far; grows event by event, and goes back where the run was continued."""

    def __init__(self) -> None:
        """Start with nothing reported."""
        self.steps: list[int] = []
        self.names: list[str] = []
        """The steps as a click on a curve gives them."""
        self.losses: dict[str, list[float]] = {}
        self.times: list[float] = []
        self.epochs: list[Mapping[str, Any]] = []
        self.ends: list[int] = []
        """The last step of each epoch."""
        self.warnings: list[str] = []

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take the next events."""
        for event in events:
            kind = event["kind"]
            if kind == "batch":
                self._add_batch(event)
            elif kind == "epoch":
                self.epochs.append(event)
                self.ends.append(int(event.get("step", self.steps[-1] if self.steps else 0)))
            elif kind == "resume":
                self._go_back(int(event["step"]), int(event.get("epoch", 0)))
            elif kind == "warning":
                sample = f"sample {event['sample']}: " if event.get("sample") else ""
                self.warnings.append(f"{sample}{event['message']}")

    @property
    def best(self) -> int | None:
        """The epoch of the best checkpoint, counted from 0."""
        chosen = [int(event["epoch"]) for event in self.epochs if event.get("best")]
        return chosen[-1] if chosen else None

    @property
    def pace(self) -> float:
        """Seconds a step, lately, with everything between steps; NaN before the second step."""
        times = self.times[-_RECENT:]
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else math.nan

    def last(self, side: str, group: str) -> dict[str, float]:
        """Return the last epoch's values: `side` train or validation, `group` losses or metrics."""
        return values_of(self.epochs[-1], side, group) if self.epochs else {}

    def figure(self, opened: int = -1) -> Figure:
        """Return the curves: losses over steps, with a mark at the `opened` one, and metrics over epochs."""
        return Figure((self._loss_axes(opened), self._metric_axes()))

    def _add_batch(self, event: Mapping[str, Any]) -> None:
        count = len(self.steps)
        self.steps.append(int(event["step"]))
        self.names.append(str(int(event["step"])))
        self.times.append(float(event["time"]))
        for name, value in event["losses"].items():
            if name not in self.losses:
                self.losses[name] = [math.nan] * count
            self.losses[name].append(_number(value))
        for values in self.losses.values():
            if len(values) <= count:
                values.append(math.nan)

    def _go_back(self, step: int, epoch: int) -> None:
        kept = bisect_left(self.steps, step)
        self.times = []
        self.steps, self.names = self.steps[:kept], self.names[:kept]
        self.losses = {name: values[:kept] for name, values in self.losses.items()}
        self.epochs = [event for event in self.epochs if int(event["epoch"]) < epoch]
        self.ends = self.ends[: len(self.epochs)]

    def _loss_axes(self, opened: int) -> Axes:
        steps, ids = np.asarray(self.steps, float), tuple(self.names)
        shown = [TOTAL] if TOTAL in self.losses else list(self.losses)
        parts = [name for name in self.losses if name != TOTAL]
        names = shown + (parts if len(parts) > 1 else [])
        lines = [
            Line(steps, np.asarray(self.losses[name]), f"batch {_short(name)}", faint=True, ids=ids)
            for name in names
        ]
        ends = np.asarray(self.ends, float)
        for side, colour in zip(_SIDES, ("#2f7fd6", "#e5533d"), strict=True):
            values = np.asarray([values_of(e, side, "losses").get(TOTAL, math.nan) for e in self.epochs])
            lines.append(Line(ends, values, f"{side} total", "both", colour))
        marks = (*self._best_at(self.ends), *(((float(opened), f"batch {opened}"),) if opened >= 0 else ()))
        return Axes("Losses", "step", "", tuple(_seen(lines)), marks, whole=True, note="no batch yet")

    def _metric_axes(self) -> Axes:
        x = np.asarray([int(event["epoch"]) + 1 for event in self.epochs], float)
        names = dict.fromkeys(n for e in self.epochs for n in values_of(e, "validation", "metrics"))
        lines = [Line(x, self._metric("validation", name), name, "both") for name in shown_metrics(list(names))]
        best = self._best_at([int(value) for value in x])
        return Axes(
            "Validation metrics",
            "epoch",
            "",
            tuple(_seen(lines)),
            best,
            whole=True,
            note="no metric has a value" if self.epochs else "no epoch yet",
            legend="lower right",
        )

    def _metric(self, side: str, name: str) -> NDArray[np.float64]:
        return np.asarray([values_of(event, side, "metrics").get(name, math.nan) for event in self.epochs])

    def _best_at(self, places: list[int]) -> tuple[tuple[float, str], ...]:
        for event, place in zip(self.epochs, places, strict=True):
            if int(event["epoch"]) == self.best:
                return ((float(place), f"best: epoch {self.best + 1}"),)
        return ()


def values_of(event: Mapping[str, Any], side: str, group: str) -> dict[str, float]:
    """Return one group of an epoch's values by dotted name; what is undefined is NaN."""
    return flat((event.get(side) or {}).get(group) or {})


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return nested values by dotted name; None is NaN."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = _number(value)
    return found


def shown_metrics(names: list[str]) -> list[str]:
    """Return what is drawn: of a metric with an average that alone, of an interval the figure alone."""
    ranges = {name.removesuffix(".conf_lower") for name in names if name.endswith(".conf_lower")}
    names = [
        name for name in names if name.rpartition(".")[0] not in ranges or name.rpartition(".")[2] not in _AROUND
    ]
    averaged = {name.partition(".macro_avg")[0] for name in names if ".macro_avg" in name}
    return [name for name in names if ".macro_avg" in name or not _below(name, averaged)]


def _below(name: str, metrics: set[str]) -> bool:
    return any(name.startswith(f"{metric}.") for metric in metrics)


def _seen(lines: list[Line]) -> list[Line]:
    return [line for line in lines if np.isfinite(line.y).any()]


def _short(name: str) -> str:
    return "total" if name == TOTAL else name


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
