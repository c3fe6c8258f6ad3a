"""With the gate no run starts on samples that are wrong; what happens to single bad samples is one's choice."""

from __future__ import annotations

import shutil

import pytest

from fuse_engine.core.errors import ExperimentError, RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.failed import list_failed, read_failed
from fuse_engine.run.gate import refuse_unhealthy, truth_classes
from fuse_engine.run.process import start


def with_checks(experiment: Experiment, **checks: object) -> Experiment:
    return experiment.changed(("data", "checks"), checks)


def copy_across(experiment: Experiment) -> tuple[str, str]:
    """Give a training sample the pixels of a test sample."""
    folds = Assembly.of(experiment).folds
    one, other = folds.train[0], folds.test[0]
    shutil.copy(experiment.folder / f"image{other[1:]}.png", experiment.folder / f"image{one[1:]}.png")
    return one, other


def test_the_gate_names_what_blocks_and_how_to_go_on(tiny: Experiment) -> None:
    one, other = copy_across(tiny)
    status = start(with_checks(tiny, gate=True)).status()
    assert status.state == "failed"
    assert f"sample '{one}': Duplicate content: holds the same pixels as '{other}' (fold " in status.message
    assert "fuse-gui doctor EXPERIMENT" in status.message
    assert "data.checks.ignore" in status.message


def test_without_the_gate_or_with_the_check_ignored_the_run_starts(tiny: Experiment) -> None:
    copy_across(tiny)
    assert start(tiny).status().state == "finished"
    assert start(with_checks(tiny, gate=True, ignore=["duplicate_content"])).status().state == "finished"


def test_the_gate_refuses_a_pipeline_that_loses_the_mask(tiny: Experiment) -> None:
    small = {"Resize": {"size": [4, 4]}}
    for key in (("data", "input", "image"), ("data", "gt", "segmentation")):
        steps = tiny.to_data()["data"][key[1]][key[2]]
        tiny = tiny.changed(key, [*steps, small])
    status = start(with_checks(tiny, gate=True, round_trips=16, dice=0.95)).status()
    assert status.state == "failed"
    assert "round trip: label 1 comes back with a Dice of" in status.message


def test_what_is_ignored_does_not_come_back_as_a_round_trip(tiny: Experiment) -> None:
    bad = Assembly.of(tiny).folds.train[0]
    (tiny.folder / f"mask{bad[1:]}.png").write_bytes(b"")
    with pytest.raises(RunError, match=f"'{bad}': Unreadable"):
        refuse_unhealthy(Assembly.of(with_checks(tiny, gate=True)))
    refuse_unhealthy(Assembly.of(with_checks(tiny, gate=True, ignore=["unreadable"])))


def test_a_bad_sample_stops_the_run_where_that_was_chosen(tiny: Experiment) -> None:
    bad = Assembly.of(tiny).folds.train[3]
    (tiny.folder / f"mask{bad[1:]}.png").write_bytes(b"")
    folder = start(with_checks(tiny, failed="stop"))
    assert folder.status().state == "failed"
    assert "1 sample cannot be used, 0 may be passed over (data.checks)" in folder.status().message
    assert [row["sample"] for row in read_failed(folder.failed)] == [bad]


def test_samples_that_were_passed_over_are_listed_with_step_and_reason(tiny: Experiment) -> None:
    first, second = Assembly.of(tiny).folds.train[3:5]
    for name in (first, second):
        (tiny.folder / f"mask{name[1:]}.png").write_bytes(b"")
    folder = start(with_checks(tiny, failed_share=0.25))
    assert folder.status().state == "finished"
    rows = {row["sample"]: row for row in read_failed(folder.failed)}
    assert set(rows) == {first, second}
    assert rows[first]["step"] == "data.gt.segmentation.0.LoadImage"
    assert rows[first]["reason"].endswith(f"mask{first[1:]}.png is empty")
    assert str(tiny.folder) not in folder.failed.read_text()
    told = {event["sample"] for event in folder.events()[0] if event["kind"] == "warning"}
    assert {first, second} <= told


def test_a_sample_is_listed_once_whatever_its_name(tmp_path) -> None:
    path = tmp_path / "failed.csv"
    for name in ('a,"b"\nc', "é", 'a,"b"\nc'):
        list_failed(path, name, "data.input.image.0.LoadImage", "cut off, or\nworse")
    assert [row["sample"] for row in read_failed(path)] == ['a,"b"\nc', "é"]


def test_the_classes_of_the_model_are_known_without_a_sample(tiny: Experiment) -> None:
    assert truth_classes(tiny) == {"data.gt.classification": 2, "data.gt.segmentation": 2}
    assert truth_classes(tiny.changed(("model", "MultiHead", "heads"), {})) == {}


def test_an_unknown_check_cannot_be_ignored(tiny: Experiment) -> None:
    with pytest.raises(ExperimentError, match="did you mean 'mask_grid'"):
        with_checks(tiny, ignore=["maskgrid"])
