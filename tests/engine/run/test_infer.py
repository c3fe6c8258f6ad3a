"""Predictions are a table, and masks that lie where their images do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.metrics import roc_auc_score

from fuse_engine.core.errors import RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.run.analyze import analyze
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.infer import infer, mask_path, network_grid, predict_one, safe_name, source_key
from fuse_engine.run.process import start
from tests.engine.run.story import changed


def test_the_table_holds_outputs_targets_and_what_metrics_need(trained: RunFolder) -> None:
    frame = pd.read_parquet(infer(trained, part="validation"))
    assert set(frame["id"]) == set(Assembly.of(trained.experiment()).folds.validation)
    total = frame["model.output.classifier.0"] + frame["model.output.classifier.1"]
    np.testing.assert_allclose(total, 1, rtol=1e-6)
    cohort = pd.read_csv(trained.experiment_folder() / "cohort.csv").set_index("id")
    assert (frame["data.gt.classification"] == (cohort.loc[frame["id"], "finding"] == "positive").to_numpy()).all()


def test_the_analysis_agrees_with_scikit_learn_and_with_the_masks_on_disk(trained: RunFolder) -> None:
    infer(trained, part="all")
    report = analyze(trained, "all")
    frame = pd.read_parquet(trained.predictions / "all.parquet")
    area = roc_auc_score(frame["data.gt.classification"], frame["model.output.classifier.1"])
    assert report["metrics"]["auc"]["macro_avg"] == pytest.approx(area)
    hit = union = 0
    for name in frame["id"]:
        pred = sitk.GetArrayFromImage(sitk.ReadImage(str(mask_path(trained, name)))) > 0
        truth = (
            sitk.GetArrayFromImage(sitk.ReadImage(str(trained.experiment_folder() / f"mask{name[1:]}.png"))) > 0
        )
        hit, union = hit + int((pred & truth).sum()), union + int((pred | truth).sum())
    assert report["metrics"]["iou"]["1"] == pytest.approx(hit / union)
    samples = pd.read_csv(trained.analysis / "samples.csv", dtype={"id": str})
    assert samples["id"].tolist() == frame["id"].tolist()
    assert json.loads((trained.analysis / "metrics.json").read_text()) == report


def test_one_sample_and_the_table_say_the_same(trained: RunFolder) -> None:
    frame = pd.read_parquet(infer(trained, part="test")).set_index("id")
    name = frame.index[0]
    found = predict_one(trained, name)
    assert found.outputs["classifier"][1] == pytest.approx(frame.loc[name, "model.output.classifier.1"], abs=1e-5)
    assert found.pred is not None
    assert found.prob is not None
    assert found.gt is not None
    assert found.image.array.shape == found.pred.array.shape == found.gt.array.shape == (1, 32, 32)
    np.testing.assert_array_equal(found.pred.array[0] == 1, found.prob.array[0] > 0.5)


def test_what_cannot_be_predicted_is_said(trained: RunFolder) -> None:
    with pytest.raises(RunError, match=r"no sample 's99'"):
        infer(trained, ids=["s99"])
    with pytest.raises(RunError, match="no checkpoint 'bests'; expected one of best0, last"):
        infer(trained, "bests")
    with pytest.raises(RunError, match="'train' of run .* has not been predicted"):
        analyze(trained, "train")


def test_ids_never_become_paths() -> None:
    names = ["../../etc/passwd", "a/b", "a_b", "x" * 300, "", "Müller^Hans", "a b", "con"]
    safe = [safe_name(name) for name in names]
    assert len(set(safe)) == len(names)
    assert all(len(name) < 80 and "/" not in name and "." not in name and name.isascii() for name in safe)


def volume(folder: Path, experiment: Experiment) -> Experiment:
    """Write 3-D images whose grid is neither at 0, nor in mm, nor along the axes of the patient."""
    turn = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], float)
    for path in [*folder.glob("image*.png"), *folder.glob("mask*.png")]:
        plane = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        image = sitk.GetImageFromArray(
            np.stack([plane] * 6).astype(np.int16 if "image" in path.name else np.uint8)
        )
        image.SetSpacing((0.5, 0.75, 3.0))
        image.SetOrigin((-11.0, 7.0, 30.0))
        image.SetDirection(turn.ravel().tolist())
        sitk.WriteImage(image, str(path.with_suffix(".nii.gz")))
    table = folder / "cohort.csv"
    table.write_text(table.read_text().replace(".png", ".nii.gz"))
    resize = [{"Orient": {}}, {"Resize": {"size": [16, 12, 8]}}]
    steps = [{"LoadImage": {}}, *resize, {"IntensityWindow": {"window": [0, 255]}}]
    return changed(
        experiment,
        {
            ("data", "input", "image"): steps,
            ("data", "gt", "segmentation"): [{"LoadImage": {"column": "mask", "label": True}}, *resize],
            ("training", "stages"): [{"epochs": 1}],
        },
    )


def test_masks_lie_on_the_grid_of_the_file_that_was_read(tiny: Experiment) -> None:
    folder = start(volume(tiny.folder, tiny))
    assert folder.status().state == "finished", folder.status().message
    for name in Assembly.of(folder.experiment()).folds.test:
        mask = sitk.ReadImage(str(mask_path(folder, name)))
        image = sitk.ReadImage(str(tiny.folder / f"image{name[1:]}.nii.gz"))
        assert mask.GetSize() == image.GetSize()
        np.testing.assert_allclose(mask.GetOrigin(), image.GetOrigin(), atol=1e-4)
        np.testing.assert_allclose(mask.GetSpacing(), image.GetSpacing(), atol=1e-5)
        np.testing.assert_allclose(mask.GetDirection(), image.GetDirection(), atol=1e-5)
        at = predict_one(folder, name).pred
        assert at is not None
        for index in np.argwhere(at.array[0] == 1)[::50]:
            inside = image.TransformPhysicalPointToIndex(at.geometry.point(tuple(index)))
            assert mask[inside] == 1


def test_a_coarser_output_covers_what_its_image_covers(trained: RunFolder) -> None:
    fine = Geometry((8, 4), (1.0, 2.0), (10.0, 20.0), (1.0, 0.0, 0.0, -1.0))
    from fuse_engine.core.batch import NestedDict

    data = NestedDict({"data.geometry.input.image": fine})
    coarse = network_grid(data, "data.input.image", (2, 4))
    assert coarse.size == (4, 2)
    for corner in ((-0.5, -0.5), (1.5, 3.5)):
        same = tuple((value + 0.5) * 2 - 0.5 for value in corner)
        np.testing.assert_allclose(coarse.point(corner), fine.point(same))
    assembly = Assembly.of(trained.experiment())
    assert source_key(assembly, assembly.tensors("s00")) == "data.input.image"
