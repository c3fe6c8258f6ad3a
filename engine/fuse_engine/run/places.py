"""Where in the experiment a failure belongs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from fuse_engine.core.document import Place
from fuse_engine.core.errors import ExperimentError, FuseError
from fuse_engine.core.experiment import Experiment


@contextmanager
def at_place(experiment: Experiment, *place: str | int) -> Iterator[None]:
    """Put `place` before the places that an error inside the block names, and add file and line.

    Raises:
        ExperimentError: in place of any FuseError.
    """
    try:
        yield
    except FuseError as error:
        problems = []
        for problem in error.problems:
            inner = tuple(part for part in problem.where.split(".") if part)
            full: Place = (*place, *inner)
            where = ".".join(map(str, full))
            problems.append(replace(problem, where=where, source=problem.source or experiment.source(full)))
        raise ExperimentError(*problems) from error
