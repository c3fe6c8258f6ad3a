"""The checks of the cohort, slice by slice, and what becomes of them in the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_engine.core.health import CHECKS, Finding, Passport
from fuse_gui.models.data import DataModel
from fuse_gui.models.health import TRIES
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine
from tests.gui_runs import toy

FINDINGS = (
    Finding("oblique", "s1", "turned by 12°", "image"),
    Finding("oblique", "s4", "turned by 3°", "image"),
    Finding("missing", "s4", "no file", "mask"),
    Finding("class_imbalance", "", "one class in ten"),
)
PASSPORTS = (
    Passport("s1", "image", "LPS", (3.0, 0.5, 0.5), (20, 64, 64), 12.0),
    Passport("s1", "mask", "LPS", (3.0, 0.5, 0.5), (20, 64, 64), 12.0, False),
    Passport("s4", "image", "RAS", (1.0, 1.0, 1.0), (10, 64, 64), 3.04),
)


def health(start: int, **_: Any) -> dict[str, Any]:
    """Two samples a slice; what concerns the whole cohort comes behind the last one."""
    ids = {f"s{number}" for number in range(start, start + 2)} if start < 6 else {""}
    return {
        "findings": [one.to_json() for one in FINDINGS if one.sample in ids],
        "passports": [one.to_json() for one in PASSPORTS if one.sample in ids],
        "next": start + 2 if start < 6 else None,
        "total": 6,
    }


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(health=health)


@pytest.fixture
def model(engine: FakeEngine, tmp_path: Path) -> Iterator[DataModel]:
    project = Project(engine, catalog=Catalog())
    made = DataModel(project)
    engine.hold = {"health"}
    made.open(toy(tmp_path))
    yield made
    project.close()


def test_counts_grow_while_the_slices_arrive(model: DataModel, engine: FakeEngine) -> None:
    checks = model.health
    assert (checks.state("oblique"), checks.label("oblique")) == ("waiting", "Oblique images")
    engine.release()
    assert checks.progress == "Checking: 2 of 6 samples"
    assert (checks.counts["oblique"], checks.state("oblique"), checks.state("constant")) == (
        1,
        "warning",
        "waiting",
    )
    engine.release()
    engine.release()
    engine.release()
    assert checks.progress == "Checked 6 samples: 2 samples with findings"
    assert {name: count for name, count in checks.counts.items() if count} == {
        "missing": 1, "oblique": 2, "class_imbalance": 1,
    }  # fmt: skip
    assert (checks.state("missing"), checks.state("constant")) == ("blocking", "fine")
    assert "turned by 12°" in checks.help("oblique")


def test_a_check_is_a_filter_and_a_second_click_clears_it(model: DataModel, engine: FakeEngine) -> None:
    model.toggle_check("oblique")
    assert len(model.rows) == 0
    engine.release()
    assert model.rows.ids(0, 9) == ["s1"], "what arrives while the filter is used is seen"
    engine.release()
    engine.release()
    engine.release()
    assert model.rows.ids(0, 9) == ["s1", "s4"]
    model.toggle_check("oblique")
    assert len(model.rows) == 6


def test_findings_and_passports_are_columns_and_details(model: DataModel, engine: FakeEngine) -> None:
    for _ in range(4):
        engine.release()
    assert model.rows.columns[:3] == ["sample", "part", "findings"]
    model.set_filter("image.oblique>10 & image.axes==LPS")
    assert model.rows.ids(0, 9) == ["s1"]
    assert model.rows.text(0, "image.spacing") == "3 × 0.5 × 0.5"
    model.project.select("s4")
    said = {section.title: section.rows for section in model.sections}
    assert said["Findings"] == (("found", "turned by 3°"), ("found", "no file"))
    assert said["Images"] == (("image", "10 × 64 × 64 pixels, 1 × 1 × 1 mm, RAS, oblique 3.04°"),)
    model.project.select("s1")
    assert "not on the grid of its image" in model.sections[2].rows[1][1]


def test_samples_that_are_left_out_do_not_count(model: DataModel, engine: FakeEngine) -> None:
    engine.hold = set()
    engine.release()
    model.project.set_excluded(model.project.cohort.with_excluded({"s4": "motion"}))
    assert (model.health.counts["oblique"], model.health.state("missing")) == (1, "fine")
    model.toggle_check("oblique")
    assert model.rows.ids(0, 9) == ["s1"]
    assert model.health.progress == "Checked 6 samples: 1 sample with findings"


def test_all_samples_are_checked_again_when_it_is_asked_for(model: DataModel, engine: FakeEngine) -> None:
    engine.hold = set()
    engine.release()
    assert model.health.start_words == "Check again"
    engine.answers["health"] = {"findings": [], "passports": [], "next": None, "total": 6}
    model.health.resume()
    assert model.health.progress == "Checked 6 samples: nothing found"
    assert "findings" not in model.rows.columns


def test_it_pauses_and_goes_on_where_it_was(model: DataModel, engine: FakeEngine) -> None:
    engine.release()
    model.health.pause()
    engine.held.clear()
    assert (model.health.running, model.health.progress) == (False, "Paused: 2 of 6 samples")
    model.health.resume()
    assert engine.asked[-1][1]["start"] == 2


def test_a_file_that_kills_its_reader_is_tried_again_and_then_told(model: DataModel, engine: FakeEngine) -> None:
    engine.answers["health"] = FuseError("the reader died of bad.nii")
    engine.hold = set()
    engine.release()
    assert engine.methods().count("health") == TRIES
    assert engine.asked[-1][1]["seconds"] == 0, "one by one: what a reader did before it died is lost"
    assert "stopped after 0 of 6 samples: the reader died of bad.nii" in model.health.progress
    assert model.project.problems == (), "the panel says it, the strip is for what a person asked for"
    engine.answers["health"] = health
    model.health.resume()
    assert model.health.progress.startswith("Checked 6")


def test_another_pipeline_starts_the_checks_again(model: DataModel, engine: FakeEngine) -> None:
    engine.hold = set()
    engine.release()
    asked = engine.methods().count("health")
    model.project.edit(("training", "checkpoint_steps"), 7)
    assert engine.methods().count("health") == asked
    model.project.edit(("data", "input", "image", 0, "LoadImage", "column"), "other")
    assert engine.methods().count("health") == asked + 4
    assert model.health.counts["oblique"] == 2


def test_every_check_has_a_bit_of_its_own(model: DataModel, engine: FakeEngine) -> None:
    engine.hold = set()
    engine.answers["health"] = {
        "findings": [Finding(name, "s0", name).to_json() for name in CHECKS], "passports": [], "next": None,
        "total": 6,
    }  # fmt: skip
    model.health.reset()
    model.health.start()
    assert model.rows.text(0, "findings") == ", ".join(check.title for check in CHECKS.values())
    assert all(model.rows.flag(f"check:{name}", 0) and not model.rows.flag(f"check:{name}", 1) for name in CHECKS)


def test_what_concerns_the_whole_cohort_is_looked_at_again_without_a_sample(
    model: DataModel, engine: FakeEngine
) -> None:
    engine.answers["health"] = lambda start, **_: {
        "findings": [
            Finding("duplicate_content", name, "twins").to_json()
            for name in ("s1", "s2")
            if start == 6 and not model.project.cohort.excluded
        ]
        + ([Finding("oblique", "s1", "turned").to_json()] if start == 0 else []),
        "passports": [], "next": 6 if start < 6 else None, "total": 6,
    }  # fmt: skip
    engine.hold = set()
    engine.release()
    checks, asked = model.health, engine.methods().count("health")
    assert (checks.counts["duplicate_content"], checks.counts["oblique"]) == (2, 1)
    model.project.set_excluded(model.project.cohort.with_excluded({"s2": "twin"}))
    assert (checks.counts["duplicate_content"], checks.counts["oblique"]) == (0, 1)
    assert [args["start"] for name, args in engine.asked if name == "health"][asked:] == [6], "and no other slice"
    assert checks.messages(1) == ["turned"]
    model.project.set_excluded(model.project.cohort.with_excluded({}))
    assert checks.counts["duplicate_content"] == 2


def test_what_belongs_to_no_sample_is_told_once(model: DataModel, engine: FakeEngine) -> None:
    odd = [Finding("unmatched", "", f"mask {n} has no image") for n in range(6)]
    engine.answers["health"] = lambda start, **_: {
        "findings": [one.to_json() for one in odd] if start == 0 else [], "passports": [],
        "next": 6 if start < 6 else None, "total": 6,
    }  # fmt: skip
    engine.hold = set()
    engine.release()
    lines = model.health.remarks.split("\n")
    assert lines[0] == "• Unmatched files: mask 0 has no image"
    assert (len(lines), lines[-1]) == (5, "… and 2 more")
    assert "mask 5 has no image" in model.health.help("unmatched")
    assert model.project.problems == ()
    model.toggle_check("unmatched")
    assert (model.rows.filter, len(model.rows)) == ("", 6), "there is no sample to show"


def test_what_source_and_sample_both_say_is_said_once(model: DataModel, engine: FakeEngine) -> None:
    told = [
        Finding("series", "s1", "2 slices missing"),
        Finding("series", "s1", "2 slices missing; expected all"),
        Finding("series", "s1", "2 slices missing"),
        Finding("missing", "s1", "2 slices missing"),
    ]
    engine.answers["health"] = {
        "findings": [one.to_json() for one in told], "passports": [], "next": None, "total": 6,
    }  # fmt: skip
    engine.release()
    assert model.health.messages(1) == ["2 slices missing; expected all", "2 slices missing"]
