"""The panels over a real run and the real engine: start, watch, end, predict, explain, analyze."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fuse_engine.run import process
from fuse_engine.run.folder import list_runs
from fuse_engine.service.client import Engine
from fuse_engine.testing import tiny_experiment
from fuse_gui.models.analysis import AnalysisModel
from fuse_gui.models.inference import InferenceModel
from fuse_gui.models.project import Project
from fuse_gui.models.training import TrainingModel
from tests.gui_runs import wait_for

PATIENCE = 120.0


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "cache"))
    experiment = tiny_experiment(tmp_path / "tiny", samples=24, size=16)
    engine = Engine()
    made = Project(engine)
    made.start_with(experiment.changed(("run", "executor"), {"Local": {}}))
    made.edit(("training", "stages"), [{"epochs": 2}])
    yield made
    made.close()
    engine.close()
    for run in list_runs(tmp_path / "tiny" / "runs"):
        process.kill(run)


def test_from_start_to_the_worst_sample(project: Project) -> None:
    training, inference, analysis = TrainingModel(project), InferenceModel(project), AnalysisModel(project)
    training.start()
    wait_for(lambda: project.run is not None, PATIENCE)
    wait_for(lambda: training.history.steps, PATIENCE)
    again = TrainingModel(project)
    wait_for(lambda: training.state.endswith("finished"), PATIENCE)
    wait_for(lambda: again.history.steps == training.history.steps, 2.0)
    assert training.history.steps == list(range(len(training.history.steps)))
    assert len(training.history.epochs) == 2
    assert training.fraction == 1.0

    wait_for(lambda: analysis.results is not None and inference.checkpoints, PATIENCE)
    assert project.problems == ()
    assert analysis.results is not None
    assert set(analysis.measures) == {"auc", "iou"}
    assert {ends[0] for ends in analysis.results.scores["classifier"].roc(1)} == {0.0}
    worst = analysis.results.frame.sort_values("auc")["id"].iloc[0]
    analysis.next_worst()
    assert project.sample_id == worst
    wait_for(lambda: project.values, PATIENCE)

    inference.predict()
    wait_for(lambda: not inference.running, PATIENCE)
    assert project.problems == ()
    given = dict(zip(analysis.results.frame["id"], analysis.results.scores["classifier"].prob, strict=True))[worst]
    np.testing.assert_allclose(inference._outputs["classifier"], given, atol=1e-4)
    inference.explain()
    wait_for(lambda: not inference.running, PATIENCE)
    assert "One cell is" in inference.heat_text
    image, heat = project.screen.picture("image"), project.screen.picture("heat")
    assert image is not None
    assert heat is not None
    assert heat.geometry == image.geometry

    training.pick("0")
    microscope = training.microscope
    wait_for(lambda: microscope.samples, PATIENCE)
    losses = [sample.loss for sample in microscope.samples]
    assert losses == sorted(losses, reverse=True)
    mean = np.mean([sample.losses["cls"] for sample in microscope.samples])
    np.testing.assert_allclose(mean, training.history.losses["cls"][0], atol=1e-4)
    shown = project.screen.picture("image")
    assert shown is not None
    assert shown.array is microscope.samples[0].pictures["data.input.image"]["array"]
