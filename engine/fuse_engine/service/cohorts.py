"""The samples of an experiment as a table, and what each is used for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.data.fit import steps_of
from fuse_engine.data.processor import Pipeline
from fuse_engine.data.source import Coded, Cohort, excluded
from fuse_engine.data.split import divide, shared_files
from fuse_engine.service.opened import open_cohort, open_experiment
from fuse_engine.service.work import Work

UNUSED, EXCLUDED = 3, 4
"""Numbers of the parts of samples that a run does not see; 0 train, 1 validation, 2 test."""
NAMED = 3
"""Excluded samples that are not there which are named."""

LONG = 1000
"""Characters of a cell that a panel is sent; contours of a sample can be 200 KB long."""


def cohort(work: Work, experiment: str, folder: str) -> dict[str, Any]:
    """Return the whole table as an Arrow file of dictionary columns, who is excluded, and what is wrong with that.

    Raises:
        FuseError: when the source cannot be read.
    """
    opened = open_experiment(experiment, folder)
    table = open_cohort(opened, whole=True, again=True)
    problems: list[Problem] = []
    reasons: dict[str, str] = {}
    try:
        reasons = excluded(opened)
    except FuseError as error:
        problems += error.problems
    gone = [name for name in reasons if name not in table]
    problems += [Problem(f"the excluded sample '{name}' is not there", "data.excluded") for name in gone[:NAMED]]
    return {
        "table": _arrow_file(table), "id": table.id_column, "group": table.group_column, "fold": table.fold_column,
        "excluded": reasons, "problems": [problem.to_json() for problem in problems],
    }  # fmt: skip


def parts(work: Work, experiment: str, folder: str) -> dict[str, Any]:
    """Return what each sample of the whole table is used for, and why they cannot be divided where they cannot.

    Raises:
        FuseError: when the source cannot be read.
    """
    opened = open_experiment(experiment, folder)
    table = open_cohort(opened, whole=True)
    found = np.full(len(table), UNUSED, np.int8)
    problems: tuple[Problem, ...] = ()
    try:
        left = open_cohort(opened)
        there = _is_in(table, left)
        found[~there] = EXCLUDED
        folds = divide(opened, left)
        found[there] = folds.parts[: len(left)]
        pipelines = {key: Pipeline(tuple(steps), key) for key, steps in steps_of(opened).items()}
        problems = tuple(shared_files(folds, pipelines))
    except FuseError as error:
        problems = error.problems
    return {"parts": found, "problems": [problem.to_json() for problem in problems]}


def _is_in(table: Cohort, left: Cohort) -> NDArray[np.bool_]:
    if left is table:
        return np.ones(len(table), bool)
    ids = left.table[left.id_column].combine_chunks()
    found: NDArray[np.bool_] = pc.is_in(table.table[table.id_column], value_set=ids).to_numpy()
    return found


def _arrow_file(table: Cohort) -> NDArray[np.uint8]:
    """Return the table as the bytes of an Arrow IPC file, each column dictionary<int32, string>."""
    names = table.table.column_names
    with ThreadPoolExecutor() as pool:
        coded = list(pool.map(lambda name: _coded(table, name), names))
    columns = [pa.DictionaryArray.from_arrays(pa.array(item.codes), item.dictionary) for item in coded]
    batch = pa.record_batch(columns, names)
    size = pa.MockOutputStream()
    _write(size, batch)
    # a stream that grows would copy tens of megabytes again and again
    found = np.empty(size.size(), np.uint8)
    _write(pa.FixedSizeBufferWriter(pa.py_buffer(found)), batch)
    return found


def _write(sink: pa.NativeFile, batch: pa.RecordBatch) -> None:
    with sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def _coded(table: Cohort, name: str) -> Coded:
    column = table.table[name]
    if name == table.id_column or not len(column) or pc.max(pc.binary_length(column)).as_py() <= LONG:
        return table.codes(name)
    return Coded.of(pc.utf8_slice_codeunits(column, 0, LONG))
