"""The rows of the metric in a slot, among those of the metric that holds it."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fuse_engine.metrics.base import Rows


def inner_rows(rows: Rows, field: str) -> Rows:
    """Return the rows of the metric in a slot."""
    start = f"{field}."
    return {name.removeprefix(start): row for name, row in rows.items() if name.startswith(start)}


def subset(rows: Rows, chosen: NDArray[Any]) -> Rows:
    """Return the rows of chosen samples."""
    return {name: row[chosen] for name, row in rows.items()}
