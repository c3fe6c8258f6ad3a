"""Whether the runs of an ensemble see samples as they were trained on them."""

from __future__ import annotations

from fuse_engine.core.errors import Problem
from fuse_engine.core.resolve import resolve
from fuse_engine.models.ensemble import Ensemble
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.folder import RunFolder


def step_remarks(assembly: Assembly) -> list[Problem]:
    """Return which runs of an ensemble were trained with other steps, or with others that these have learned.

    Raises:
        FuseError: when the experiment of a run cannot be read.
    """
    if not isinstance(assembly.model, Ensemble):
        return []
    now = assembly.parts.resolved().to_data()["data"]["input"]
    found: list[Problem] = []
    for index, run in enumerate(assembly.model.runs):
        then = resolve(RunFolder(run).experiment()).resolved().to_data()["data"]["input"]
        other = [f"data.input.{name}" for name, steps in now.items() if name in then and then[name] != steps]
        if other:
            found.append(
                Problem(
                    f"run {run.name} was trained with other steps at {', '.join(other)}, or they had learned "
                    "other figures from its training samples", f"model.Ensemble.runs.{index}",
                )
            )  # fmt: skip
    return found
