"""What a run found out about its samples, read from its folder: figures, a row for each sample, scores by head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import read_json
from fuse_engine.run.folder import RunFolder
from fuse_gui.models.columns import as_text
from fuse_gui.models.heads import classes, heads
from fuse_gui.models.history import flat

ID = "id"
TRUE, PREDICTED = "true", "predicted"
_INTERVAL = ("org", "mean", "std", "conf_lower", "conf_upper", "degenerate")
"""Parts of a bootstrapped figure."""
MISSING = -1
"""Class of a sample whose truth is missing."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Probabilities and truth of one head that classifies samples."""

    names: tuple[str, ...]
    """Names of the classes."""
    prob: NDArray[np.float64]
    """(sample, class)."""
    truth: NDArray[np.int64]
    """(sample,); `MISSING` where there is none."""

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each sample (sample,)."""
        return np.asarray(self.prob.argmax(1), np.int64)

    def confusion(self) -> NDArray[np.int64]:
        """Return counts (true class, predicted class)."""
        counts = np.zeros((len(self.names), len(self.names)), np.int64)
        known = self.truth != MISSING
        np.add.at(counts, (self.truth[known], self.predicted[known]), 1)
        return counts

    def roc(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return false and true positive rates of one class against the rest, from (0, 0) to (1, 1)."""
        known = self.truth != MISSING
        positive, score = self.truth[known] == index, self.prob[known, index]
        order = np.argsort(-score, kind="stable")
        hits, ends = np.cumsum(positive[order]), np.flatnonzero(np.diff(score[order], append=np.nan) != 0)
        misses = np.arange(1, len(order) + 1) - hits
        rates = [np.concatenate([[0.0], each[ends] / max(int(each[-1]), 1)]) for each in (misses, hits)]
        return rates[0], rates[1]


@dataclass(frozen=True, eq=False)
class Results:
    """The analysis of one part of a run's samples."""

    part: str
    metrics: Mapping[str, float]
    """By dotted name; NaN where undefined. `<metric>.missing` is the number of truths that are missing."""
    frame: pd.DataFrame
    """A row a sample: id, what each metric says of it, true and predicted classes."""
    measures: tuple[str, ...]
    """The columns that a metric gave."""
    meanings: Mapping[str, str]
    """What a metric says of one sample, by measure, where that is not what its name says."""
    scores: Mapping[str, Scores]
    """By head."""
    falling: frozenset[str] = frozenset()
    """Measures of which higher is worse: errors and distances."""


def read_results(run: RunFolder) -> Results | None:
    """Return what a run found out, or None while it has not been analyzed.

    Raises:
        RunError: when the run's experiment cannot be read.
    """
    path = run.analysis / "metrics.json"
    if not path.exists() or not (run.analysis / "samples.csv").exists():
        return None
    report = read_json(path)
    frame = pd.read_csv(run.analysis / "samples.csv", dtype={ID: "str"})
    measures = tuple(str(column) for column in frame.columns if column != ID)
    experiment, meanings = run.experiment(), report.get("each", {})
    scores: dict[str, Scores] = {}
    predictions = run.predictions / f"{report['part']}.parquet"
    if predictions.exists():
        table = pd.read_parquet(predictions, columns=_columns(predictions))
        if len(table) == len(frame):
            frame[ID] = table[ID].astype("str").to_numpy()
            scores = _scores(experiment, table)
    for head, found in scores.items():
        titles = np.array([*found.names, ""], object)  # the last one stands for MISSING
        frame[f"{head}.{TRUE}"], frame[f"{head}.{PREDICTED}"] = titles[found.truth], titles[found.predicted]
    falling = frozenset(report.get("lower_is_better", ()))
    figures = flat(report["metrics"]) | {f"{name}.missing": n for name, n in report.get("missing", {}).items()}
    return Results(str(report["part"]), figures, frame, measures, meanings, scores, falling)


def _columns(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    starts = (ID, "model.output.", "data.gt.")
    return [name for name in pq.read_schema(path).names if name.startswith(starts)]


def _scores(experiment: Experiment, table: pd.DataFrame) -> dict[str, Scores]:
    found: dict[str, Scores] = {}
    for head, truth in heads(experiment).items():
        names = [str(name) for name in table.columns]
        columns = [name for name in names if name.rpartition(".")[0] == f"model.output.{head}"]
        if len(columns) < 2 or truth not in table.columns:  # one number is no class
            continue
        known = classes(experiment, head)
        titles = known if len(known) == len(columns) else tuple(f"class {index}" for index in range(len(columns)))
        ordered: list[str] = sorted(columns, key=_place)
        prob: Any = table[ordered].to_numpy(float)
        given = table[truth].to_numpy(np.int64)
        inside = (given >= 0) & (given < len(titles))
        found[head] = Scores(titles, prob, np.where(inside, given, MISSING))
    return found


def _place(name: str) -> int:
    return int(name.rpartition(".")[2])


def written(figures: Mapping[str, float]) -> dict[str, str]:
    """Return figures by name as a person reads them, each bootstrapped one with its interval in one line."""
    found: dict[str, str] = {}
    for name, value in figures.items():
        place, _, word = name.rpartition(".")
        if word not in _INTERVAL or not {f"{place}.{each}" for each in _INTERVAL} <= figures.keys():
            found[name] = as_text(value) or "undefined"
        elif word == _INTERVAL[0]:
            found[place] = _with_interval({each: figures[f"{place}.{each}"] for each in _INTERVAL})
    return found


def _with_interval(parts: Mapping[str, float]) -> str:
    lower, upper = as_text(parts["conf_lower"]), as_text(parts["conf_upper"])
    left_out = f", {parts['degenerate']:.0f} resamples left out" if parts["degenerate"] else ""
    ends = f" ({lower} to {upper}{left_out})" if lower else ""
    return (as_text(parts["org"]) or "undefined") + ends
