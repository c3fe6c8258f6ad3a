"""The window asks for the health of a cohort in slices; all of them together are what one look would tell."""

from __future__ import annotations

import pytest

from fuse_engine.core.exclusions import write_exclusions
from fuse_engine.core.health import Finding, Passport
from fuse_engine.data import read_cohort
from fuse_engine.run.gate import all_findings
from fuse_engine.service.health import health, roundtrip
from fuse_engine.service.work import Cancelled, Work
from fuse_engine.testing import tiny_experiment


@pytest.fixture
def sick(tmp_path):
    experiment = tiny_experiment(tmp_path / "sick")
    (tmp_path / "sick" / "image03.png").unlink()
    (tmp_path / "sick" / "image09.png").write_bytes((tmp_path / "sick" / "image02.png").read_bytes())
    return experiment


def asked(experiment, start, seconds=0.0, work=None):
    work = work or Work(1, "health", {}, lambda message: None)
    return health(work, experiment.to_yaml(), str(experiment.folder), start, seconds)


def whole(experiment):
    """Ask for the whole cohort until it was looked at; return the findings and the number of slices."""
    replies = [asked(experiment, 16)]
    while replies[-1]["next"] is not None:
        assert (replies[-1]["next"], replies[-1]["findings"]) == (16, [])
        replies.append(asked(experiment, 16))
    return replies[-1]["findings"], len(replies)


def test_slices_make_up_the_whole(sick):
    start, findings, passports, replies = 0, [], [], 0
    while start is not None:
        reply = asked(sick, start)
        findings += [Finding.from_json(item) for item in reply["findings"]]
        passports += [Passport.from_json(item) for item in reply["passports"]]
        start, replies = reply["next"], replies + 1
    assert (replies > 17, reply["total"]) == (True, 16)  # the whole cohort takes slices of its own
    assert sorted(map(str, findings)) == sorted(map(str, all_findings(sick, read_cohort(sick))))
    assert {(item.check, item.sample) for item in findings if item.check != "empty_label"} == {
        ("missing", "s03"), ("duplicate_content", "s02"), ("duplicate_content", "s09")
    }  # fmt: skip
    assert {item.column for item in passports if item.sample == "s03"} == {"data.gt.segmentation"}
    assert {item.grid_matches for item in passports if item.column == "data.gt.segmentation"} == {True, None}


def test_a_worker_that_was_started_again_can_go_on_in_the_middle(sick):
    findings, slices = whole(sick)
    assert slices > 16  # a slice without time looks at one sample
    assert {item["sample"] for item in findings if item["check"] == "duplicate_content"} == {"s02", "s09"}


def test_more_time_brings_more_samples_and_a_changed_file_is_seen(sick):
    first = asked(sick, 0, seconds=60)
    assert first["next"] == 16
    (sick.folder / "image03.png").write_bytes((sick.folder / "image04.png").read_bytes())
    again = asked(sick, 0, seconds=60)
    assert "missing" not in [item["check"] for item in again["findings"]]
    assert {item["sample"] for item in whole(sick)[0] if item["check"] == "duplicate_content"} == {
        "s02", "s03", "s04", "s09"
    }  # fmt: skip


def test_a_sample_that_is_left_out_meanwhile_moves_no_place(sick):
    changed = sick.changed(("data", "excluded"), "excluded.csv")
    write_exclusions(sick.folder / "excluded.csv", {"s00": "motion", "s09": "twin"})
    reply = asked(changed, 1)
    assert (reply["next"], reply["total"]) == (2, 16)
    assert {item["sample"] for item in reply["passports"]} == {"s01"}
    assert "duplicate_content" not in [item["check"] for item in whole(changed)[0]]


def test_a_look_that_nobody_waits_for_ends(sick):
    work = Work(1, "health", {}, lambda message: None)
    work.cancel()
    with pytest.raises(Cancelled):
        asked(sick, 0, 60, work)


def test_the_round_trip_of_a_sample(sick):
    found = roundtrip(Work(1, "roundtrip", {}, lambda message: None), sick.to_yaml(), str(sick.folder), "s02")
    assert set(found) == {"data.input.image", "data.gt.segmentation"}
    assert all(trip["ok"] and trip["displacement_mm"] == 0 and trip["covered"] == 1 for trip in found.values())
