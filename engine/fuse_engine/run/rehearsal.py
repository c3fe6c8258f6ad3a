"""A few real steps of an experiment, timed and measured; nothing is written."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.random import torch_seed
from fuse_engine.models.base import Activation
from fuse_engine.models.shapes import write_head
from fuse_engine.run import memory
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.compute import Compute
from fuse_engine.run.device import Choice
from fuse_engine.run.evaluation import TOTAL, loss_shares
from fuse_engine.run.freezing import freeze
from fuse_engine.run.loading import Bad, Items, Loaded, Loader, TrainingBatches, plain_batches
from fuse_engine.run.optimizers import Optimizer
from fuse_engine.run.pull import Pull, pull

STEPS = 4
"""Steps that are timed after the first one, where there is time for them."""
SECONDS = 8.0
"""Time for the steps of a pass; the first two are always taken."""

Say = Callable[[float, str], None]


@dataclass(frozen=True)
class Pace:
    """Seconds of a step."""

    waiting: float
    """For its samples."""
    computing: float

    @property
    def whole(self) -> float:
        """Seconds from step to step."""
        return self.waiting + self.computing


@dataclass
class Measured:
    """What a rehearsal showed."""

    first_epoch: Pace
    """Samples are processed and kept."""
    later: Pace
    """Samples come from the cache."""
    validation: float
    """Seconds of a batch of the validation, 0 without one."""
    peak: int
    losses: dict[str, float]
    chance: dict[str, float | None] = field(default_factory=dict)
    pull: Pull = field(default_factory=Pull)
    bad: list[Bad] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rehearse(assembly: Assembly, choice: Choice, say: Say) -> Measured:
    """Take the first steps of an experiment twice, as its first and as a later epoch takes them.

    Raises:
        FuseError: when no sample can be used.
        RuntimeError: when there is not enough memory, as torch says it.
    """
    say(0.3, "building the model")
    compute = _begun(assembly, choice)
    device = compute.fabric.device
    memory.begin(device)
    rehearsal = _Rehearsal(assembly, compute)
    say(0.4, "the first steps")
    first = rehearsal.steps()
    say(0.6, "the same steps again")
    later = rehearsal.steps()
    say(0.75, "a batch of the validation")
    validation = rehearsal.validate()
    peak = memory.peak(device)
    say(0.85, "the gradient of each loss")
    measured = Measured(first, later, validation, peak, rehearsal.losses, bad=rehearsal.bad)
    try:
        measured.chance, measured.pull = rehearsal.chance(), rehearsal.pull()
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
        # a step does not need all gradients at once
        measured.notes.append("the memory suffices for a step, but not to tell the gradient of each loss apart")
    return measured


def _begun(assembly: Assembly, choice: Choice) -> Compute:
    """Return the model and its optimizer as the first step of a run finds them."""
    module = assembly.build(assembly.first(assembly.folds.train))
    optimizer = assembly.parts.at(Optimizer, "training", "optimizer").build(module.parameters())
    module.train()
    freeze(module, assembly.experiment.training.stages[0].freeze)
    return Compute(choice, module, optimizer)


class _Rehearsal:
    def __init__(self, assembly: Assembly, compute: Compute) -> None:
        self._assembly, self._compute = assembly, compute
        self._timetable = assembly.timetable()
        self._items = Items(assembly.dataset, assembly.augmenter(), assembly.patches())
        self._first: Loaded | None = None
        self.losses: dict[str, float] = {}
        self.bad: list[Bad] = []

    def steps(self) -> Pace:
        """Take the first steps of the first epoch and return their pace, without that of the very first one."""
        batch = self._assembly.experiment.data.batch
        # what waits in the loaders is not what loading takes
        count = min(1 + STEPS + 3 * batch.workers, self._timetable.steps)
        batches = TrainingBatches(self._timetable, 0, count)
        paces: list[Pace] = []
        with closing(iter(Loader(self._items, batches, batch.workers, batch.size))) as loading:
            begin = end = time.perf_counter()
            for number, loaded in enumerate(loading):
                loaded_at = time.perf_counter()
                self._step(number, loaded)
                self._finish()
                paces.append(Pace(loaded_at - end, time.perf_counter() - loaded_at))
                end = time.perf_counter()
                if number and end - begin > SECONDS:
                    break
        timed = (paces[1:] or paces)[-STEPS:]
        count = len(timed)
        return Pace(sum(pace.waiting for pace in timed) / count, sum(pace.computing for pace in timed) / count)

    def _step(self, number: int, loaded: Loaded) -> None:
        self.bad += [bad for bad in loaded.bad if bad.id not in {other.id for other in self.bad}]
        for bad in loaded.bad:
            if memory.says_out_of_memory(bad.message):
                raise MemoryError(bad.message)
        if loaded.data is None:
            if self._first is None and len(self.bad) >= len(self._assembly.folds.train):
                raise SampleError(*(bad.message for bad in self.bad[:3]))
            return
        compute = self._compute
        torch.manual_seed(torch_seed(self._assembly.experiment.seed, "step", number))
        compute.optimizer.zero_grad()
        shares = loss_shares(self._assembly.losses, compute(loaded.data), loaded.ids, number)
        if self._first is None:
            self._first = loaded
            self.losses = {name: float(share.detach()) for name, share in shares.items()}
        if math.isfinite(float(shares[TOTAL].detach())):
            compute.fabric.backward(shares[TOTAL])
            compute.clip(self._assembly.experiment.training.gradient_clip)
            compute.optimizer.step()

    def _finish(self) -> None:
        if self._compute.fabric.device.type == "cuda":
            torch.cuda.synchronize()

    def validate(self) -> float:
        """Predict and measure one batch of the validation; return its seconds."""
        assembly, size = self._assembly, self._assembly.whole_batch
        ids = assembly.validation(0)[:size]
        if not ids:
            return 0.0
        start = time.perf_counter()
        module = self._compute.module
        module.eval()
        with torch.no_grad():
            for loaded in Loader(Items(assembly.dataset), plain_batches(ids, size), 0, size):
                if loaded.data is not None:
                    batch = assembly.predicting(self._compute)(loaded.data)
                    loss_shares(assembly.losses, batch, loaded.ids)
                    for metric in assembly.metrics.values():
                        metric.rows(batch)
        self._finish()
        return time.perf_counter() - start

    def pull(self) -> Pull:
        """Return what each loss does to the shared weights."""
        predicted, loaded = self._again()
        shares = loss_shares(self._assembly.losses, predicted, loaded.ids, 0)
        return pull(self._compute.module, predicted, {name: shares[name] for name in self._assembly.losses})

    def chance(self) -> dict[str, float | None]:
        """Return each loss of the first batch for heads that say nothing: all logits 0."""
        answers = self._compute.module.answers
        with torch.no_grad():
            predicted, loaded = self._again()
            blank = predicted.copy()
            for name, activation in answers.items():
                write_head(blank, name, torch.zeros_like(predicted[f"model.logits.{name}"]), activation)
            shares = loss_shares(self._assembly.losses, blank, loaded.ids, 0)
        told = {name: self._asks(name) for name in self._assembly.losses}
        return {
            name: float(shares[name]) if heads and _guesses(heads, answers)
            else None
            for name, heads in told.items()
        }  # fmt: skip

    def _asks(self, loss: str) -> list[str]:
        """Return the heads whose answer a loss reads."""
        keys = self._assembly.losses[loss].reads()
        return [key.split(".", 2)[2] for key in keys if key.startswith(("model.logits.", "model.output."))]

    def _again(self) -> tuple[NestedDict, Loaded]:
        if self._first is None or self._first.data is None:
            raise SampleError("no training sample can be used", *(bad.message for bad in self.bad[:3]))
        self._compute.module.train()
        return self._compute.unguarded(self._first.data), self._first


def _guesses(heads: list[str], answers: dict[str, Activation]) -> bool:
    """Say whether logits of 0 are a guess: for values they are an answer like any other."""
    return all(answers.get(head) in ("softmax", "sigmoid") for head in heads)
