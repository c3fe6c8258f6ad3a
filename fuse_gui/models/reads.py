"""Which columns of the table the steps of each key read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.columns import Column
from fuse_gui.models.filter import Mask

FIELDS = ("column", "columns")
"""Fields of a step that name columns."""

Reads = Mapping[str, tuple[str, ...]]
"""Columns by the names that a key has in a filter: `mask`, `gt.mask` and `data.gt.mask`."""


def columns_read(experiment: Experiment | None, catalog: Catalog) -> Reads:
    """Return which columns each key of a sample reads; an input comes before a ground truth of the same name."""
    found: dict[str, tuple[str, ...]] = {}
    sides = {"input": experiment.data.input, "gt": experiment.data.gt} if experiment else {}
    for side, keys in sides.items():
        for name, steps in keys.items():
            columns = tuple(column for spec in steps for column in _named(spec.name, spec.args, catalog))
            for called in (name, f"{side}.{name}", f"data.{side}.{name}") if columns else ():
                found.setdefault(called, columns)
    return found


def filled(reads: Reads, columns: Mapping[str, Column]) -> dict[str, Mask]:
    """Return which rows have something in every column that a key reads, by `has:<key>`; others are left away."""
    known = {names: _filled(names, columns) for names in set(reads.values()) if set(names) <= set(columns)}
    return {f"has:{key}": known[names] for key, names in reads.items() if names in known}


def _filled(names: tuple[str, ...], columns: Mapping[str, Column]) -> Mask:
    masks = [~columns[name].empty[columns[name].codes] for name in names]
    return np.asarray(np.logical_and.reduce(masks))


def _named(step: str, arguments: Mapping[str, Any], catalog: Catalog) -> Iterator[str]:
    entry = catalog.of("processor").get(step)
    defaults = {spec.name: spec.default for spec in entry.fields} if entry else {}
    for field in FIELDS:
        value = arguments.get(field, defaults.get(field))
        yield from (value,) if isinstance(value, str) else (str(item) for item in value or ())
