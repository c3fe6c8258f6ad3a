"""What to do where the patches of an experiment are too small for its model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from fuse_engine.core.errors import ExperimentError, Problem
from fuse_engine.models.base import Backbone
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.fitting import Size
from fuse_engine.run.fixes import Mistake, place_of
from fuse_engine.run.readers import within


@contextmanager
def larger_patches(assembly: Assembly) -> Iterator[None]:
    """Give the problem of a backbone that needs larger images the patches that would do.

    Raises:
        ExperimentError: in place of one inside the block.
    """
    try:
        yield
    except ExperimentError as error:
        raise ExperimentError(*(_explained(problem, assembly) for problem in error.problems)) from error


def _explained(problem: Problem, assembly: Assembly) -> Problem:
    experiment, size = assembly.experiment, Size.of(assembly.experiment)
    found = dict(within(assembly.model_place, assembly.model)).get(place_of(problem.where))
    if not isinstance(found, Backbone) or not size.patch or min(size.patch) >= found.smallest:
        return problem
    larger = tuple(max(length, found.smallest) for length in size.patch)
    fixes = replace(size, patch=larger).fixes(experiment)
    where = ".".join(map(str, fixes[0].path))
    return Mistake(
        f"the patches are too small for {found.name()}", where, experiment.source(fixes[0].path),
        expected=f"at least {found.smallest} pixels along every axis", got=" x ".join(map(str, size.patch)),
        fixes=fixes,
    )  # fmt: skip
