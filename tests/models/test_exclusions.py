"""Leaving samples out with a reason, and taking that back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.exclusions import read_exclusions, write_exclusions
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine, cohort_reply
from tests.gui_runs import TEXT, toy, wait_for


class Engine(FakeEngine):
    """Answers as the real one does: whoever stands in the table beside the experiment is left out."""

    def __init__(self, folder: Path) -> None:
        super().__init__(cohort=self._cohort, parts=self._left)
        self.file = folder / "excluded.csv"

    def _reasons(self, text: str) -> dict[str, str]:
        return read_exclusions(self.file) if "excluded.csv" in text and self.file.is_file() else {}

    def _cohort(self, experiment: str, **_: Any) -> dict[str, Any]:
        return {**cohort_reply(), "excluded": self._reasons(experiment)}

    def _left(self, experiment: str, **_: Any) -> dict[str, Any]:
        out = self._reasons(experiment)
        return {"parts": np.array([4 if f"s{n}" in out else 0 for n in range(6)], np.int8), "problems": []}


@pytest.fixture
def model(tmp_path: Path) -> Iterator[DataModel]:
    project = Project(Engine(tmp_path), catalog=Catalog())  # type: ignore[arg-type]
    made = DataModel(project)
    made.open(toy(tmp_path))
    yield made
    project.close()


def excluded(model: DataModel) -> list[str]:
    rows = model.rows
    return [rows.id_at(position) for position in range(len(rows)) if rows.flag("is:excluded", position)]


def test_samples_are_left_out_with_a_reason_beside_the_experiment(model: DataModel, tmp_path: Path) -> None:
    model.exclusions.exclude(["s1", "s4"], " motion, badly ")
    wait_for(lambda: excluded(model) == ["s1", "s4"])
    assert read_exclusions(tmp_path / "excluded.csv") == {"s1": "motion, badly", "s4": "motion, badly"}
    assert "excluded: excluded.csv" in model.project.as_yaml()
    assert model.project.unsaved
    wait_for(lambda: "excluded 2" in model.summary)
    assert (model.tone(1, "age"), model.tone(0, "age")) == ("faded", "")
    model.project.select("s4")
    assert model.sections[0].rows[0] == ("excluded", "motion, badly")
    model.set_filter("excluded==motion, badly & is:excluded")
    assert len(model.rows) == 2
    assert model.exclusions.reasons[0] == "motion, badly"


def test_they_are_taken_in_again_and_the_last_change_is_undone(model: DataModel, tmp_path: Path) -> None:
    model.exclusions.exclude(["s1", "s4"], "motion")
    wait_for(lambda: excluded(model) == ["s1", "s4"])
    model.exclusions.include(["s4"])
    wait_for(lambda: excluded(model) == ["s1"])
    model.exclusions.undo()
    wait_for(lambda: excluded(model) == ["s1", "s4"])
    model.exclusions.undo()
    wait_for(lambda: excluded(model) == [])
    assert not model.exclusions.can_undo
    assert read_exclusions(tmp_path / "excluded.csv") == {}
    assert "excluded" not in model.rows.columns


def test_what_another_window_left_out_stays_out(model: DataModel, tmp_path: Path) -> None:
    model.exclusions.exclude(["s1"], "motion")
    wait_for(lambda: excluded(model) == ["s1"])
    write_exclusions(tmp_path / "excluded.csv", {"s1": "motion", "s2": "seen elsewhere"})
    model.exclusions.exclude(["s3"], "motion")
    wait_for(lambda: excluded(model) == ["s1", "s2", "s3"])
    assert read_exclusions(tmp_path / "excluded.csv")["s2"] == "seen elsewhere"


def test_an_experiment_without_a_file_says_what_to_do(tmp_path: Path) -> None:
    project = Project(Engine(tmp_path), catalog=Catalog())  # type: ignore[arg-type]
    model = DataModel(project)
    project.start_with(Experiment.from_text(TEXT, tmp_path))
    model.exclusions.exclude(["s1"], "motion")
    assert "save the experiment first" in model.strip.text
    assert list(tmp_path.iterdir()) == []
    project.close()


def test_a_reason_must_be_given(model: DataModel) -> None:
    model.exclusions.exclude(["s1"], "  ")
    assert "without a reason" in model.strip.text
    assert not model.exclusions.can_undo


def test_a_damaged_table_is_not_overwritten(model: DataModel, tmp_path: Path) -> None:
    (tmp_path / "excluded.csv").write_text("my own notes")
    model.exclusions.exclude(["s1"], "motion")
    wait_for(lambda: model.strip.text)
    assert "excluded.csv:1" in model.strip.text
    assert (tmp_path / "excluded.csv").read_text() == "my own notes"
