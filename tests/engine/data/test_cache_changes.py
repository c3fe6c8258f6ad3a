"""What changed is said in words, and nothing else is computed again."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Dataset, Disk, Image, LoadImage, Pipeline, Processor, Row, Value
from fuse_engine.data.cache.changes import differences, status
from fuse_engine.data.cache.folder import refuse_strangers, stored
from fuse_engine.data.cache.journal import read_record
from fuse_engine.data.fingerprint import StepPart
from fuse_engine.data.processor import image_of
from fuse_engine.service.caches import cache_status
from fuse_engine.service.work import Work


@pytest.fixture
def boxes(study: Experiment, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Return an experiment with a label map drawn from a cell; only whole values are kept."""
    monkeypatch.setattr(Disk, "pays", lambda self, value, seconds, tuned: False)
    table = study.folder / "cohort.csv"
    head, *lines = table.read_text().splitlines()
    lines = [f'{line},"[[[2,2],[{10 + n},2],[10,12]]]"' for n, line in enumerate(lines)]
    table.write_text("\n".join([f"{head},box", *lines]) + "\n", encoding="utf-8")
    steps = [{"Contours": {"column": "box"}}, {"Resize": {"size": [16, 16]}}]
    return study.changed(("data", "gt", "segmentation"), steps)


def edit(experiment: Experiment, old: str, new: str) -> None:
    table = experiment.folder / "cohort.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new), encoding="utf-8")


def values(experiment: Experiment) -> dict[tuple[str, str], Any]:
    dataset = Dataset.from_experiment(experiment)
    pairs = itertools.product(dataset.ids, dataset.pipelines)
    found = {(name, key): dataset.value(name, key) for name, key in pairs}
    return {place: value.array.copy() if isinstance(value, Image) else value for place, value in found.items()}


def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    calls: list[tuple[str, str]] = []
    original = Pipeline.trace

    def trace(self: Pipeline, row: Row, done: int = 0, value: Value | None = None) -> Any:
        calls.append((row.id, self.where))
        return original(self, row, done, value)

    monkeypatch.setattr(Pipeline, "trace", trace)
    return calls


