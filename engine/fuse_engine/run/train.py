"""The work of a run, from its folder alone: train, predict, analyze."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from fuse_engine.core.errors import FuseError, RunError
from fuse_engine.core.files import sweep_partial, write_json
from fuse_engine.data.split import write_split
from fuse_engine.run.analyze import analyze
from fuse_engine.run.assembly import Assembly, Part
from fuse_engine.run.average import Average
from fuse_engine.run.check import check
from fuse_engine.run.checkpoint import load_newest
from fuse_engine.run.compute import Compute
from fuse_engine.run.control import Control, Ended
from fuse_engine.run.device import Choice, choose, describe, differences
from fuse_engine.run.events import EventLog
from fuse_engine.run.executors import thread_count
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.gate import refuse_unhealthy
from fuse_engine.run.infer import infer_with
from fuse_engine.run.lock import Lock
from fuse_engine.run.loop import Learner, Loop
from fuse_engine.run.member_steps import step_remarks
from fuse_engine.run.optimizers import Optimizer
from fuse_engine.run.progress import Progress
from fuse_engine.run.records import Records
from fuse_engine.run.remarks import remarks
from fuse_engine.run.reporter import Reporter, tell
from fuse_engine.run.status import Status, StatusFile, written_status

ENDINGS = {"stop": ("stopped", "stopped after a batch"), "cancel": ("cancelled", "cancelled")}


def work(folder: RunFolder) -> Status:
    """Carry out or continue the run in `folder`; return its last status. Failures are told, not raised.

    Raises:
        RunError: when this is no run folder, or another process holds it.
    """
    folder.check()
    control = Control(folder.path / "control")
    with Lock(folder.path) as lock, control.signals():
        if not _finished_meanwhile(folder.path / "status.json"):
            with (
                closing(EventLog(folder.path / "events.jsonl")) as log,
                StatusFile(folder.path / "status.json") as status,
            ):
                reporter = Reporter(folder, log, status, control, lock)
                reporter.state("starting")
                for part in (folder.path, folder.checkpoints, folder.predictions, folder.analysis):
                    sweep_partial(part)
                reporter.state(*_ending(reporter))
    return folder.status()


def _finished_meanwhile(path: Path) -> bool:
    """Say whether another process finished the run while this one waited for it, and keep that the last word."""
    status = written_status(path)
    if status is None or status.state != "finished":
        return False
    write_json(path, {**asdict(status), "updated": time.time()})
    return True


def _ending(reporter: Reporter) -> tuple[str, str]:
    try:
        return "finished", _carry_out(reporter)
    except Ended as ended:
        return ENDINGS[ended.request]
    except FuseError as error:
        tell(str(error))
        return "failed", str(error)
    except Exception as error:  # noqa: BLE001 the boundary of the process: told in the folder, the trace is in log.txt
        tell(traceback.format_exc())
        return "failed", f"{type(error).__name__}: {error}"


def _carry_out(reporter: Reporter) -> str:
    experiment = reporter.folder.experiment()
    run = experiment.run
    with _alone(thread_count(run.threads)):
        saved = reporter.folder.split
        if problems := check(experiment, samples=False, saved=saved):
            raise RunError(*problems)
        assembly = Assembly.of(experiment, saved)
        for remark in (*remarks(experiment, assembly.folds), *step_remarks(assembly)):
            reporter.warn(str(remark), remark.sample)
        choice = choose(run)
        reporter.control.leave_if_cancelled()
        if run.train and experiment.data.checks.gate:
            reporter.state("starting", "the doctor looks at the samples")
            refuse_unhealthy(assembly, lambda share: reporter.control.leave_if_cancelled())
        continued = _tell_environment(reporter, assembly, choice)
        ended = _train(reporter, assembly, choice, continued) if run.train else _keep_ready(reporter, assembly)
        if run.infer:
            part: Part = "test" if assembly.folds.test else "validation"
            reporter.state("running", f"predicting the {part} samples")
            infer_with(reporter, assembly, choice, "best", part)
            analyze(reporter.folder, part)
        return ended


@contextmanager
def _alone(threads: int) -> Iterator[None]:
    """Set threads, and keep the run's random numbers from the rest of this process, in case it is a notebook."""
    before, python, array = torch.get_num_threads(), random.getstate(), np.random.get_state()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            yield
    finally:
        torch.set_num_threads(before)
        random.setstate(python)
        np.random.set_state(array)


def _tell_environment(reporter: Reporter, assembly: Assembly, choice: Choice) -> bool:
    """Record what the result depends on; say whether the run was begun before."""
    folder = reporter.folder
    before = folder.environment()
    now = {
        **describe(choice, torch.get_num_threads()),
        "samples": assembly.digest(),
        "seed": assembly.experiment.seed,
        "folder": str(folder.submission()["folder"]),
    }
    if changed := differences(before, now):
        reporter.warn(f"continued, but not bit for bit: {', '.join(changed)}")
    write_json(folder.path / "environment.json", now)
    assembly.parts.resolved().save(folder.path / "experiment.yaml")
    if not folder.split.exists():
        write_split(folder.split, assembly.folds)
    reporter.log.write("environment", device=choice.device, precision=choice.precision, why=choice.why,
                       threads=now["threads"])  # fmt: skip
    return bool(before)


def _train(reporter: Reporter, assembly: Assembly, choice: Choice, continued: bool) -> str:
    saved = load_newest(reporter.folder, "last", reporter.warn)
    learner = _learner(assembly, choice, restored=saved is not None)
    if saved is not None:
        learner.load(saved)
        progress = learner.progress
        reporter.log.write("resume", step=progress.step, epoch=progress.closed)
    elif continued:
        reporter.log.write("resume", step=0, epoch=0)
    reporter.state("running")
    with Records(reporter.folder, learner.progress.step, learner.progress.closed) as records:
        return Loop(assembly, learner, reporter, records).fit()


def _keep_ready(reporter: Reporter, assembly: Assembly) -> str:
    """Keep a model that has nothing to learn, such as an ensemble, as the best there is."""
    module = assembly.build(assembly.first(assembly.cohort.ids))
    ready = not any(weight.requires_grad for weight in module.parameters())
    if ready and not reporter.folder.every_checkpoint():
        reporter.save("best0", 0, {"model": module.state_dict()})
    return ""


def _learner(assembly: Assembly, choice: Choice, restored: bool) -> Learner:
    training = assembly.experiment.training
    module = assembly.build(assembly.first(assembly.folds.train), restored)
    optimizer = assembly.parts.at(Optimizer, "training", "optimizer").build(module.parameters())
    compute = Compute(choice, module, optimizer)
    average = Average(compute.module, training.average) if training.average else None
    return Learner(compute, average, Progress())
