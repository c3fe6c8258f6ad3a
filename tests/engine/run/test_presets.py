"""The examples of the seeds, with smaller images, train and are measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.document import Place
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.random import stream
from fuse_engine.run.process import start
from fuse_mammography.phantom import write_cohort
from tests.engine.run.story import batches, changed

SMALLER: dict[Place, Any] = {
    ("data", "batch"): {"size": 2},
    ("training", "stages"): [{"epochs": 1}],
    ("run",): {"device": "cpu", "threads": 1, "precision": "32-true", "executor": {"Inline": {}}},
}


def preset(name: str, folder: Path, changes: dict[Place, Any]) -> Experiment:
    Experiment.from_preset(name).save(folder / "experiment.yaml")
    return changed(Experiment.load(folder / "experiment.yaml"), {**SMALLER, **changes})


def pictures(folder: Path) -> None:
    """Write five photographs with a mask and eight labels each."""
    labels = "opacity,nodule,effusion,fracture,tube,wire,clip,pacemaker"
    lines = [f"id,image,mask,{labels}"]
    for number in range(5):
        rng = stream("pictures", number)
        disc = np.hypot(*(np.mgrid[:40, :40] - rng.uniform(12, 28, (2, 1, 1)))) < 9
        pixels = np.clip(rng.normal(80, 10, (40, 40)) + 100 * disc, 0, 255).astype(np.uint8)
        for kind, array in (("image", pixels), ("mask", disc.astype(np.uint8))):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{kind}{number}.png"))
        marks = ",".join(str(int(mark)) for mark in rng.random(8) < 0.5)
        lines.append(f"s{number},image{number}.png,mask{number}.png,{marks}")
    (folder / "images.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def trained(experiment: Experiment) -> dict[str, float]:
    """Train and return the losses of the first step."""
    folder = start(experiment)
    status = folder.status()
    assert status.state == "finished", status.message
    return batches(folder)[0]


def test_the_mammography_example_trains_a_step(tmp_path: Path) -> None:
    """Seed 000: Inception-ResNet V2, a class with age and BMI beside the features, outlines as a second task."""
    write_cohort(tmp_path, patients=5, size=(96, 72))
    experiment = Experiment.from_preset("mammography")
    assert "InceptionResNetV2" in experiment.model.args["backbone"]
    image = [*experiment.to_data()["data"]["input"]["image"][:-1], {"Resize": {"size": [80, 80]}}]
    mask = [*experiment.to_data()["data"]["gt"]["segmentation"][:-1], {"Resize": {"size": [80, 80]}}]
    changes: dict[Place, Any] = {
        ("data", "input", "image"): image,
        ("data", "gt", "segmentation"): mask,
        ("data", "split"): {"folds": 2, "test": []},
    }
    first = trained(preset("mammography", tmp_path, changes))
    assert first["total_loss"] == pytest.approx(first["cls"] + first["seg"])


@pytest.mark.parametrize("name", ["multi_output", "composite_loss"])
def test_an_example_of_seed_003_trains_a_step(name: str, tmp_path: Path) -> None:
    pictures(tmp_path)
    assert np.isfinite(list(trained(preset(name, tmp_path, {})).values())).all()