def test_one_edited_label_changes_exactly_that_sample(boxes: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    before = values(boxes)
    edit(boxes, "[13,2],[10,12]", "[15,2],[10,15]")
    edit(boxes, "m4.png,normal", "m4.png,positive")
    calls = ran(monkeypatch)
    after = values(boxes)
    changed = {place for place in before if not np.array_equal(before[place], after[place])}
    assert changed == {("s3", "data.gt.segmentation"), ("s4", "data.gt.classification")}
    of_files = ("data.input.image", "data.gt.segmentation")
    assert [place for place in calls if place[1] in of_files] == [("s3", "data.gt.segmentation")]


def test_what_changed_is_said(boxes: Experiment) -> None:
    first = status(Dataset.from_experiment(boxes))
    assert (first.cached, first.missing, first.bytes) == (0, 6, 0)
    assert first.changes[0] == (
        "0 of 6 samples of data.input.image are kept; 6 will be computed: never computed before (all)"
    )
    values(boxes)
    whole = status(Dataset.from_experiment(boxes))
    assert (whole.cached, whole.missing) == (6, 0)
    assert whole.bytes == sum(entry.size for entry in stored(boxes.folder / "kept"))
    edit(boxes, "[11,2]", "[10,2]")
    edit(boxes, "[12,2]", "[10,2]")
    os.utime(boxes.folder / "i5.png", (1, 1))
    assert status(Dataset.from_experiment(boxes)).changes == (
        "5 of 6 samples of data.input.image are kept; 1 will be computed: file of `image` changed (1: s5)",
        "3 of 6 samples of data.gt.segmentation are kept; 3 will be computed: "
        "cell `box` changed (2: s1, s2), file of `image` changed (1: s5)",
    )
    resized = boxes.changed(("data", "input", "image", 2, "Resize", "size"), [8, 8])
    line = status(Dataset.from_experiment(resized)).changes[0]
    assert "0 of 6 samples of data.input.image are kept" in line
    assert "step 2 Resize: size [16, 16] -> [8, 8] (all)" in line


def test_what_was_removed_is_said_and_going_back_costs_nothing(boxes: Experiment) -> None:
    values(boxes)
    shifted = boxes.changed(("data", "input", "image", 1, "IntensityWindow", "window"), [0, 200])
    values(shifted)
    assert status(Dataset.from_experiment(boxes)).missing == 0
    for entry in stored(boxes.folder / "kept"):
        entry.path.unlink()
    assert "what was kept is gone (all)" in status(Dataset.from_experiment(shifted)).changes[0]


def test_the_record_holds_no_text_of_a_sample(boxes: Experiment) -> None:
    edit(boxes, "s2,p1", "Doe^Jane,p1")
    values(boxes)
    texts = [path.read_text() for path in (boxes.folder / "kept" / "journal").iterdir()]
    assert len(texts) == 2
    assert not any(word in text for text in texts for word in ("Doe", "[[2,2]", "i3.png", str(boxes.folder)))


def test_a_torn_line_of_the_record_is_passed_over_and_waste_is_removed(boxes: Experiment) -> None:
    values(boxes)
    (first, _) = sorted((boxes.folder / "kept" / "journal").iterdir())
    lines = first.read_bytes().splitlines()
    first.write_bytes(b"\n".join([lines[1][:20], *lines[1:] * 6, b'{"sample": 3', b"\xff"]))
    journal = next(
        found
        for key in ("data.input.image", "data.gt.segmentation")
        if (found := Dataset.from_experiment(boxes).journal(key)) and found.path == first
    )
    assert len(journal.read().latest) == 6
    record, count = read_record(first)
    assert (len(record.latest), count) == (6, 7)


class Slow(Processor):
    """Takes its time, as resampling does."""

    factor: float = 1.0

    def __call__(self, value: Value | None, row: Row) -> Image:
        time.sleep(0.05)
        image = image_of(value, "Slow")
        return Image(image.array * np.float32(self.factor), image.geometry)


class Quick(Processor):
    """Adds a number."""

    shift: float = 0.0

    def __call__(self, value: Value | None, row: Row) -> Image:
        image = image_of(value, "Quick")
        return Image(image.array + np.float32(self.shift), image.geometry)


def test_a_changed_step_goes_on_from_the_slow_one(study: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuse_engine.core.registry._components", _with(Slow, Quick))
    slow = study.changed(("data", "input", "image"), ["LoadImage", "Slow", {"Quick": {"shift": 1.0}}])
    values(slow)
    quick = slow.changed(("data", "input", "image", 2, "Quick", "shift"), 2.0)
    line = status(Dataset.from_experiment(quick)).changes[0]
    assert "6 will be computed; 6 of them from step 2 on: step 2 Quick: shift 1.0 -> 2.0 (all)" in line
    monkeypatch.setattr(Slow, "__call__", lambda self, value, row: pytest.fail("it was kept"))
    after = values(quick)
    off = values(study.changed(("data", "input", "image"), ["LoadImage"]))
    for n in range(6):
        place = (f"s{n}", "data.input.image")
        np.testing.assert_array_equal(after[place], off[place] + 2)


def test_who_changes_a_step_twice_waits_for_it_alone(study: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Disk, "pays", lambda self, value, seconds, tuned: tuned)  # however fast this machine is
    window = ("data", "input", "image", 1, "IntensityWindow", "window")
    values(study)
    values(study.changed(window, [0, 200]))
    assert "from step 1 on" in status(Dataset.from_experiment(study.changed(window, [0, 150]))).changes[0]
    monkeypatch.setattr(LoadImage, "__call__", lambda self, value, row: pytest.fail("it was kept"))
    after = values(study.changed(window, [0, 150]))
    monkeypatch.undo()
    wanted = values(study.changed(window, [0, 150]).changed(("data", "cache"), "Off"))
    assert all(np.array_equal(after[place], wanted[place]) for place in wanted)


def _with(*classes: type[Processor]) -> dict[str, dict[str, Any]]:
    from fuse_engine.core import registry

    found = {kind: dict(known) for kind, known in registry._components.items()}
    found["processor"] |= {cls.__name__: cls for cls in classes}
    return found


def test_steps_that_came_and_went_are_named() -> None:
    def part(name: str, code: str = "a", version: str = "1", **args: Any) -> StepPart:
        return StepPart(name, args, code, {"numpy": version})

    before = [part("Load"), part("Orient"), part("Resize", size=[4, 4])]
    now = [part("Load", code="b"), part("Resize", version="2", size=[4, 4], fill=0), part("Crop")]
    assert differences(before, now) == [
        "step 0 Load: its code changed", "step 1 Orient is gone", "step 1 Resize: fill None -> 0",
        "step 1 Resize: numpy 1 -> 2", "step 2 Crop is new",
    ]  # fmt: skip


def test_the_service_tells_how_the_cache_stands(boxes: Experiment) -> None:
    reports: list[dict[str, Any]] = []
    work = Work(1, "cache_status", {}, reports.append)
    found = cache_status(work, boxes.to_yaml(), str(boxes.folder))
    assert (found["cached"], found["missing"], found["bytes"], len(found["changes"])) == (0, 6, 0, 2)
    values(boxes)
    found = cache_status(work, boxes.to_yaml(), str(boxes.folder))
    assert (found["cached"], found["missing"]) == (6, 0)
    assert reports[0]["text"] == "looking through the cache"


def test_a_folder_with_other_files_is_not_pruned(tmp_path: Path) -> None:
    Disk(folder=tmp_path).keep("ab" * 32, 1)
    refuse_strangers(tmp_path)
    for other in ("letter.txt", "a/notes", "journal/x.txt"):
        path = tmp_path / other
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
        with pytest.raises(FuseError, match=f"holds what is no cached sample.*got {other}"):
            refuse_strangers(tmp_path)
        path.unlink()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(FuseError, match="holds what is no cached sample"):
        refuse_strangers(tmp_path)
    assert len(stored(tmp_path)) == 1
