"""Who is trained on and validated with, from the experiment to the ids that a run logs."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.infer import Predictor, infer
from fuse_engine.run.process import start
from fuse_engine.service.checking import review
from fuse_engine.service.work import Work
from tests.engine.run.story import changed

PLAIN: dict[tuple[str | int, ...], Any] = {
    ("data", "batch"): {"size": 2}, ("run", "infer"): False, ("data", "negative_key"): "data.gt.classification",
}  # fmt: skip
FINDING = {f"s{n:02d}": "positive" if n % 4 > 1 else "normal" for n in range(16)}


def logged(folder: RunFolder, kind: str = "batch") -> list[dict[str, Any]]:
    assert folder.status().state == "finished", folder.status().message
    return [event for event in folder.events()[0] if event["kind"] == kind]


def seen(folder: RunFolder) -> dict[int, Counter[str]]:
    """Return how often each sample came, by stage."""
    found: dict[int, Counter[str]] = {}
    for event in logged(folder):
        found.setdefault(event["stage"], Counter()).update(event["ids"])
    return found


def test_each_stage_uses_the_negatives_it_names(tiny: Experiment) -> None:
    stages = [
        {"epochs": 1, "negatives": "none"}, {"epochs": 2, "negatives": 0.5, "validation_negatives": "all"},
        {"epochs": 1},
    ]  # fmt: skip
    experiment = changed(tiny, {**PLAIN, ("training", "stages"): stages})
    folds = Assembly.of(experiment).folds
    positive = [name for name in folds.train if FINDING[name] == "positive"]
    negative = [name for name in folds.train if FINDING[name] == "normal"]
    order = list(negative)
    random.seed(23232)
    random.shuffle(order)
    found = seen(start(experiment))
    assert found[0] == Counter(positive)
    assert found[1] == Counter([*positive, *order[: round(len(positive) * 0.5)]] * 2)
    assert found[2] == Counter(folds.train)
    sizes = [len(Assembly.of(experiment).validation(stage)) for stage in range(3)]
    assert sizes == [sum(FINDING[name] == "positive" for name in folds.validation), 4, 4]


def test_a_run_with_stages_of_other_lengths_goes_on_where_it_was(tiny: Experiment) -> None:
    stages = [{"epochs": 2, "negatives": "none"}, {"epochs": 1}]
    experiment = changed(tiny, {**PLAIN, ("training", "stages"): stages})
    whole = start(experiment)
    table = Assembly.of(experiment).timetable()
    assert [event["step"] for event in logged(whole, "epoch")] == [table.start(epoch) for epoch in (1, 2, 3)]
    assert logged(whole)[-1]["steps"] == table.steps == len(logged(whole))


def test_an_empty_cell_makes_a_sample_negative(tiny: Experiment) -> None:
    table = tiny.folder / "cohort.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["note"] = "seen" if row["finding"] == "positive" else "  "
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    places = {("data", "negative_key"): None, ("data", "negative_column"): "note"}
    experiment = changed(tiny, {**PLAIN, **places, ("training", "stages"): [{"epochs": 1, "negatives": "none"}]})
    (found,) = seen(start(experiment)).values()
    assert {FINDING[name] for name in found} == {"positive"}


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({("data", "negative_key"): None}, "data.negative_key: nothing says which samples are negative"),
        ({("data", "negative_key"): "data.gt.segmentation"}, "data.negative_key: .*is made from files"),
        (
            {("data", "negative_column"): "imag", ("data", "negative_key"): None},
            "'imag' is not there.*mean 'image'",
        ),
        ({("data", "negative_column"): "image"}, "expected negative_key or negative_column, not both"),
    ],
)
def test_negatives_that_cannot_be_told(tiny: Experiment, places: dict[Any, Any], message: str) -> None:
    stages = [{"epochs": 1, "negatives": "none"}]
    with pytest.raises(FuseError, match=message):
        raise FuseError(*check(changed(tiny, {**PLAIN, **places, ("training", "stages"): stages})))


def test_no_positive_sample_is_left(tiny: Experiment) -> None:
    table = tiny.folder / "cohort.csv"
    table.write_text(table.read_text().replace("positive", "normal"))
    stages = [{"epochs": 1}, {"epochs": 1, "negatives": 2}]
    problems = check(changed(tiny, {**PLAIN, ("data", "split", "stratify"): None, ("training", "stages"): stages}))
    assert any(
        "training.stages.1: no positive sample is left for training; expected negatives: all" in str(problem)
        for problem in problems
    )


def test_extra_samples_are_trained_on_and_nothing_else(tiny: Experiment, tmp_path: Path) -> None:
    extra = tmp_path / "other"
    lines = (tiny.folder / "cohort.csv").read_text().splitlines()
    extra.mkdir()
    rows = [line.replace("s0", "x0", 1).replace("p0", "q0") for line in lines[1:4]]
    (extra / "more.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    for number in range(3):
        for kind in ("image", "mask"):
            name = f"{kind}{number:02d}.png"
            (extra / name).write_bytes((tiny.folder / name).read_bytes())
    source = {"Table": {"path": str(extra / "more.csv"), "group": "patient"}}
    places = {
        ("data", "extra_train"): source,
        ("data", "batch", "size"): 4,
        ("training", "stages"): [{"epochs": 1}],
    }
    experiment = changed(tiny, {**PLAIN, **places})
    folder = start(changed(experiment, {("run", "infer"): True}))
    (found,) = seen(folder).values()
    folds = Assembly.of(tiny).folds
    assert found == Counter([*folds.train, "x00", "x01", "x02"])
    assert set(Predictor.load(folder).assembly.ids("test")) == set(folds.test)
    told = review(Work(1, "review", {}, lambda _: None), experiment.to_yaml(), str(experiment.folder))
    assert "19 samples (11 train, 3 of them extra, 4 validation, 4 test)" in told["summary"]


def test_any_column_balances_the_batches(tiny: Experiment) -> None:
    balance = {"column": "finding", "counts": [1, 3], "length": "over_sample"}
    places = {("data", "batch"): {"size": 4, "balance": balance}, ("training", "stages"): [{"epochs": 1}]}
    folder = start(changed(tiny, {**PLAIN, **places}))
    for event in logged(folder):
        assert Counter(FINDING[name] for name in event["ids"]) == {"normal": 1, "positive": 3}
    assert set(seen(folder)[0]) == set(Assembly.of(tiny).folds.train)


def test_a_run_keeps_its_split_when_the_table_changes(tiny: Experiment) -> None:
    folder = start(changed(tiny, PLAIN))
    before = Assembly.of(folder.experiment(), folder.split).folds
    assert folder.split.read_text().startswith("id,fold,part\ns00,")
    table = tiny.folder / "cohort.csv"
    lines = table.read_text().splitlines()
    gone = before.test[0]
    kept = [line for line in lines if not line.startswith(gone)]
    table.write_text("\n".join([kept[0], "new,p99,image00.png,mask00.png,normal,50", *kept[1:]]) + "\n")
    told: list[str] = []
    infer(folder, part="test", say=told.append)
    assert told == [
        "data.split: new since the split was saved, so not used: new",
        f"data.split: in the saved split, but not in the source any more: {gone}",
    ]
    assembly = Assembly.of(folder.experiment(), folder.split)
    assert (assembly.folds.train, assembly.folds.test) == (before.train, before.test[1:])
    assert Assembly.of(folder.experiment()).folds.part_of != assembly.folds.part_of


def test_a_new_run_divides_the_samples_as_an_old_one_did(tiny: Experiment) -> None:
    old = start(changed(tiny, {**PLAIN, ("training", "stages"): [{"epochs": 1}]}))
    saved = {"saved": str(old.split.relative_to(tiny.folder))}
    again = changed(old.experiment(), {("seed",): 8, ("data", "split"): saved})
    assert check(again) == []
    new = start(again)
    assert new.status().state == "finished"
    assert new.split.read_bytes() == old.split.read_bytes()
    old.split.write_text("".join(old.split.read_text().splitlines(keepends=True)[:-1]))
    (problem,) = check(again)
    assert "data.split.saved: split.csv does not list the sample 's15'; expected the samples" in str(problem)
    assert Assembly.of(new.experiment(), new.split).folds.remarks == ()  # the new run has a split of its own


def test_a_file_in_two_parts_stops_a_run(tiny: Experiment) -> None:
    folds = Assembly.of(tiny).folds
    table = tiny.folder / "cohort.csv"
    one, two = (f"image{name[1:]}.png" for name in (folds.train[0], folds.test[0]))
    table.write_text(table.read_text().replace(two, one))
    (problem,) = check(tiny)
    assert f"the same file is in two parts: '{one}'" in str(problem)
    assert start(tiny).status().state == "failed"
