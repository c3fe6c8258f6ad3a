"""Small cohorts on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Cohort, Image, Row


@pytest.fixture
def row(tmp_path: Path) -> Callable[..., Row]:
    """Return a function that makes a row of the given cells."""

    def make(**cells: str) -> Row:
        return Row("s1", "s1", None, cells, tmp_path)

    return make


@pytest.fixture
def volume() -> Image:
    """Return a volume (1, 6, 8, 10) with a grid that is turned, shifted and not cubic."""
    turn = np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]], float)
    geometry = Geometry((10, 8, 6), (0.5, 0.75, 2.0), (10.0, -20.0, 5.0), tuple(turn.ravel().tolist()))
    array = np.random.default_rng(0).normal(100, 20, (1, 6, 8, 10)).astype(np.float32)
    return Image(array, geometry)


def frame(count: int = 6, **columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"s{n}" for n in range(count)], **columns})


@pytest.fixture
def make_cohort() -> Callable[..., Cohort]:
    """Return a function that makes a cohort s0, s1, ... of given columns."""

    def make(count: int = 6, group: str | None = None, fold: str | None = None, **columns: list[Any]) -> Cohort:
        return Cohort.from_frame(frame(count, **columns), group=group, fold=fold)

    return make


@pytest.fixture
def study(tmp_path: Path) -> Experiment:
    """Write six PNG images with masks and a table; return their experiment."""
    rng = np.random.default_rng(0)
    lines = ["id,patient,image,mask,finding,age"]
    for n in range(6):
        pixels = rng.integers(0, 255, (20, 24), np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / f"i{n}.png"))
        sitk.WriteImage(sitk.GetImageFromArray((pixels > 128).astype(np.uint8) * 255), str(tmp_path / f"m{n}.png"))
        lines.append(f"s{n},p{n // 2},i{n}.png,m{n}.png,{'positive' if n % 2 else 'normal'},{50 + n}")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = f"""
data:
  source: {{Table: {{path: cohort.csv, group: patient}}}}
  input:
    image: [LoadImage, {{IntensityWindow: {{window: [0, 255]}}}}, {{Resize: {{size: [16, 16]}}}}]
    clinical: [{{Columns: {{names: [age], normalize: true}}}}]
  gt:
    classification: [{{Label: {{column: finding, classes: [normal, positive]}}}}]
    segmentation: [{{LoadImage: {{column: mask, label: true, values: [0, 255]}}}}, {{Resize: {{size: [16, 16]}}}}]
  split: {{folds: 3}}
  cache: {{Disk: {{folder: {tmp_path / "kept"}}}}}
model: None
"""
    return Experiment.from_text(text, tmp_path)
