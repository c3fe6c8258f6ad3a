"""The Analysis panel: from a figure to the sample behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, roc_curve

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.files import read_json, write_json
from fuse_gui.models.analysis import CONFUSION, ROC, AnalysisModel
from fuse_gui.models.project import Project
from fuse_gui.models.results import MISSING, Scores, read_results, written
from tests.gui_engine import FakeEngine, cohort_reply
from tests.gui_runs import analyzed, made_run, toy, wait_for


@pytest.fixture
def model(tmp_path: Path) -> Iterator[AnalysisModel]:
    toy(tmp_path)
    run = made_run(tmp_path)
    analyzed(run)
    project = Project(FakeEngine(cohort=cohort_reply(8)), catalog=Catalog())
    project.open(tmp_path / "toy.yaml")
    made = AnalysisModel(project)
    project.set_run(run)
    wait_for(lambda: made.results)
    yield made
    project.close()


def test_figures_say_what_is_undefined(model: AnalysisModel) -> None:
    assert model.state.endswith(": 8 test samples")
    assert model.measures == ("auc",)
    assert [line.split() for line in model.metrics.split("\n")] == [
        ["auc.1", "0.8125"],
        ["auc.macro_avg", "undefined"],
    ]


def test_the_worst_sample_comes_first_and_then_the_next(model: AnalysisModel) -> None:
    model.next_worst()
    assert model.project.sample_id == "s7"
    model.next_worst()
    assert model.project.sample_id == "s2"
    assert model.rows.id_at(0) == "s7"
    assert model.rows.cell(0, 1) == "0.3"


def test_of_distances_and_errors_the_largest_is_the_worst(model: AnalysisModel) -> None:
    run = model.project.run
    assert run is not None
    distances = [3.0, 1.0, np.nan, np.inf, 0.5, 2.0, 2.5, 0.0]
    frame = pd.read_csv(run.analysis / "samples.csv", dtype=str).assign(hausdorff=distances)
    frame.to_csv(run.analysis / "samples.csv", index=False)
    report = read_json(run.analysis / "metrics.json")
    write_json(run.analysis / "metrics.json", {**report, "lower_is_better": ["hausdorff"]})
    model.refresh()
    wait_for(lambda: "hausdorff" in model.measures)
    model.set_measure("hausdorff")
    listed = [model.rows.id_at(position) for position in range(8)]
    assert listed == [frame["id"][row] for row in (3, 0, 6, 5, 1, 4, 7, 2)]
    model.next_worst()
    assert model.project.sample_id == listed[0]
    assert model.figure().axes[0].lines[0].ids == tuple(listed[:-1])


def test_a_click_on_a_point_or_a_row_chooses_the_sample(model: AnalysisModel) -> None:
    points = model.figure().axes[0].lines[0]
    assert points.ids[0] == "s7"
    assert points.y[0] == 0.3
    model.pick(points.ids[3])
    assert model.project.sample_id == points.ids[3]
    marked = model.figure().axes[0].lines[1]
    assert marked.label == points.ids[3]
    assert marked.y[0] == points.y[3]
    model.select_row(0)
    assert model.project.sample_id == "s7"


def test_a_cell_of_the_confusion_matrix_lists_its_samples(model: AnalysisModel) -> None:
    model.set_plot(f"{CONFUSION} of cls")
    table = model.figure().axes[0].table
    assert table is not None
    assert table.counts.tolist() == [[3, 1], [2, 2]]
    assert table.rows == ("normal", "positive")
    model.pick("positive\nnormal")
    assert sorted(model.rows.id_at(n) for n in range(len(model.rows))) == ["s5", "s7"]


def test_curves_equal_those_of_scikit_learn(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 200)
    prob = rng.random((200, 3)).round(1) + 0.3 * np.eye(3)[truth]
    scores = Scores(("a", "b", "c"), prob, truth)
    assert scores.confusion().tolist() == confusion_matrix(truth, prob.argmax(1)).tolist()
    for index in range(3):
        ours, theirs = scores.roc(index), roc_curve(truth == index, prob[:, index], drop_intermediate=False)
        np.testing.assert_allclose(ours[0], theirs[0])
        np.testing.assert_allclose(ours[1], theirs[1])


def test_a_roc_is_drawn_for_the_positive_class(model: AnalysisModel) -> None:
    model.set_plot(f"{ROC} of cls")
    assert [line.label for line in model.figure().axes[0].lines] == ["positive", "chance"]


def test_ids_that_a_spreadsheet_would_run_are_the_samples_own(tmp_path: Path) -> None:
    toy(tmp_path)
    run = made_run(tmp_path)
    analyzed(run)
    path = run.analysis / "samples.csv"
    path.write_text(path.read_text().replace("s7,", "'=s7,"))
    results = read_results(run)
    assert results is not None
    assert results.frame["id"].iloc[-1] == "s7"


def test_a_run_without_results_says_so_and_shows_them_when_they_come(tmp_path: Path) -> None:
    toy(tmp_path)
    run = made_run(tmp_path)
    project = Project(FakeEngine(), catalog=Catalog())
    project.open(tmp_path / "toy.yaml")
    model = AnalysisModel(project)
    assert "No run is chosen" in model.state
    project.set_run(run)
    wait_for(lambda: "has not been analyzed yet" in model.state)
    model.next_worst()
    analyzed(run)
    project.run_advanced.emit()
    wait_for(lambda: model.results)
    project.set_run(None)
    assert model.results is None
    assert model.figure().axes[0].note == "no results yet"
    project.close()


def test_results_that_cannot_be_read_are_a_problem(tmp_path: Path) -> None:
    toy(tmp_path)
    run = made_run(tmp_path)
    analyzed(run)
    (run.analysis / "metrics.json").write_text("{ torn")
    project = Project(FakeEngine(), catalog=Catalog())
    project.open(tmp_path / "toy.yaml")
    model = AnalysisModel(project)
    project.set_run(run)
    wait_for(lambda: model.strip.text)
    assert "JSONDecodeError" in model.strip.text
    project.close()


def test_an_interval_is_one_line() -> None:
    parts = {"org": 0.8, "mean": 0.79, "std": 0.05, "conf_lower": 0.7, "conf_upper": 0.9, "degenerate": 3.0}
    empty = {**dict.fromkeys(parts, float("nan")), "degenerate": 2000.0}
    figures = {f"auc.1.{name}": value for name, value in parts.items()}
    figures |= {f"auc.2.{name}": value for name, value in empty.items()} | {"sites.mean": 0.5}
    assert written(figures) == {
        "auc.1": "0.8 (0.7 to 0.9, 3 resamples left out)", "auc.2": "undefined", "sites.mean": "0.5",
    }  # fmt: skip


def test_samples_without_a_truth_are_in_no_plot() -> None:
    prob = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    scores = Scores(("a", "b"), prob, np.array([0, MISSING, 1]))
    assert scores.confusion().tolist() == [[1, 0], [0, 1]]
    assert [rate.tolist() for rate in scores.roc(1)] == [[0, 0, 1], [0, 1, 1]]
