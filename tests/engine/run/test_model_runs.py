"""Every kind of model is trained, predicts and is explained, from the file of an experiment to its tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import SimpleITK as sitk
import torch

from fuse_engine.core import document, registry
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.functions import modules
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check
from fuse_engine.run.explain import explain
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.gate import truth_classes
from fuse_engine.run.infer import infer, mask_path, predict_one
from fuse_engine.run.label_maps import each_label, foreground_of, labels_of
from fuse_engine.run.member_steps import step_remarks
from fuse_engine.run.process import start
from tests.engine.run.story import changed

NET = {"ResNet": {"depth": 10, "stem": "small", "width": 0.0625}}
CLASSIFIER = {"GlobalPoolingClassifier": {"classes": 2, "tabular": ["data.input.clinical"], "layers": [8]}}
BOTH = {
    "classifier": CLASSIFIER, "segmentation": {"DenseSegmentation": {"classes": 2, "channels": 4}}
}  # fmt: skip
ONE_EPOCH: dict[tuple[str | int, ...], object] = {("training", "stages"): [{"epochs": 1}]}
NO_MAPS: dict[tuple[str | int, ...], object] = {
    ("losses",): {
        "cls": {"CrossEntropy": {"pred": "model.logits.classifier", "target": "data.gt.classification"}}
    },
    ("metrics",): {"auc": {"AUC": {"pred": "model.output.classifier", "target": "data.gt.classification"}}},
}
PAGE = Path(__file__).parents[3] / "CONTRIBUTING.md"
NORMALIZED = [{"Columns": {"names": ["age"], "normalize": True}}]


def run_of(experiment: Experiment) -> RunFolder:
    folder = start(experiment)
    assert folder.status().state == "finished", folder.status().message
    return folder


def outputs(table: Path, head: str = "classifier") -> np.ndarray[Any, Any]:
    found = pq.read_table(table)
    return np.stack([found.column(f"model.output.{head}.{index}").to_numpy() for index in range(2)], 1)


def with_model(tiny: Experiment, model: dict[str, Any], maps: bool = True) -> Experiment:
    return changed(tiny, {("model",): model, **ONE_EPOCH, **({} if maps else NO_MAPS)})


def test_streams_of_an_image_and_a_table_are_trained_and_explained(tiny: Experiment) -> None:
    streams = {
        "table": {"inputs": ["data.input.clinical"], "backbone": {"MLP": {"layers": [4]}}},
        "scan": {"inputs": ["data.input.image"], "backbone": NET},
    }
    model = {"Multistream": {"streams": streams, "pool": True, "heads": {"classifier": CLASSIFIER}}}
    experiment = with_model(tiny, model, maps=False)
    assert truth_classes(experiment) == {"data.gt.classification": 2}
    folder = run_of(experiment)
    np.testing.assert_allclose(outputs(infer(folder)).sum(1), 1, rtol=1e-5)
    heat = explain(folder, "s00")
    assert heat.image.array.shape == (1, 32, 32)
    assert predict_one(folder, "s00").image.array.shape == (1, 32, 32)


def test_streams_see_patches_of_one_place(tiny: Experiment) -> None:
    streams = {name: {"inputs": ["data.input.image"], "backbone": NET} for name in ("one", "two")}
    experiment = with_model(tiny, {"Multistream": {"streams": streams, "heads": BOTH}})
    patches = {"RandomPatches": {"size": [16, 16], "per_sample": 2}}
    folder = run_of(changed(experiment, {("data", "patches"): patches}))
    infer(folder)
    mask = sitk.ReadImage(
        str(mask_path(folder, pq.read_table(folder.predictions / "test.parquet")["id"][0].as_py()))
    )
    assert mask.GetSize() == (32, 32)


def test_two_views_are_compared_by_one_backbone(tiny: Experiment) -> None:
    steps = tiny.to_data()["data"]["input"]["image"]
    model = {
        "Siamese": {
            "inputs": ["data.input.image", "data.input.current"], "backbone": NET,
            "join": "absolute difference", "heads": BOTH,
        }
    }  # fmt: skip
    experiment = with_model(changed(tiny, {("data", "input", "current"): [*steps, {"Clip": {"low": 0.4}}]}), model)
    folder = run_of(experiment)
    assert np.isfinite(outputs(infer(folder))).all()
    assert explain(folder, "s02", head="segmentation").image.array.shape == (1, 32, 32)


def test_labels_that_overlap_have_a_mask_each(tiny: Experiment) -> None:
    network = {"UNet": {"channels": [4, 8]}}
    model = {
        "Wrap": {"inputs": ["data.input.image"], "network": network, "classes": 1, "overlapping": True}
    }  # fmt: skip
    loss = {"BinaryCrossEntropy": {"pred": "model.logits.segmentation", "target": "data.gt.segmentation"}}
    experiment = with_model(changed(tiny, {("losses",): {"seg": loss}, ("metrics",): {}}), model)
    assert truth_classes(experiment) == {"data.gt.segmentation": 2}
    folder = run_of(experiment)
    names = pq.read_table(infer(folder))["id"].to_pylist()
    for name in names:
        both = [mask_path(folder, name, key) for key in ("", "model.output.segmentation.0")]
        first, second = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in both)
        np.testing.assert_array_equal(first, second)
    found = predict_one(folder, names[0])
    assert found.pred is not None
    assert found.prob is not None
    np.testing.assert_array_equal(found.pred.array, found.prob.array > 0.5)


def test_labels_of_places() -> None:
    output = torch.tensor([[[0.9, 0.4, 0.6]], [[0.8, 0.2, 0.7]]])
    assert labels_of(output, "sigmoid").tolist() == [[1, 0, 2]]
    assert labels_of(output, "softmax").tolist() == [[0, 0, 1]]
    assert each_label(output).tolist() == [[[1, 0, 1]], [[1, 0, 1]]]
    torch.testing.assert_close(foreground_of(output, "sigmoid"), torch.tensor([[[0.9, 0.4, 0.7]]]))


def test_a_model_of_tables_alone_is_trained_and_says_that_it_sees_no_image(tiny: Experiment) -> None:
    head = {"TabularClassifier": {"classes": 2, "tabular": ["data.input.clinical"], "layers": [8]}}
    folder = run_of(with_model(tiny, {"MultiHead": {"backbone": None, "heads": {"classifier": head}}}, maps=False))
    np.testing.assert_allclose(outputs(infer(folder)).sum(1), 1, rtol=1e-5)
    assert predict_one(folder, "s00").outputs["classifier"]
    with pytest.raises(FuseError, match="layer: the model names no features with places in an image"):
        explain(folder, "s00")


def test_the_module_of_the_contributing_page_is_trained_and_explained(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    code = next(part for part in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "@module" in part)
    (tiny.folder / "patchwork.py").write_text(code)
    monkeypatch.setattr(modules, "known", {})
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, str(tiny.folder / "patchwork.py"))
    model = next(part for part in re.findall(r"```yaml\nmodel:\n(.*?)```", page, re.DOTALL))
    folder = run_of(with_model(tiny, document.parse(model).data, maps=False))
    np.testing.assert_allclose(outputs(infer(folder)).sum(1), 1, rtol=1e-5)
    assert explain(folder, "s02").image.array.shape == (1, 32, 32)


def test_runs_answer_together_and_need_no_training(tiny: Experiment) -> None:
    plain = changed(tiny, {**ONE_EPOCH, ("data", "input", "clinical"): [{"Columns": {"names": ["age"]}}]})
    runs = [run_of(plain.changed(("seed",), seed)) for seed in (1, 2)]
    together = plain.changed(("model",), {"Ensemble": {"runs": [run.name for run in runs]}})
    (problem,) = check(together)
    assert (problem.where, problem.expected) == ("run.train", "false")
    assert "Ensemble has nothing to train" in problem.message
    folder = run_of(changed(together, {("run", "train"): False}))
    ids = list(pq.read_table(folder.predictions / "test.parquet")["id"].to_pylist())
    each = [outputs(infer(run, part="all", ids=ids)) for run in runs]
    np.testing.assert_allclose(outputs(folder.predictions / "test.parquet"), np.mean(each, 0), atol=1e-6)
    assert (folder.analysis / "metrics.json").exists()
    assert folder.checkpoint("best").name.startswith("best0-00000000-")
    assert explain(folder, "s02").image.array.max() <= 1
    assert predict_one(folder, "s02").pred is not None
    assert step_remarks(Assembly.of(together)) == []
    remarks = step_remarks(Assembly.of(together.changed(("data", "input", "clinical"), NORMALIZED)))
    assert [remark.where for remark in remarks] == ["model.Ensemble.runs.0", "model.Ensemble.runs.1"]
    assert f"run {runs[0].name} was trained with other steps at data.input.clinical" in remarks[0].message


def test_a_run_that_is_not_there_is_said_before_anything_is_done(tiny: Experiment) -> None:
    (problem,) = check(changed(tiny, {("model",): {"Ensemble": {"runs": ["20260101-000000-abcdef"]}}}))
    assert problem.where == "model.Ensemble.runs.0"
    assert "there is no run '20260101-000000-abcdef'" in problem.message
