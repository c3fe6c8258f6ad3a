"""The Data panel's words and moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine, arrow_bytes, cohort_reply
from tests.gui_runs import toy


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def model(engine: FakeEngine, tmp_path: Path) -> Iterator[DataModel]:
    project = Project(engine, catalog=Catalog())
    made = DataModel(project)
    made.open(toy(tmp_path))
    yield made
    project.close()


def test_the_summary_counts_parts_and_classes(model: DataModel) -> None:
    assert model.heading == "toy (toy.yaml)"
    assert model.summary == "6 samples: train 4, validation 1, test 1\nfinding: normal 4, positive 2"
    assert model.shown == ""
    model.set_filter("finding==positive")
    assert model.shown == "2 of 6 samples shown"


def test_what_is_wrong_with_the_table_is_counted_and_named(model: DataModel, engine: FakeEngine) -> None:
    problems = [{"message": "no such file", "sample": f"s{n}", "where": "data.input.image"} for n in range(5)]
    engine.answers["cohort"] = {**cohort_reply(), "problems": problems}
    model.open(model.project.path or "")
    assert model.strip.text.startswith("no such file (data.input.image, sample s0)")
    assert "… and 3 more" in model.strip.text
    assert len(model.project.problems) == 5
    assert model.strip.sample == "s0"
    model.strip.open_sample()
    assert model.project.sample_id == "s0"


def test_rows_and_steps_choose_samples(model: DataModel) -> None:
    model.select_row(2)
    assert model.project.sample_id == "s2"
    assert model.sample == "Sample s2"
    said = {section.title: dict(section.rows) for section in model.sections}
    assert said["Values"] == {"gt.finding": "positive"}
    assert said["Table"] == {"sample": "s2", "part": "validation", "age": "50", "finding": "normal"}
    model.step(1)
    model.step(1)
    assert model.project.sample_id == "s4"
    model.set_filter("part==train")
    model.step(1)
    assert model.project.sample_id == "s5"
    model.step(1)
    model.select_row(99)
    assert model.project.sample_id == "s5"


def test_a_class_is_shown_with_its_name(model: DataModel, engine: FakeEngine) -> None:
    engine.answers["sample"] = {
        "fingerprint": "1",
        "keys": {},
        "shown": {},
        "image": None,
        "gt": None,
        "values": {"data.gt.finding": "1", "data.gt.other": "1"},
    }
    model.select_row(0)
    assert model.sections[0].rows == (("gt.finding", "1 (positive)"), ("gt.other", "1"))


def test_a_cohort_that_cannot_be_read_is_a_problem(model: DataModel, engine: FakeEngine) -> None:
    engine.answers["cohort"] = FuseError("sample 's1' is listed twice", where="data.source.Table")
    model.open(model.project.path or "")
    assert model.summary == "No samples."
    assert "listed twice" in model.strip.text


def test_an_answer_in_an_unknown_form_is_a_problem(model: DataModel, engine: FakeEngine) -> None:
    engine.answers["cohort"] = {"rows": []}
    model.open(model.project.path or "")
    assert "unknown form" in model.strip.text
    assert model.strip.report.count("\n") == 0


def test_an_empty_panel_says_what_to_do(tmp_path: Path) -> None:
    project = Project(FakeEngine(), catalog=Catalog())
    model = DataModel(project)
    assert "Open one" in model.heading
    assert model.summary == ""
    assert model.sections == ()
    model.step(1)
    model.project.save()
    assert "nothing to save" in model.strip.text
    project.close()


def test_columns_that_are_called_as_ours_keep_their_cells(model: DataModel, engine: FakeEngine) -> None:
    columns = {"id": ["a", "b"], "part": ["left", "right"], "excluded": ["", "no"]}
    engine.answers["cohort"] = {**cohort_reply(), "table": arrow_bytes(columns), "id": "id"}
    model.open(model.project.path or "")
    assert model.rows.columns == ["id", "part", "table.part", "table.excluded"]
    model.set_filter("table.part==right & part==train")
    assert model.rows.ids(0, 9) == ["b"]


def test_a_filter_of_another_table_goes_with_it(model: DataModel, engine: FakeEngine) -> None:
    model.set_filter("age>50")
    model.open(model.project.path or "")
    assert (model.rows.filter, len(model.rows)) == ("age>50", 3)
    engine.answers["cohort"] = {**cohort_reply(), "table": arrow_bytes({"id": ["a"]}), "id": "id"}
    model.open(model.project.path or "")
    assert (model.rows.filter, model.rows.error, len(model.rows)) == ("", "", 1)


def test_long_cells_are_cut_where_they_are_shown(model: DataModel, engine: FakeEngine) -> None:
    contours = "[1, 2], " * 5000
    columns = {"id": ["a"], "contours": [contours]}
    engine.answers["cohort"] = {**cohort_reply(), "table": arrow_bytes(columns), "id": "id"}
    model.open(model.project.path or "")
    assert (len(model.rows.cell(0, 2)), model.rows.text(0, "contours")) == (300, contours)


def test_the_truth_is_switched_off_and_stays_off(model: DataModel) -> None:
    model.select_row(0)
    model.toggle_truth()
    model.step(1)
    truth = model.project.screen.picture("gt")
    assert truth is not None
    assert (truth.style["visible"], model.truth_shown) == (False, False)
    model.toggle_truth()
    assert model.truth_shown
