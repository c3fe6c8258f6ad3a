"""What a training will cost and how it begins, from one real try in this process; the process may die of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run import memory
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check
from fuse_engine.run.device import Choice, choose
from fuse_engine.run.executors import thread_count
from fuse_engine.run.fitting import Size
from fuse_engine.run.rehearsal import Measured, rehearse

Tell = Callable[[dict[str, Any]], None]

MUCH = 0.5
"""Share of the time for loading above which it is said."""
ALONE = 0.9
"""Share of the gradient above which a loss has it to itself."""
AGAINST = -0.2
"""Cosine below which two losses pull against each other."""
FAR = 2.0
"""How many times the value of chance a first loss may be."""


def carry_out(experiment: Experiment, tell: Tell, tried: Size | None = None) -> dict[str, Any]:
    """Return `{"report": ...}` on an experiment, `{"killed": size}` where the memory does not suffice for a size.

    `tell` hears what is done. `tried` is a size that did not fit: now the next smaller one is tried. A process
    that had no memory left is of no use for another try, so there is one a process.

    Raises:
        FuseError: what keeps the experiment from being trained.
    """
    if tried is None:
        tell({"progress": 0.1, "text": "checking"})
        if problems := check(experiment, samples=False):
            raise FuseError(*problems)
    choice, wanted = choose(experiment.run), Size.of(experiment)
    size = wanted if tried is None else tried.halved()
    if size is None:
        return {"report": _hopeless(choice)}
    torch.set_num_threads(thread_count(experiment.run.threads))
    tell({"trying": asdict(size), "text": str(size)})
    try:
        assembly = Assembly.of(size.of_experiment(experiment))
        measured = rehearse(
            assembly, choice, lambda done, text: tell({"progress": done, "text": f"{size}: {text}"})
        )
    except (RuntimeError, MemoryError, OSError, FuseError) as error:
        if not memory.is_out_of_memory(error):
            raise
        return {"killed": asdict(size)}
    return {"report": report(assembly, measured, choice, size if size != wanted else None, experiment)}


def report(
    assembly: Assembly, found: Measured, choice: Choice, fitting: Size | None, wanted: Experiment
) -> dict[str, Any]:
    """Return what was measured in plain data; `fitting` is the size where it is not the wanted one."""
    timetable, batch = assembly.timetable(), assembly.experiment.data.batch
    first = timetable.start(1) if timetable.epochs > 1 else timetable.steps
    batches = math.ceil(len(assembly.validation(0)) / assembly.whole_batch)
    seconds = (
        first * found.first_epoch.whole + (timetable.steps - first) * found.later.whole
        + timetable.epochs * batches * found.validation
    )  # fmt: skip
    device = torch.device(choice.device)
    share = found.later.waiting / found.later.whole if found.later.whole else 0.0
    return {
        "seconds_per_step": found.later.whole, "first_epoch_seconds_per_step": found.first_epoch.whole,
        "peak_bytes": found.peak, "total_bytes": memory.total(device), "device": choice.device,
        "precision": choice.precision, "samples_per_second": batch.size / found.later.whole,
        "steps": timetable.steps, "eta_seconds": seconds, "loading_share": share, "first_loss": found.losses,
        "chance": found.chance, "gradient_share": found.pull.losses, "heads_share": found.pull.heads,
        "cosine": [{"a": a, "b": b, "value": value} for a, b, value in found.pull.cosines],
        "notes": _notes(assembly, found, share), "fits": fitting is None,
        "proposal": None if fitting is None else _proposal(fitting, wanted),
    }  # fmt: skip


def _proposal(size: Size, experiment: Experiment) -> dict[str, Any]:
    fixes = [{**asdict(fix), "path": list(fix.path)} for fix in size.fixes(experiment)]
    return {"title": f"Fits: {size}", "fixes": fixes}


def _hopeless(choice: Choice) -> dict[str, Any]:
    """Return the report where nothing fits."""
    notes = ["not even one sample fits into the memory: smaller images (Resize), patches, or a smaller network"]
    return {
        "seconds_per_step": None, "first_epoch_seconds_per_step": None, "peak_bytes": None,
        "total_bytes": memory.total(torch.device(choice.device)), "device": choice.device,
        "precision": choice.precision, "samples_per_second": None, "steps": 0, "eta_seconds": None,
        "loading_share": None, "first_loss": {}, "chance": {}, "gradient_share": {}, "heads_share": {},
        "cosine": [], "notes": notes, "fits": False, "proposal": None,
    }  # fmt: skip


def _notes(assembly: Assembly, found: Measured, share: float) -> list[str]:
    return [
        *_of_loading(assembly, found, share), *_of_losses(found), *_of_gradients(found), *found.notes,
        *(f"{bad.message} (the run passes over it)" for bad in found.bad[:3]),
    ]  # fmt: skip


def _of_loading(assembly: Assembly, found: Measured, share: float) -> list[str]:
    notes, batch = [], assembly.experiment.data.batch
    if share > MUCH:
        more = "more loaders (data.batch.workers)" if batch.workers else "loaders (data.batch.workers: 2)"
        notes.append(f"{share:.0%} of the time is loading: {more} or lighter steps and augmentation would help")
    slower = found.first_epoch.whole / found.later.whole if found.later.whole else 1.0
    if slower > FAR:
        notes.append(f"the first epoch takes {slower:.1f} times as long as the others: it fills the cache")
    return notes


def _of_losses(found: Measured) -> list[str]:
    notes = []
    for name, value in found.losses.items():
        chance = found.chance.get(name)
        if not math.isfinite(value):
            notes.append(f"loss '{name}' is not finite in the first step: look at the values of inputs and truth")
        elif chance is not None and value > FAR * chance:
            notes.append(
                f"loss '{name}' begins at {value:.3g}, guessing would give {chance:.3g}: look at the scale of "
                "the inputs"
            )
    return notes


def _of_gradients(found: Measured) -> list[str]:
    notes, pull = [], found.pull
    if len(pull.losses) > 1:
        notes += [
            f"loss '{name}' makes {share:.0%} of the shared weights' gradient: give the others more weight, or "
            "it less"
            for name, share in pull.losses.items()
            if share > ALONE
        ]
    notes += [
        f"loss '{name}' does not move the shared weights" for name, share in pull.losses.items() if not share
    ]
    notes += [
        f"losses '{a}' and '{b}' pull the shared weights against each other (cosine {value:.2f})"
        for a, b, value in pull.cosines
        if value < AGAINST
    ]
    return notes
