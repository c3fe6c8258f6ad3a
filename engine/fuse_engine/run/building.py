"""An experiment put together as far as it goes: what fits, what it costs, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import resolve_what_fits
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import sourced, training_problems, wiring_problems
from fuse_engine.run.preview import Preview, preview
from fuse_engine.run.seen import Seen
from fuse_engine.run.tracing import Traced, Tracer
from fuse_engine.run.training_check import first_frozen
from fuse_engine.run.wiring_check import key_problems, text_problems

_DRAWN = ("model", "losses", "metrics")


@dataclass
class Built:
    """How far an experiment can be put together."""

    problems: list[Problem] = field(default_factory=list)
    preview: Preview | None = None
    """The batch with what the model adds; None where the model does not work."""
    batch: NestedDict | None = None
    """What is known of the batch, with or without the model's part."""
    traced: Traced = field(default_factory=Traced)
    trainable: int = 0
    """Weights that the first stage changes."""


Shown = tuple[Preview, Traced]
"""What a model makes of the batch, and what it costs."""
Keep = Callable[[Hashable, Callable[[], Shown]], Shown]
"""Returns what is kept under a key, or makes it."""


def make_now(key: Hashable, make: Callable[[], Shown]) -> Shown:
    """Keep nothing."""
    return make()


def build(experiment: Experiment, seen: Seen, keep: Keep = make_now) -> Built:
    """Put an experiment together; nothing is raised, what is wrong stands in the problems."""
    parts, problems = resolve_what_fits(experiment)
    built = Built([*problems, *seen.problems], batch=seen.batch)
    if seen.batch is not None and parts.has("model"):
        try:
            _with_model(built, seen.assembled(experiment, parts), seen, keep)
        except FuseError as error:
            built.problems += error.problems
    told: dict[tuple[str, str], Problem] = {}
    for problem in sourced(experiment, built.problems):
        told.setdefault((problem.where, problem.message), problem)
    built.problems = list(told.values())
    return built


def _with_model(built: Built, assembly: Assembly, samples: Seen, keep: Keep) -> None:
    batch = samples.batch or NestedDict()
    keys = [item for item in key_problems(assembly) if item.where.startswith(_DRAWN)]
    built.problems += [*keys, *text_problems(assembly, batch)]
    if any(problem.where.startswith("model") for problem in built.problems):
        return
    model = str(assembly.experiment.model)
    seen, built.traced = keep((samples, model), lambda: _shown(assembly, batch))
    built.preview, built.batch = seen, seen.batch
    frozen = first_frozen(assembly, seen.module)
    built.trainable = sum(weight.numel() for weight in seen.module.parameters() if id(weight) not in frozen)
    told = {problem.where for problem in built.problems}
    wrong = [item for item in wiring_problems(assembly, seen) if not _told(item, told)]
    built.problems += wrong or ([] if keys else training_problems(assembly, seen))


def _shown(assembly: Assembly, batch: NestedDict) -> Shown:
    tracer = Tracer()
    return preview(assembly, batch, tracer), tracer.traced


def _told(problem: Problem, told: set[str]) -> bool:
    """Say whether something is told of a component already: what is computed of a missing key says it again."""
    own = ".".join(problem.where.split(".")[:3])
    return any(where.startswith(own) for where in told)
