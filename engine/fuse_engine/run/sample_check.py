"""Which samples cannot be used, and whether they are divided so that they can be learned from."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.data.split import shared_files
from fuse_engine.run.assembly import Assembly

NAMED = 3
"""Samples of one kind of problem that are named."""
PATIENCE = 0.5
"""Seconds to look for files."""


def split_problems(assembly: Assembly) -> Iterator[Problem]:
    """Say what is wrong with the parts that the samples are divided into."""
    yield from shared_files(assembly.folds, assembly.dataset.pipelines)
    rules = assembly.experiment.training.best
    if not assembly.folds.validation and any(rule.source.startswith("validation.") for rule in rules):
        yield Problem(
            "no sample is left for the validation", "data.split.validation",
            expected="a fold that is neither for training nor for the test",
        )  # fmt: skip


def sample_problems(assembly: Assembly) -> Iterator[Problem]:
    """Process the first sample of each part; of the others look for the files and try the cells."""
    found: dict[str, list[Problem]] = {}
    for problem in [*_first_samples(assembly), *_rows(assembly)]:
        same = found.setdefault(problem.where, [])
        if problem.sample not in [other.sample for other in same]:
            same.append(problem)
    order = {name: index for index, name in enumerate(assembly.cohort.ids)}
    for where, same in found.items():
        same.sort(key=lambda problem: order[problem.sample])
        yield from same[:NAMED]
        if len(same) > NAMED:
            yield Problem(f"{len(same) - NAMED} more samples have a problem here", where)


def _first_samples(assembly: Assembly) -> Iterator[Problem]:
    for part in ("train", "validation", "test"):
        for name in getattr(assembly.folds, part)[:1]:
            try:
                assembly.tensors(name)
            except FuseError as error:
                yield error.placed(sample=name).problems[0]


def _rows(assembly: Assembly) -> Iterator[Problem]:
    end = time.monotonic() + PATIENCE
    for row in assembly.cohort.rows(assembly.cohort.ids):
        if time.monotonic() > end:
            return  # many samples, or a slow share; the run itself will name the rest
        for pipeline in assembly.dataset.pipelines.values():
            try:
                pipeline.fingerprint(row) if pipeline.reads_files(row) else pipeline.run(row)
            except FuseError as error:
                yield error.placed(sample=row.id, where=pipeline.where).problems[0]
