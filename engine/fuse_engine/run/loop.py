"""The training loop.

A step depends on the weights, the optimizer and its own number, and on nothing else: its batch, the augmentation
of its samples and its dropout are keyed by (seed, epoch or step, sample). So a run that is continued from any
checkpoint gives, on the same machine and versions, the same bits as one that was never interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import RunError
from fuse_engine.core.random import torch_seed
from fuse_engine.models.checkpoint import State
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.average import Average
from fuse_engine.run.callbacks import BatchReport, Callback, EpochReport
from fuse_engine.run.compute import Compute, finite, put_back, snapshot
from fuse_engine.run.control import Ended
from fuse_engine.run.evaluation import TOTAL, Sums, counts, evaluate, flat, loss_shares
from fuse_engine.run.freezing import freeze
from fuse_engine.run.loading import BadSamples, Items, Loaded, Loader, TrainingBatches, plain_batches
from fuse_engine.run.optimizers import Optimizer
from fuse_engine.run.progress import Progress, is_better, stage_of
from fuse_engine.run.records import Records
from fuse_engine.run.reporter import Reporter
from fuse_engine.run.sample_losses import Each, Ledger
from fuse_engine.run.schedules import Schedule

FORMAT = 1
"""Version of what a checkpoint holds."""
SKIPPED = {TOTAL: math.nan}
"""The losses of a step that was not taken."""
SKIPS = 3
"""Steps in a row without a finite loss that end a run as failed (rule R6)."""


@dataclass
class Learner:
    """What is changed by training."""

    compute: Compute
    average: Average | None
    progress: Progress

    def state(self) -> State:
        """Return everything that a continuation needs."""
        return {
            "format": FORMAT,
            "model": self.compute.module.state_dict(),
            "optimizer": self.compute.optimizer.state_dict(),
            "average": self.average.state if self.average else None,
            "scaler": self.compute.scaler_state(),
            **self.progress.to_state(),
        }

    def load(self, state: State) -> None:
        """Go on from a checkpoint."""
        self.compute.module.load_state_dict(state["model"])
        self.compute.optimizer.load_state_dict(state["optimizer"])
        self.compute.load_scaler(state["scaler"])
        if self.average and state["average"]:
            self.average.load(state["average"])
        self.progress = Progress.from_state(state)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights that are validated."""
        return self.average.state if self.average else self.compute.module.state_dict()


