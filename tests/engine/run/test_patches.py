"""A network that is trained on patches and predicts whole volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.random import stream
from fuse_engine.data.patches import GridPatches
from fuse_engine.run import process
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.infer import Predictor, infer
from fuse_engine.run.loading import Items, Loader, plain_batches
from fuse_engine.run.tiling import Tiled

EXPERIMENT = """
name: patches
seed: 3
data:
  source: {Table: {path: cohort.csv}}
  input: {image: [LoadImage]}
  gt: {mask: [{LoadImage: {column: mask, label: true}}]}
  split: {folds: 3, test: [0]}
  patches: {RandomPatches: {size: [8, 12, 12], per_sample: 3, balance: data.gt.mask}}
  cache: {Memory: {}}
  batch: {size: 2}
augmentation: [{Flip: {keys: [data.input.image, data.gt.mask], p: 0.5}}]
model:
  Wrap:
    inputs: [data.input.image]
    network: {UNet: {channels: [4, 8], residual_units: 1}}
    classes: 2
    output: mask
losses: {seg: {SegmentationCrossEntropy: {pred: model.logits.mask, target: data.gt.mask}}}
metrics: {iou: {IoU: {pred: model.output.mask, target: data.gt.mask}}}
training: {optimizer: {Adam: {lr: 1e-2}}, stages: [{epochs: 1}]}
run: {device: cpu, precision: 32-true, threads: 1, executor: {Inline: {}}}
"""


@pytest.fixture
def volumes(tmp_path: Path) -> Experiment:
    """Write volumes of different sizes, each with a bright box that is its mask."""
    lines = ["id,image,mask"]
    for number in range(6):
        rng = stream("volumes", number)
        mask = np.zeros((10 + number % 3, 18, 20 + number), np.uint8)
        z, y, x = (int(rng.integers(0, n - 6)) for n in mask.shape)
        mask[z : z + 5, y : y + 6, x : x + 6] = 1
        image = (rng.normal(0, 0.2, mask.shape) + 2 * mask).astype(np.float32)
        for column, array in (("image", image), ("mask", mask)):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{column}{number}.nii"))
        lines.append(f"v{number},image{number}.nii,mask{number}.nii")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "patches.yaml").write_text(EXPERIMENT, encoding="utf-8")
    return Experiment.load(tmp_path / "patches.yaml")


def run_of(experiment: Experiment) -> RunFolder:
    folder = process.start(experiment)
    assert folder.status().state == "finished", folder.status().message
    return folder


def test_volumes_of_any_size_are_trained_on_and_predicted_whole(volumes: Experiment) -> None:
    folder = run_of(volumes)
    batches = [event for event in folder.events()[0] if event["kind"] == "batch"]
    names = {name for event in batches for name in event["ids"]}
    assert {name.split("#")[1] for name in names} == {"0", "1", "2"}
    assert {len(event["ids"]) for event in batches} <= {3, 6}
    path = infer(folder, part="test")
    masks = {mask.name: sitk.ReadImage(str(mask)) for mask in (path.parent).rglob("*.nii.gz")}
    assert masks
    assembly = Assembly.of(volumes)
    rows = assembly.cohort.rows(assembly.folds.test)
    sizes = [sitk.ReadImage(str(row.path("image"))).GetSize() for row in rows]
    assert sorted(mask.GetSize() for mask in masks.values()) == sorted(sizes)


def test_a_batch_of_grid_patches_is_no_larger_than_its_size(volumes: Experiment) -> None:
    grid = {"GridPatches": {"size": [4, 12, 12], "stride": [2, 6, 6]}}
    stages = [{"epochs": 3}]
    runs = [
        run_of(volumes.changed(("data", "patches"), grid).changed(("training", "stages"), stages)) for _ in "ab"
    ]
    ids, again = ([event["ids"] for event in run.events()[0] if event["kind"] == "batch"] for run in runs)
    assert ids == again
    assert max(map(len, ids)) == 2
    seen = [name for batch in ids for name in batch]
    assert len(set(seen)) == len(seen) == 3 * 2  # another patch of each of the two samples in every epoch


def test_patches_of_unequal_images_are_found_before_training(volumes: Experiment) -> None:
    crops = volumes.changed(("data", "patches"), {"Crops": {"n": 2}})
    image, mask = check(crops)
    assert str(image).startswith(
        "patches.yaml:9: data.patches.Crops: the patches of 'data.input.image' differ in size from sample to "
        "sample, so several make no batch; expected images of one size, e.g. by a step Resize or CropOrPad; "
    )
    assert "in sample 'v" in image.got
    assert "'data.gt.mask'" in mask.message
    assert check(crops.changed(("data", "batch", "size"), 1)) == []
    whole, _ = check(crops.changed(("data", "patches"), None))
    assert (whole.where, whole.message.split(", ")[0]) == (
        "data.input.image", "'data.input.image' differs in size from sample to sample",
    )  # fmt: skip


def test_two_runs_see_the_same_patches(volumes: Experiment) -> None:
    losses = [
        [event["losses"]["total_loss"] for event in run_of(volumes).events()[0] if event["kind"] == "batch"]
        for _ in range(2)
    ]
    assert losses[0] == losses[1]


def test_loaders_make_the_same_patches(volumes: Experiment) -> None:
    assembly = Assembly.of(volumes)
    items = Items(assembly.dataset, assembly.augmenter(), assembly.patches())
    batches = [[(1, name) for name in assembly.folds.train[:2]]]
    found = [next(iter(Loader(items, batches, workers, 2))) for workers in (0, 1)]
    assert found[0].ids == found[1].ids
    assert found[0].data is not None
    assert found[1].data is not None
    assert found[0].data["data.input.image"].shape == (6, 1, 8, 12, 12)
    assert torch.equal(found[0].data["data.input.image"], found[1].data["data.input.image"])


class Echo(torch.nn.Module):
    """Returns its input as a picture and its mean as a figure."""

    def forward(self, batch: NestedDict) -> NestedDict:
        result = batch.copy()
        result["model.output.echo"] = batch["data.input.image"] * 2
        result["model.output.mean"] = batch["data.input.image"].mean((2, 3, 4))
        return result


def test_what_is_put_together_is_what_the_network_gave(volumes: Experiment) -> None:
    predictor = Predictor.load(run_of(volumes))
    predictor.compute._forward = Echo()
    tiled = Tiled(predictor.compute, GridPatches(size=[8, 12, 12], stride=[5, 7, 12], blend="crop"), 4)
    items = Items(predictor.assembly.dataset)
    data = next(iter(Loader(items, plain_batches(["v3"], 1), 0, 1))).data
    assert data is not None
    found = tiled(data)
    assert torch.equal(found["model.output.echo"], data["data.input.image"] * 2)
    assert found["model.output.mean"].shape == (1, 1)


def test_inputs_of_two_sizes_cannot_be_predicted_by_patches(volumes: Experiment) -> None:
    tiled = Assembly.of(volumes).predicting(Predictor.load(run_of(volumes)).compute)
    one, other = torch.zeros(1, 1, 8, 12, 12), torch.zeros(1, 1, 8, 12, 13)
    with pytest.raises(SampleError, match=r"input images of one size; got \(8, 12, 12\), \(8, 12, 13\)"):
        tiled(NestedDict({"data.input.image": one, "data.input.other": other}))
