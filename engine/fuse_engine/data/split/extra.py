"""Samples of a second source that are only trained on."""

from __future__ import annotations

from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component
from fuse_engine.data.source import Cohort, Source, excluded
from fuse_engine.data.split.folds import PARTS, Folds

EXTRA = "extra_train"
"""Name of the fold that they are in."""


def read_extra(experiment: Experiment) -> Cohort | None:
    """Return the samples of the second source that are not excluded, or None where there is none.

    Raises:
        FuseError: naming the source's place in the experiment, file, line and column.
    """
    spec = experiment.data.extra_train
    if spec is None:
        return None
    found: Component = component("source", spec, ("data", "extra_train"), experiment)
    try:
        return cast(Source, found).read(experiment.folder).without(excluded(experiment))
    except FuseError as error:
        raise error.placed(where=f"data.extra_train.{found.name()}") from error


def joined(cohort: Cohort, extra: Cohort, group: str | None) -> Cohort:
    """Return both cohorts as one; `group` is the column that keeps samples together.

    Cells of columns that only one of them has are empty for the other; relative paths start where they did.

    Raises:
        FuseError: for an id that both have.
    """
    both = pc.is_in(extra.table[extra.id_column], value_set=cohort.table[cohort.id_column].combine_chunks())
    if (twice := extra.table[extra.id_column].filter(both)).length():
        raise FuseError(
            f"the id '{twice[0].as_py()}' is in both sources", where="data.extra_train",
            expected="samples that the first source does not list",
        )  # fmt: skip
    named = {name: extra.table[name] for name in extra.table.column_names}
    if group is not None:
        named[group] = named[group if group in named else extra.group_column or extra.id_column]
    named[cohort.id_column] = extra.table[extra.id_column]
    own = {name: cohort.table[name] for name in cohort.table.column_names}
    tables = [
        pa.table({name: found.get(name, pa.repeat("", count)) for name in dict.fromkeys([*own, *named])})
        for found, count in ((own, len(cohort)), (named, len(extra)))
    ]
    return Cohort(
        pa.concat_tables(tables), cohort.id_column, cohort.group_column, cohort.fold_column, cohort.folder,
        remarks=(*cohort.remarks, *extra.remarks),
        folders={**cohort.folders, **dict.fromkeys(extra.ids, extra.folder), **extra.folders},
        left_out=cohort.left_out | extra.left_out,
    )  # fmt: skip


def with_extra(folds: Folds, everything: Cohort, group: str | None) -> Folds:
    """Return the folds of both cohorts: the samples that come after those of `folds` are trained on.

    Raises:
        FuseError: for a group of theirs that also has validation or test samples.
    """
    old, new = len(folds.cohort), len(everything) - len(folds.cohort)
    if group is not None:
        column = everything.table[group]
        away = column.slice(0, old).filter(pa.array(np.isin(folds.parts, (1, 2))))
        leaking = np.flatnonzero(pc.is_in(column.slice(old), value_set=away.combine_chunks()).to_numpy())
        if leaking.size:
            first = old + int(leaking[0])
            raise FuseError(
                f"the group '{column[first].as_py()}' also has validation or test samples",
                where="data.extra_train", sample=everything.ids[first], expected="other groups than those",
                got=f"{leaking.size} such samples",
            )  # fmt: skip
    return Folds(
        everything,
        np.concatenate([folds.parts, np.full(new, PARTS.index("train"), np.int8)]),
        np.concatenate([folds.fold, np.full(new, len(folds.names), np.int32)]),
        (*folds.names, EXTRA),
        folds.remarks,
    )
