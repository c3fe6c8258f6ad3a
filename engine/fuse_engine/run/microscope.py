"""One batch of a run, looked at closely: its samples as they were trained on, and the loss of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.checkpoints import CHECKPOINT
from fuse_engine.core.errors import FuseError, RunError
from fuse_engine.data.collate import collate
from fuse_engine.losses.base import Loss
from fuse_engine.models.checkpoint import load
from fuse_engine.run.compute import Compute
from fuse_engine.run.device import choose
from fuse_engine.run.evaluation import TOTAL
from fuse_engine.run.events import Event
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.replay import Replay
from fuse_engine.run.sample_losses import Each, sample_losses


@dataclass(frozen=True)
class Seen:
    """One sample of a batch."""

    id: str
    sample: NestedDict | None
    """As it was trained on; None where it cannot be read any more."""
    losses: dict[str, float | None]
    """Weighted losses by name, as if the sample were a batch of its own; empty where they are not known."""

    @property
    def loss(self) -> float | None:
        """Their sum."""
        return self.losses.get(TOTAL)


@dataclass(frozen=True)
class Batch:
    """The samples that one step trained on."""

    step: int
    epoch: int
    samples: tuple[Seen, ...]
    note: str
    """Where the losses come from, where not from training; and what cannot be shown."""


def look(folder: RunFolder, step: int, replay: Replay) -> Batch:
    """Return the batch of a step that a run has taken, counted from 0.

    Raises:
        RunError: when the run has not taken this step.
        FuseError: when the run's experiment cannot be used any more.
    """
    event = _event(folder, step)
    epoch, names = int(event["epoch"]), [str(name) for name in event["ids"]]
    samples = replay.batch(epoch, names)
    lost = [name for name, sample in zip(names, samples, strict=True) if sample is None]
    notes = [f"cannot be read any more: {', '.join(lost)}"] if lost else []
    each, note = _recorded(event, len(names)), ""
    if each is None:
        each, note = (None, "") if lost else _computed(folder, step, replay, samples)
    found = [
        Seen(name, sample, {} if each is None else {loss: values[index] for loss, values in each.items()})
        for index, (name, sample) in enumerate(zip(names, samples, strict=True))
    ]
    return Batch(step, epoch, tuple(found), "; ".join(filter(None, [*notes, note])))


def _event(folder: RunFolder, step: int) -> Event:
    taken = {event["step"]: event for event in folder.events()[0] if _tells_ids(event)}
    if step not in taken:
        raise RunError(
            f"run {folder.name} has not taken step {step}",
            expected=f"{min(taken)} to {max(taken)}" if taken else "a run that has begun to train",
        )  # fmt: skip
    return taken[step]


def _tells_ids(event: Event) -> bool:
    ids = event.get("ids")
    return event["kind"] == "batch" and isinstance(ids, list) and bool(ids) and isinstance(event.get("epoch"), int)


def _recorded(event: Event, count: int) -> Each | None:
    """Return the losses that training recorded of each sample."""
    each = event.get("each")
    sound = isinstance(each, dict) and all(_are_losses(values, count) for values in each.values())
    return each if sound else None


def _are_losses(values: Any, count: int) -> bool:
    numbers = values if isinstance(values, list) else []
    return len(numbers) == count and all(value is None or isinstance(value, int | float) for value in numbers)


def _computed(
    folder: RunFolder, step: int, replay: Replay, samples: Sequence[NestedDict | None]
) -> tuple[Each | None, str]:
    """Return the losses of each sample by the weights that were saved nearest to a step, and a note of that."""
    module = replay.assembly.build(replay.assembly.first(replay.assembly.folds.train), restored=True)
    path = _load_nearest(folder, step, module)
    if path is None:
        return None, "no losses of single samples: none were recorded, and there is no checkpoint"
    module.eval()
    compute = Compute(choose(replay.assembly.experiment.run), module)
    with torch.no_grad():
        predicted = compute(collate([sample for sample in samples if sample is not None]))
    losses: dict[str, Loss] = replay.assembly.losses
    try:
        each = sample_losses(losses, predicted, len(samples))
    except FuseError as error:
        return None, f"no losses of single samples: {error}"
    return each, (
        f"these are not the losses of training: computed with the weights after {_step_of(path)} steps "
        f"({path.name}), without dropout and with the running statistics"
    )


def _load_nearest(folder: RunFolder, step: int, module: torch.nn.Module) -> Path | None:
    """Load the weights of the sound checkpoint that is nearest to a step."""
    for path in sorted(folder.every_checkpoint(), key=lambda path: abs(_step_of(path) - step)):
        try:
            module.load_state_dict(load(path)["model"])
        except RunError:
            continue
        return path
    return None


def _step_of(path: Path) -> int:
    """Return how many steps the weights of a checkpoint have learned."""
    match = CHECKPOINT.fullmatch(path.name)
    return int(match["step"]) if match else 0
