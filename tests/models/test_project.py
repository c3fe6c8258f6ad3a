"""Stories of the open project: open, edit, undo, select, and everything that goes wrong."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fuse_engine.core.catalog import Catalog, Entry, FieldSpec
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.project import Project
from fuse_gui.models.strip import StripModel
from tests.gui_engine import FakeEngine, picture

TEXT = """
name: toy
data:
  source: {Table: {path: cohort.csv, id: sample}}
  input: {image: [{LoadImage: {column: image}}]}
  gt: {finding: [{Label: {column: finding, classes: [normal, positive]}}]}
model: {Wrap: {}}
training: {stages: [{epochs: 2}]}
"""


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(TEXT)
    (tmp_path / "cohort.csv").write_text("sample,image\n")
    return path


@pytest.fixture
def project(engine: FakeEngine, file: Path) -> Iterator[Project]:
    made = Project(engine, catalog=Catalog(), debounce=0.01)
    assert made.open(file)
    yield made
    made.close()


def wait_for(condition: object, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_opening_reads_the_cohort_and_checks_the_experiment(project: Project, engine: FakeEngine) -> None:
    assert project.experiment is not None
    assert project.experiment.name == "toy"
    assert project.cohort.ids == [f"s{n}" for n in range(6)]
    parts = project.cohort.columns["part"]
    assert [parts.text(row) for row in range(4)] == ["train", "train", "validation", "test"]
    assert engine.methods() == ["cohort", "parts", "validate", "flow"]
    assert project.flow[0]["key"] == "data.input.image"
    assert project.problems == ()


def test_a_broken_file_is_a_problem_and_the_experiment_stays(project: Project, tmp_path: Path) -> None:
    before = project.experiment
    broken = tmp_path / "broken.yaml"
    broken.write_text(TEXT.replace("epochs: 2", "epoch: 2"))
    assert not project.open(broken)
    assert project.experiment is before
    assert "broken.yaml:8" in str(project.problems[0])
    assert project.problems[0].nearest == "epochs"
    assert not project.open(tmp_path / "absent.yaml")
    assert "absent.yaml" in str(project.problems[0])
    assert project.open(tmp_path / "toy.yaml")
    assert project.problems == ()


def test_edits_are_checked_after_a_pause_and_can_be_undone(project: Project, engine: FakeEngine) -> None:
    engine.asked.clear()
    for epochs in (3, 4, 5):
        assert project.edit(("training", "stages", 0, "epochs"), epochs)
    wait_for(lambda: "flow" in engine.methods())
    assert engine.methods() == ["validate", "flow"], "three edits, one check, and the cohort is not read again"
    assert "epochs: 5" in str(engine.asked[0][1]["experiment"])
    project.undo()
    assert project.experiment is not None
    assert project.experiment.training.stages[0].epochs == 4
    project.redo()
    assert project.experiment.training.stages[0].epochs == 5
    assert project.can_undo
    assert not project.can_redo


def test_an_edit_that_does_not_fit_changes_nothing_and_names_the_field(project: Project) -> None:
    before = project.as_yaml()
    assert not project.edit(("training", "stages", 0, "epochs"), -1)
    assert project.as_yaml() == before
    assert project.problems[0].where == "training.stages.0.epochs"
    assert project.problems[0].got == "-1"
    assert not project.edit(("training", "nowhere", "x"), 1)
    assert project.problems[0].where == "training.nowhere.x"
    assert project.edit(("training", "stages", 0, "epochs"), 1)
    assert project.problems == ()


def test_changing_the_source_reads_the_cohort_again(project: Project, engine: FakeEngine) -> None:
    engine.asked.clear()
    project.edit(("data", "source"), {"Table": {"path": "other.csv", "id": "sample"}})
    assert engine.methods()[0] == "cohort"


def test_a_sample_comes_to_the_screen_and_takes_the_overlays_away(project: Project) -> None:
    project.screen.show_picture("heat", picture(0.5))
    project.select("s1")
    image, gt = project.screen.picture("image"), project.screen.picture("gt")
    assert image is not None
    assert image.geometry.spacing == (0.25, 0.5)
    assert gt is not None
    assert gt.label
    assert project.screen.picture("heat") is None
    assert project.values == {"data.gt.finding": "positive"}


def test_the_answer_about_the_former_sample_is_dropped(project: Project, engine: FakeEngine) -> None:
    engine.hold.add("sample")
    engine.answers["sample"] = lambda **a: {
        "image": picture(int(a["id"][1:])),
        "gt": None,
        "keys": {},
        "shown": {},
        "values": {"id": a["id"]},
    }
    project.select("s1")
    project.select("s2")
    assert "reading the sample" in project.busy
    engine.release(1)
    engine.release(0)
    shown = project.screen.picture("image")
    assert shown is not None
    assert np.unique(shown.array) == 2
    assert project.values == {"id": "s2"}
    assert not project.busy


def test_a_file_that_cannot_be_read_names_the_sample_and_the_next_good_one_clears_it(
    project: Project, engine: FakeEngine
) -> None:
    good = engine.answers["sample"]
    engine.answers["sample"] = SampleError("truncated gzip file", sample="s1", expected="2048 bytes", got="1000")
    project.select("s1")
    strip = StripModel(project)
    assert "truncated gzip file (sample s1)" in strip.text
    assert "expected 2048 bytes; got 1000" in strip.text
    assert project.screen.picture("image") is None
    engine.answers["sample"] = good
    project.select("s2")
    assert strip.text == ""


def test_an_answer_that_no_panel_understands_is_shown_not_raised(project: Project, engine: FakeEngine) -> None:
    engine.answers["sample"] = {"image": None}
    project.select("s1")
    assert "could not be shown" in project.problems[0].message
    project.ask("flow", "x", lambda value: 1 / 0)
    assert "ZeroDivisionError" in project.problems[0].got


def test_a_worker_that_died_is_told_and_can_be_dismissed(project: Project, engine: FakeEngine) -> None:
    engine.restarted.emit("the engine died while reading evil.nii.gz; it was restarted")
    assert "evil.nii.gz" in project.problems[0].message
    StripModel(project).dismiss()
    assert project.problems == ()


def test_problems_of_the_experiment_stay_when_the_strip_is_dismissed(project: Project, engine: FakeEngine) -> None:
    engine.answers["validate"] = [{"message": "no head", "where": "model.Wrap"}]
    project.check()
    StripModel(project).dismiss()
    assert [p.where for p in project.problems] == ["model.Wrap"]
    engine.answers["validate"] = []
    project.check()
    assert project.problems == ()


def test_saving_elsewhere_keeps_the_paths_right(engine: FakeEngine, file: Path, tmp_path: Path) -> None:
    path = FieldSpec(name="path", kind="path")
    table = Entry(kind="source", name="Table", sentence="", fields=(path, FieldSpec(name="id", kind="text")))
    project = Project(engine, catalog=Catalog(entries=(table,)))
    project.open(file)
    other = tmp_path / "elsewhere" / "copy.yaml"
    other.parent.mkdir()
    assert project.unsaved is False
    assert project.save(other)
    assert not project.unsaved
    again = Experiment.load(other)
    assert Path(str(again.data.source.args["path"])) == tmp_path / "cohort.csv"
    assert not project.save(tmp_path / "no" / "folder.yaml")
    assert "folder" in str(project.problems[0])
    project.close()


def test_the_other_faces_train_the_same_experiment(project: Project, file: Path, tmp_path: Path) -> None:
    project.edit(("training", "stages", 0, "epochs"), 7)
    project.edit(("name",), "other name")
    words = shlex.split(project.as_command())
    assert words[:3] == ["fuse-gui", "train", str(file)]
    assert Experiment.load(file, words[3:]) == project.experiment
    assert Experiment.from_text(project.as_yaml(), tmp_path) == project.experiment
    compile(project.as_python(), "face", "exec")


def test_a_listener_hears_only_what_changed(project: Project) -> None:
    heard: list[str] = []
    project.experiment_changed.connect(lambda: heard.append("experiment"))
    project.sample_changed.connect(heard.append)
    project.select("s1")
    project.select("s1")
    assert project.experiment is not None
    project.set_experiment(project.experiment)
    assert heard == ["s1"]


def test_what_is_done_aside_reports_its_failure(project: Project) -> None:
    def fail() -> int:
        raise FuseError("disk on fire")

    project.aside(fail, lambda value: None, topic="aside")
    wait_for(lambda: project.problems)
    assert project.problems[0].message == "disk on fire"


def test_the_models_never_import_torch() -> None:
    names = ("project", "data", "training", "inference", "analysis")
    imports = "; ".join(f"import fuse_gui.models.{name}" for name in names)
    code = f"{imports}; import sys; sys.exit([m for m in ('torch', 'qtpy', 'SimpleITK') if m in sys.modules] or 0)"
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path, "PATH": ""}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
