"""A small cohort of pictures to try things on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.random import stream

_TINY = """
name: tiny
seed: 1
data:
  source:
    Table: {path: cohort.csv, group: patient}
  input:
    image:
      - LoadImage: {column: image}
      - IntensityWindow: {window: [0, 255], to: [0, 1]}
    clinical:
      - Columns: {names: [age], normalize: true}
  gt:
    classification:
      - Label: {column: finding, classes: [normal, positive]}
    segmentation:
      - LoadImage: {column: mask, label: true}
  split: {folds: 4, stratify: finding, test: [0]}
  cache: {Off: {}}
  batch: {size: 4, balance: {key: data.gt.classification}}
augmentation:
  - Flip: {keys: [data.input.image, data.gt.segmentation], p: 0.5}
  - GaussianNoise: {keys: [data.input.image], p: 0.5}
model:
  MultiHead:
    inputs: [data.input.image]
    backbone: {ResNet: {depth: 10, stem: small}}
    heads:
      classifier: {GlobalPoolingClassifier: {classes: 2, tabular: [data.input.clinical]}}
      segmentation: {DenseSegmentation: {classes: 2}}
losses:
  cls: {CrossEntropy: {pred: model.logits.classifier, target: data.gt.classification}}
  seg: {SegmentationCrossEntropy: {pred: model.logits.segmentation, target: data.gt.segmentation}}
metrics:
  auc: {AUC: {pred: model.output.classifier, target: data.gt.classification}}
  iou: {IoU: {pred: model.output.segmentation, target: data.gt.segmentation}}
training:
  optimizer: {Adam: {lr: 1e-3}}
  stages: [{epochs: 2}]
  best: [{source: validation.losses.total_loss, optimization: min}]
run: {device: cpu, precision: 32-true, threads: 1, executor: {Inline: {}}}
"""


def tiny_experiment(folder: Path, samples: int = 16, size: int = 32) -> Experiment:
    """Write a small cohort of `size` x `size` PNG images with masks, and `tiny.yaml`; return its experiment.

    Samples with the finding show a bright disc that is also their mask; every patient has two samples.
    """
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:size, :size]
    rows = []
    for number in range(samples):
        rng = stream("tiny", number)
        positive = number % 4 > 1
        centre = rng.uniform(0.3, 0.7, 2) * size
        disc = ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 < (size / 6) ** 2) & positive
        pixels = np.clip(rng.normal(70, 12, (size, size)) + 110 * disc, 0, 255).astype(np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(folder / f"image{number:02d}.png"))
        sitk.WriteImage(sitk.GetImageFromArray(disc.astype(np.uint8)), str(folder / f"mask{number:02d}.png"))
        rows.append(
            {
                "id": f"s{number:02d}", "patient": f"p{number // 2:02d}", "image": f"image{number:02d}.png",
                "mask": f"mask{number:02d}.png", "finding": "positive" if positive else "normal",
                "age": f"{rng.normal(60 if positive else 50, 5):.0f}",
            }
        )  # fmt: skip
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "tiny.yaml").write_text(_TINY.lstrip(), encoding="utf-8")
    return Experiment.load(folder / "tiny.yaml")
