"""Questions to the engine's worker, so that a file that kills its reader never ends a command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fuse_engine.cli.printing import one_line, warn

if TYPE_CHECKING:
    from fuse_engine.core.errors import Problem
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.service.client import Engine


DEATHS = 1
"""Workers that a file may end before it is refused: all is read again after each, and nobody repairs the file."""


def started() -> Engine:
    """Return the engine of a command."""
    from fuse_engine.service.client import Engine

    return Engine(deaths=DEATHS)


def answer(
    method: str, experiment: Experiment, told: Callable[[float, str], None] | None = None, **arguments: Any
) -> dict[str, Any]:
    """Return the reply of a worker of its own about an experiment, and warn of components that it left out.

    Raises:
        FuseError: as for `ask`.
    """
    engine = started()
    try:
        reply: dict[str, Any] = ask(engine, method, experiment, told, **arguments)
    finally:
        engine.close()
    for name, reason in reply["broken"].items():
        warn(f"{name} is left out: {reason}")
    return reply


def ask(
    engine: Engine,
    method: str,
    experiment: Experiment,
    told: Callable[[float, str], None] | None = None,
    **arguments: Any,
) -> Any:
    """Return the worker's reply about an experiment; `told` hears how far it is, from 0 to 1, and with what.

    A file that ends the worker is warned of; the next worker refuses it and goes on without it.

    Raises:
        FuseError: what is wrong, or that the worker ends again and again for another reason than one file.
    """
    from fuse_engine.core.errors import FuseError

    ends: Counter[str] = Counter()
    text, folder = experiment.to_yaml(), str(experiment.folder.absolute())
    while True:
        job = engine.request(method, experiment=text, folder=folder, **arguments)
        if told is not None:
            job.progress.connect(told)
        try:
            return job.result()
        except FuseError as error:
            file = error.problems[0].got
            ends[file] += 1
            if engine.pid is not None or ends[file] > DEATHS:
                raise type(error)(*(sourced(experiment, problem) for problem in error.problems)) from None
            warn(one_line(str(error)))


def sourced(experiment: Experiment, problem: Problem) -> Problem:
    """Add file and line: the worker knows the experiment, not the file that it stands in."""
    place = tuple(int(part) if part.isdigit() else part for part in problem.where.split("."))
    return replace(problem, source=problem.source or experiment.source(place)) if problem.where else problem
