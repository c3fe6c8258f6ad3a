"""File > Open Sample: computed mammograms to try things on; no patient stands behind them."""

from __future__ import annotations

import csv
from pathlib import Path

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import cache_dir
from fuse_gui.viewer.phantom import PRESET, write_phantom
from fuse_gui.viewer.reader import LayerData, layer_of, window_engine
from fuse_gui.viewer.waiting import ask

PATIENTS = 10
"""Enough for the folds of the preset."""


def mammogram() -> list[LayerData]:
    """Return a mammogram without findings."""
    return _case("normal")


def mammogram_with_lesion() -> list[LayerData]:
    """Return a mammogram and the outline of its lesion as a label map."""
    return _case("positive")


def _case(finding: str) -> list[LayerData]:
    folder = cache_dir() / "phantom"
    table = folder / "cohort.csv"
    if not table.exists():
        write_phantom(folder, PATIENTS)
    name = _first(table, finding)
    experiment = Experiment.from_preset(PRESET, folder=folder)
    with window_engine() as engine:
        sample = ask(engine, "sample", experiment=experiment.to_yaml(), folder=str(folder), id=name)
    layers = [layer_of(name, sample["image"])]
    if finding != "normal" and sample["gt"] is not None:
        layers.append(layer_of(f"{name} lesion", sample["gt"]))
    return layers


def _first(table: Path, finding: str) -> str:
    with table.open(newline="", encoding="utf-8") as file:
        return next(row["sample"] for row in csv.DictReader(file) if row["biopsy"] == finding)
