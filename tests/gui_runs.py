"""Run folders as a run leaves them, without the run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import write_json
from fuse_engine.run.events import EventLog
from fuse_engine.run.folder import RunFolder, runs_root
from fuse_engine.run.status import machine

TEXT = """
name: toy
data:
  source: {Table: {path: cohort.csv, id: sample}}
  input: {image: [{LoadImage: {column: image}}]}
  gt: {finding: [{Label: {column: finding, classes: [normal, positive]}}]}
model: {Wrap: {}}
losses: {cls: {CrossEntropy: {pred: model.logits.cls, target: data.gt.finding}}}
metrics: {auc: {AUC: {pred: model.output.cls, target: data.gt.finding}}}
training:
  stages: [{epochs: 3}]
  best: [{source: validation.metrics.auc.macro_avg, optimization: max}]
"""


def toy(folder: Path) -> Path:
    path = folder / "toy.yaml"
    path.write_text(TEXT)
    (folder / "cohort.csv").write_text("sample,image\n")
    return path


def made_run(
    folder: Path, state: str = "finished", message: str = "", epochs: int = 2, steps: int = 10
) -> RunFolder:
    """A run of the toy experiment in `folder`: `epochs` epochs of `steps` batches, the last one the best."""
    experiment = Experiment.load(folder / "toy.yaml")
    run = RunFolder.create(runs_root(experiment), experiment)
    log = EventLog(run.path / "events.jsonl")
    rows = []
    for epoch in range(epochs):
        for step in range(epoch * steps, (epoch + 1) * steps):
            batch(log, epoch, step, 3 * steps)
        auc = 0.5 + 0.1 * epoch
        values = {"losses": {"total_loss": 1.0 - 0.1 * epoch}, "metrics": {"auc": {"macro_avg": auc, "1": auc}}}
        log.write("epoch", epoch=epoch, step=(epoch + 1) * steps, train=values, validation=values, best=True)
        rows.append({"epoch": epoch, "validation.metrics.auc.macro_avg": auc})
    log.close()
    if rows:
        pd.DataFrame(rows).to_csv(run.path / "metrics.csv", index=False)
    run.log.write_text("device: cpu\n")
    write_status(run, state, message, epoch=epochs - 1, epochs=3, step=epochs * steps, steps=3 * steps)
    return run


def batch(log: EventLog, epoch: int, step: int, steps: int) -> None:
    losses = {"cls": 1.0 / (step + 1), "total_loss": 1.0 / (step + 1)}
    log.write(
        "batch", stage=0, epoch=epoch, step=step, steps=steps, losses=losses, lr=1e-3, ids=["s1"], seconds=0.1
    )


def write_status(run: RunFolder, state: str, message: str = "", **progress: Any) -> None:
    own = psutil.Process(os.getpid())
    facts = {"pid": own.pid, "created": own.create_time(), "machine": machine(), "updated": time.time() + 1}
    write_json(run.path / "status.json", {"state": state, "message": message, **progress, **facts})


def analyzed(run: RunFolder) -> tuple[np.ndarray, np.ndarray]:
    """Write results for eight samples; return truth and probability of the second class."""
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    prob = np.array([0.1, 0.2, 0.6, 0.4, 0.9, 0.4, 0.7, 0.3])
    ids = [f"s{number}" for number in range(8)]
    given = np.where(truth == 1, prob, 1 - prob)
    pd.DataFrame({"id": ids, "auc": given}).to_csv(run.analysis / "samples.csv", index=False)
    metrics = {"auc": {"1": 0.8125, "macro_avg": None}}
    write_json(run.analysis / "metrics.json", {"part": "test", "samples": 8, "metrics": metrics})
    outputs = {"model.output.cls.0": 1 - prob, "model.output.cls.1": prob, "data.gt.finding": truth}
    pd.DataFrame({"id": ids, **outputs}).to_parquet(run.predictions / "test.parquet")
    return truth, prob


def wait_for(
    condition: Callable[[], object], seconds: float = 10.0, work: Callable[[], object] = lambda: None
) -> None:
    """Wait until `condition`; `work` is done in between, e.g. the events of a window."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        work()
        time.sleep(0.01)
