"""From a table of predictions to figures, and to the samples behind them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from fuse_engine.core.errors import RunError
from fuse_engine.core.files import atomic_write, write_json
from fuse_engine.core.resolve import resolve
from fuse_engine.core.spreadsheet import guarded
from fuse_engine.metrics.base import Metric, Rows
from fuse_engine.metrics.classification.curve import Curve, Curved
from fuse_engine.metrics.statistics.slots import inner_rows
from fuse_engine.run.events import plain
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.infer import read_rows


def analyze(folder: RunFolder, part: str = "test") -> dict[str, Any]:
    """Measure the predictions of a part of the samples; return what `analysis/metrics.json` then holds.

    Its `missing` says of how many samples, or single labels or numbers of them, each metric had no truth.
    `analysis/samples.csv` gets one row a sample: its id and the value that each metric gives it.
    `analysis/curves.json` gets the points of metrics that are curves: metric -> class -> coordinate -> values.

    Raises:
        RunError: when the part has not been predicted.
    """
    path = folder.predictions / f"{part}.parquet"
    if not path.exists():
        known = ", ".join(sorted(other.stem for other in folder.predictions.glob("*.parquet")))
        raise RunError(f"'{part}' of run {folder.name} has not been predicted", expected=known or "infer first")
    metrics = resolve(folder.experiment()).below(Metric, "metrics")
    ids, rows = read_rows(path)
    results = {name: metrics[name].result(found) for name, found in rows.items()}
    inner = {name: _measured(metrics[name], found) for name, found in rows.items()}
    measured = {name: metric for name, (metric, _) in inner.items()}
    missing = {name: count for name, (metric, found) in inner.items() if (count := metric.left_out(found))}
    said = {name: metric.each for name, metric in measured.items() if metric.each}
    falling = [name for name, metric in measured.items() if metric.higher_is_better is False]
    facts = {
        "part": part, "samples": len(ids), "metrics": results, "missing": missing, "each": said,
        "lower_is_better": falling,
    }  # fmt: skip
    report: dict[str, Any] = plain(facts)
    write_json(folder.analysis / "metrics.json", report)
    drawn = {name: metric for name in rows if isinstance(metric := metrics[name], Curved)}
    curves = {name: metric.curves(rows[name]) for name, metric in drawn.items()}
    write_json(folder.analysis / "curves.json", {name: _listed(found) for name, found in curves.items()})
    each = {name: metrics[name].per_sample(found) for name, found in rows.items()}
    columns = {name: values for name, values in each.items() if values is not None}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", *columns])
    for index, name in enumerate(ids):
        writer.writerow([guarded(name), *(repr(float(values[index])) for values in columns.values())])
    atomic_write(folder.analysis / "samples.csv", text.getvalue().encode())
    return report


def _measured(metric: Metric, rows: Rows) -> tuple[Metric, Rows]:
    """Return the metric that says something of one sample, where one holds another the inner one, and its rows."""
    inner = getattr(metric, "metric", None)
    return _measured(inner, inner_rows(rows, "metric")) if isinstance(inner, Metric) else (metric, rows)


def _listed(curves: Mapping[str, Curve]) -> dict[str, dict[str, list[float]]]:
    return {name: {axis: values.tolist() for axis, values in curve.items()} for name, curve in curves.items()}
