"""The Inference panel: predictions, masks by threshold, heatmaps, and what is stale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import RunError
from fuse_gui.models.inference import InferenceModel, bar, mask_of
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine, picture
from tests.gui_runs import made_run, toy, wait_for

PROB = {**picture(0.0), "array": np.linspace(0, 1, 24, dtype=np.float32).reshape(1, 4, 6)}


def predict(**args: Any) -> dict[str, Any]:
    truth = picture(1, label=True)
    return {"outputs": {"cls": [0.25, 0.75]}, "pred": truth, "prob": PROB, "image": picture(), "gt": truth}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(predict=predict, heatmap={"heat": picture(0.5), "cell_mm": [4.0, 2.5]})


@pytest.fixture
def model(engine: FakeEngine, tmp_path: Path) -> Iterator[InferenceModel]:
    toy(tmp_path)
    run = made_run(tmp_path)
    for name in ("best0-10-0123456789abcdef.pt", "last-20-0123456789abcdef.pt"):
        (run.checkpoints / name).touch()
    project = Project(engine, catalog=Catalog())
    project.open(tmp_path / "toy.yaml")
    made = InferenceModel(project)
    project.set_run(run)
    wait_for(lambda: made.checkpoints)
    yield made
    project.close()


def test_the_run_says_what_can_be_asked(model: InferenceModel) -> None:
    assert model.checkpoints == ("best", "last")
    assert model.heads == ("cls",)
    assert model.classes == ("normal", "positive")
    assert model.target_text == "positive"
    assert not model.can_predict
    assert model.status == "Choose a sample in the Data panel."


def test_a_prediction_is_shown_in_words_and_on_the_screen(model: InferenceModel, engine: FakeEngine) -> None:
    model.project.select("s1")
    model.predict()
    run = model.project.run
    assert run is not None
    assert engine.asked[-1] == ("predict", {"run": str(run.path), "checkpoint": "best", "id": "s1"})
    assert "positive  75.0% ██████████████████" in model.result
    assert model.status == ""
    mask = model.project.screen.picture("pred")
    assert mask is not None
    assert mask.label
    assert mask.array.sum() == 12


def test_the_threshold_moves_the_mask_without_the_engine(model: InferenceModel, engine: FakeEngine) -> None:
    model.project.select("s1")
    model.predict()
    count = len(engine.asked)
    model.set_threshold(90)
    mask = model.project.screen.picture("pred")
    assert mask is not None
    assert mask.array.sum() == (PROB["array"] >= 0.9).sum()
    assert len(engine.asked) == count
    model.set_opacity("heat", 80)
    model.explain()
    heat = model.project.screen.picture("heat")
    assert heat is not None
    assert heat.style["opacity"] == 0.8
    assert model.heat_text == "Heatmap of cls, positive. One cell is 4 × 2.5 mm."


def test_the_result_is_stale_when_something_else_is_looked_at(model: InferenceModel) -> None:
    model.project.select("s1")
    assert model.status == "Not predicted yet."
    model.predict()
    model.set_checkpoint("last")
    assert "checkpoint 'best'" in model.status
    model.set_checkpoint("best")
    model.project.select("s2")
    assert "sample s1, on the screen is s2" in model.status
    assert model.project.screen.picture("pred") is None
    model.set_threshold(10)
    assert model.project.screen.picture("pred") is None, "no mask of s1 over s2"


def test_following_predicts_each_sample(model: InferenceModel, engine: FakeEngine) -> None:
    model.project.select("s1")
    model.set_follow(True)
    model.project.select("s2")
    assert [args["id"] for method, args in engine.asked if method == "predict"] == ["s1", "s2"]


def test_a_cancelled_prediction_is_dropped(model: InferenceModel, engine: FakeEngine) -> None:
    engine.hold.add("predict")
    model.project.select("s1")
    model.predict()
    assert model.running
    assert "predicting" in model.status
    model.cancel()
    engine.release()
    assert not model.running
    assert model.result == ""


def test_a_failed_prediction_names_the_reason(model: InferenceModel, engine: FakeEngine) -> None:
    engine.answers["predict"] = RunError("every checkpoint 'best' is damaged")
    model.predict()
    assert "no sample is chosen" in model.strip.text
    model.project.select("s1")
    model.predict()
    assert "is damaged" in model.strip.text
    assert not model.running


def test_masks_of_more_than_two_classes_keep_the_models_choice() -> None:
    prob, pred = np.array([[[0.2, 0.4, 0.9]]]), np.array([[[0, 2, 1]]], np.uint8)
    assert mask_of(prob, pred, 0.3).tolist() == [[[0, 2, 1]]]
    assert mask_of(prob, pred, 0.5).tolist() == [[[0, 0, 1]]]
    assert mask_of(prob, np.minimum(pred, 1), 0.1).tolist() == [[[1, 1, 1]]]


def test_bars_have_the_length_of_the_probability() -> None:
    assert len(bar(1.0)) == 24
    assert len(bar(0.5)) == 12
    assert bar(0.0) == ""
    assert bar(float("nan")) == ""
