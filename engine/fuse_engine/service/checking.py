"""Whether an experiment can work, and which value goes where in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fuse_engine.core.errors import FuseError
from fuse_engine.run import check as checks
from fuse_engine.service.opened import open_experiment
from fuse_engine.service.work import Work


def validate(work: Work, experiment: str, folder: str) -> list[dict[str, str]]:
    """Return everything that is wrong with an experiment; empty when it can be trained."""
    try:
        problems = list(checks.check(open_experiment(experiment, folder)))
    except FuseError as error:
        problems = list(error.problems)
    return [problem.to_json() for problem in problems]


def flow(work: Work, experiment: str, folder: str) -> list[dict[str, Any]]:
    """Return every key of a sample's way: shape, dtype, what makes it and what reads it.

    Raises:
        FuseError: when the experiment cannot be followed that far.
    """
    return [asdict(info) for info in checks.flow(open_experiment(experiment, folder))]
