"""Cohorts in which something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image, write_image

EXPERIMENT = """
data:
  source: {Table: {path: cohort.csv, group: patient, fold: fold}}
  input:
    image: [{LoadImage: {column: image}}]
  gt:
    segmentation: [{LoadImage: {column: mask, label: true}}]
    classification: [{Label: {column: finding, classes: [normal, positive]}}]
  split: {test: ['1']}
model:
  MultiHead:
    inputs: [data.input.image]
    backbone: {ResNet: {depth: 10}}
    heads:
      segmentation: {DenseSegmentation: {classes: 2}}
losses:
  seg: {SegmentationCrossEntropy: {pred: model.logits.segmentation, target: data.gt.segmentation}}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "cache"))


def grid(size: tuple[int, ...] = (10, 9, 8), spacing: tuple[float, ...] = (1.0, 1.5, 2.0), **more) -> Geometry:
    eye = tuple(np.eye(len(size)).ravel().tolist())
    return Geometry(size, spacing, more.get("origin", (5.0, 6.0, 7.0)), more.get("direction", eye))


def picture(seed: int, geometry: Geometry | None = None) -> Image:
    geometry = geometry or grid()
    noise = np.random.default_rng(seed).normal(100, 20, (1, *geometry.shape))
    return Image(noise.astype(np.float32), geometry)


def mask(geometry: Geometry | None = None, value: int = 1) -> Image:
    geometry = geometry or grid()
    array = np.zeros((1, *geometry.shape), np.uint8)
    array[:, 2:5, 2:6, 3:7] = value
    return Image(array, geometry)


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Experiment]:
    """Return a function that writes samples s0, s1, ... that are good, and the given cells of others."""

    def write(good: int = 6, text: str = EXPERIMENT, **others: dict[str, str]) -> Experiment:
        rows = {}
        for n in range(good):
            write_image(tmp_path / f"i{n}.nii.gz", picture(n))
            write_image(tmp_path / f"m{n}.nii.gz", mask())
            rows[f"s{n}"] = {"image": f"i{n}.nii.gz", "mask": f"m{n}.nii.gz"}
        if good:
            others = {name: {**rows["s0"], **cells} for name, cells in others.items()}
        lines = ["id,patient,fold,image,mask,finding"]
        for place, (name, cells) in enumerate({**rows, **others}.items()):
            rest = {"patient": f"p{name}", "fold": str(place % 2), "finding": "normal", **cells}
            lines.append(",".join([name, *(rest[column] for column in lines[0].split(",")[1:])]))
        (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return Experiment.from_text(text, tmp_path)

    return write


def turned(degrees: float) -> tuple[float, ...]:
    transform = sitk.Euler3DTransform((0, 0, 0), 0, 0, np.deg2rad(degrees))
    return tuple(transform.GetMatrix())