class Loop:
    """Trains from where the learner stands to the end, or until it is asked to end."""

    def __init__(self, assembly: Assembly, learner: Learner, reporter: Reporter, records: Records) -> None:
        """Take what is trained and who is told."""
        self._assembly, self._learner, self._reporter, self._records = assembly, learner, reporter, records
        self._training = assembly.experiment.training
        self._timetable = assembly.timetable()
        self._optimizer = assembly.parts.at(Optimizer, "training", "optimizer")
        self._schedule = assembly.parts.at(Schedule, "training", "schedule") if self._training.schedule else None
        found = assembly.parts.below(Callback, "training", "callbacks")
        self._callbacks = [found[name] for name in sorted(found, key=int)]
        self._epochs, self._steps = self._timetable.epochs, self._timetable.steps
        checks = assembly.experiment.data.checks
        self._bad = BadSamples(len(assembly.folds.train), reporter.bad, checks)
        self._bad_validation = BadSamples(len(assembly.folds.validation), reporter.bad, checks)
        self._ledger = Ledger(assembly.losses, self._steps)
        self._frozen_of = -1
        progress = learner.progress
        progress.memory = progress.memory or [{} for _ in self._callbacks]
        progress.best = progress.best or [math.nan for _ in self._training.best]

    def fit(self) -> str:
        """Train; return why it ended early, or an empty text.

        Raises:
            Ended: when its end was asked for; a checkpoint is written.
            RunError: when losses stay not finite; the last good checkpoint is kept.
            SampleError: when too many samples are bad.
        """
        progress = self._learner.progress
        try:
            if self._epoch_waits():
                self._close_epoch()
            if not progress.ended and progress.step < self._steps:
                self._run_epochs()
        except Ended:
            self._save_last()
            raise
        return progress.ended

    def _epoch_waits(self) -> bool:
        """Say whether the steps of an epoch are done, but not its validation."""
        progress, table = self._learner.progress, self._timetable
        begun = progress.step > table.start(progress.closed)
        return begun and (table.ends_at(progress.step) or bool(progress.ended))

    def _run_epochs(self) -> None:
        progress = self._learner.progress
        items = Items(self._assembly.dataset, self._assembly.augmenter(), self._assembly.patches())
        batch = self._assembly.experiment.data.batch
        batches = TrainingBatches(self._timetable, progress.step, self._steps)
        self._begin_stage()
        loader = Loader(items, batches, batch.workers, batch.size, self._reporter.in_loader)
        with closing(iter(loader)) as loading:
            started = time.perf_counter()
            for loaded in loading:
                self._one(loaded, started)
                del loaded  # the next batch is put together in its memory
                if progress.ended:
                    return
                if (request := self._reporter.control.wanted()) and progress.step < self._steps:
                    raise Ended(request)
                started = time.perf_counter()

    def _one(self, loaded: Loaded, started: float) -> None:
        """Take a step, and what is due after it: the end of the epoch, or a checkpoint."""
        progress = self._learner.progress
        ended = self._step(loaded, started)
        if ended or self._timetable.ends_at(progress.step):
            progress.ended = ended or ""
            self._close_epoch()
        elif progress.step % self._training.checkpoint_steps == 0 and not progress.skipped:
            self._save_last()

    def _begin_stage(self) -> None:
        """Freeze what the stage freezes; a frozen part keeps its running statistics as well as its weights."""
        module = self._learner.compute.module
        module.train()
        stage = self._training.stages[self._stage]
        if self._frozen_of != self._stage:
            module.requires_grad_(True)
            self._frozen_of = self._stage
        freeze(module, stage.freeze)

    @property
    def _epoch(self) -> int:
        return self._timetable.epoch_of(self._learner.progress.step)

    @property
    def _stage(self) -> int:
        return stage_of(self._training.stages, self._epoch)

    def _step(self, loaded: Loaded, started: float) -> str | None:
        progress, epoch, lr = self._learner.progress, self._epoch, self._set_lr()
        self._bad.note(loaded.bad)
        # what bad samples leave of a batch may be one sample, which cannot be normalised over the batch
        data = loaded.data if len(loaded.ids) > 1 or not loaded.bad else None
        losses, each = self._learn(data, loaded.ids) if data is not None else (SKIPPED, None)
        report = BatchReport(epoch, progress.step, losses, time.perf_counter() - started)
        self._ledger.stepped(report.seconds)
        self._reporter.batch(report, self._stage, self._epochs, self._steps, lr, loaded.ids, each)
        self._records.batch(progress.step, losses, lr)
        reasons = [
            callback.on_batch(report, memory)
            for callback, memory in zip(self._callbacks, progress.memory, strict=True)
        ]
        progress.step += 1
        return next((reason for reason in reasons if reason), None)

    def _set_lr(self) -> float:
        """Set after every restore and at every step, so that no saved learning rate survives (a stage's rules)."""
        lr = self._training.stages[self._stage].lr or self._optimizer.lr
        if self._schedule is not None:
            lr *= self._schedule.factor(self._learner.progress.step, self._steps)
        for group in self._learner.compute.optimizer.param_groups:
            group["lr"] = lr
        return lr

    def _learn(self, data: NestedDict, ids: Sequence[str]) -> tuple[dict[str, float], Each | None]:
        """Take one step; return its losses, their sum NaN when it had to be skipped, and those of each sample."""
        compute, progress = self._learner.compute, self._learner.progress
        torch.manual_seed(torch_seed(self._assembly.experiment.seed, "step", progress.step))
        statistics = snapshot(compute.module)
        compute.optimizer.zero_grad()
        predicted = compute(data)
        shares = loss_shares(self._assembly.losses, predicted, ids, progress.step)
        total = shares[TOTAL]
        good = finite(total)
        if good:
            compute.fabric.backward(total)
            norm = compute.clip(self._training.gradient_clip)
            good = compute.scaled or finite(norm)  # a scaled format skips such steps by itself and goes on smaller
        if not good:
            put_back(compute.module, statistics)
            self._skip(shares)
            return SKIPPED, None
        progress.skipped = 0
        compute.optimizer.step()
        if self._learner.average is not None:
            self._learner.average.update(progress.step)
        values = torch.stack([share.detach().float() for share in shares.values()]).tolist()
        losses = dict(zip(shares, values, strict=True))
        progress.sums.add(losses, counts(self._assembly.losses, predicted, len(ids)))
        return losses, self._ledger.of(progress.step, predicted, len(ids))

    def _skip(self, shares: dict[str, Tensor]) -> None:
        progress = self._learner.progress
        progress.skipped += 1
        guilty = [name for name, share in shares.items() if name != TOTAL and not finite(share)] or [
            "the gradient"
        ]
        text = f"step {progress.step}: {', '.join(guilty)} not finite"
        self._reporter.warn(f"{text}; the step is skipped")
        if progress.skipped >= SKIPS:
            raise RunError(
                f"{text}, {SKIPS} steps in a row; the last good checkpoint is kept",
                expected="a lower learning rate, gradient_clip, or precision 32-true",
            )

    def _close_epoch(self) -> None:
        """Validate, keep the best, tell, and save."""
        progress = self._learner.progress
        epoch = progress.closed
        train = {"losses": progress.sums.means(), "metrics": {}}
        report = {"train": train, "validation": self._validate()}
        values = flat(report)
        better = self._keep_best(values)
        self._reporter.with_room(lambda: self._records.epoch(epoch, progress.step, values))
        self._reporter.epoch(epoch, progress.step, report, bool(better and better[0]))
        closing = EpochReport(epoch, progress.step, values, bool(better and better[0]))
        for callback, memory in zip(self._callbacks, progress.memory, strict=True):
            progress.ended = progress.ended or callback.on_epoch(closing, memory) or ""
        progress.closed = epoch + 1
        progress.sums = Sums()
        if not progress.skipped:  # else these weights may be what spoils the losses; the checkpoint before is good
            self._save_last()
        self._begin_stage()

    def _validate(self) -> dict[str, dict[str, object]]:
        closing = stage_of(self._training.stages, self._learner.progress.closed)
        ids, batch = self._assembly.validation(closing), self._assembly.experiment.data.batch
        if not ids:
            return {"losses": {}, "metrics": {}}
        self._reporter.status.progress(message="validation")
        items = Items(self._assembly.dataset)
        whole = plain_batches(ids, self._assembly.whole_batch)
        loader = Loader(items, whole, batch.workers, batch.size, self._reporter.in_loader)
        average = self._learner.average
        with average.in_place() if average else nullcontext():
            found = evaluate(
                self._assembly.predicting(self._learner.compute), loader, self._assembly.losses,
                self._assembly.metrics, self._bad_validation,
                lambda loaded, predicted: self._reporter.control.leave_if_cancelled(),
            )  # fmt: skip
        self._reporter.status.progress(message="")
        return {"losses": dict(found.losses), "metrics": dict(found.metrics)}

    def _keep_best(self, values: dict[str, float]) -> list[bool]:
        progress, better = self._learner.progress, []
        for index, rule in enumerate(self._training.best):
            value = values.get(rule.source, math.nan)
            before = math.nan if progress.closed == int(rule.after * self._epochs) else progress.best[index]
            won = is_better(rule, value, before)
            better.append(won)
            if won:
                progress.best[index] = value
                state = {
                    "format": FORMAT,
                    "model": self._learner.weights(),
                    "epoch": progress.closed,
                    "source": rule.source,
                    "value": value,
                }
                self._reporter.save(f"best{index}", progress.step, state)
        return better

    def _save_last(self) -> None:
        self._reporter.save("last", self._learner.progress.step, self._learner.state())
