"""The samples of an experiment as a table, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.processor import Pipeline
from fuse_engine.data.source import Row
from fuse_engine.data.split import make_folds
from fuse_engine.service.opened import open_cohort, open_dataset, open_experiment
from fuse_engine.service.work import Work

LIMIT = 200
"""Problems that are told; a table with one wrong column has as many as it has rows."""
_EVERY = 500
"""Samples between two reports of progress."""


def cohort(work: Work, experiment: str, folder: str) -> dict[str, Any]:
    """Return the table, what each sample is used for, and problems: leaks, missing files, labels that do not fit.

    Raises:
        FuseError: when the source cannot be read.
    """
    opened = open_experiment(experiment, folder)
    table = open_cohort(opened)
    problems: list[Problem] = []
    parts: dict[str, str] = {}
    try:
        parts = make_folds(table, opened.data.split, opened.seed).part_of
        problems += _sample_problems(work, open_dataset(opened))
    except FuseError as error:
        problems += error.problems
    return {
        "columns": table.table.column_names, "rows": table.frame.to_numpy().tolist(),
        "id": table.id_column, "folds": parts, "problems": [problem.to_json() for problem in problems],
    }  # fmt: skip


def _sample_problems(work: Work, dataset: Dataset) -> list[Problem]:
    found: list[Problem] = []
    for index, name in enumerate(dataset.ids):
        if index % _EVERY == 0:
            work.progress(index / len(dataset), "checking the samples")
        row = dataset.cohort.row(name)
        for pipeline in dataset.pipelines.values():
            found += _problems(pipeline, row)
        if len(found) >= LIMIT:
            more = Problem(f"looked at {index + 1} of {len(dataset)} samples, there may be more problems")
            return [*found[:LIMIT], more]
    return found


def _problems(pipeline: Pipeline, row: Row) -> Iterator[Problem]:
    """Look for what the table alone can tell: files that are not there, cells that do not fit."""
    try:
        if pipeline.reads_files(row):
            return
    except FuseError:
        pass  # running it fails at the same step, and names it
    try:
        pipeline.run(row)
    except FuseError as error:
        yield from error.problems
