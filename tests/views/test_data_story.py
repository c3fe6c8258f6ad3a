"""One story of the Data panel, told on Qt and on ipywidgets: look, filter, group, check, exclude."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.exclusions import read_exclusions
from fuse_engine.core.health import Finding, Passport
from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project
from fuse_gui.models.requests import call_now
from fuse_gui.qt.hop import qt_deliver
from tests.gui_engine import FakeEngine, arrow_bytes, cohort_reply, picture
from tests.gui_runs import toy, wait_for
from tests.views.data_notebook import NotebookHand
from tests.views.data_qt import QtHand

MARKUP = '<img src="x" onerror="alert(1)">'


def thumbnails(ids: list[str], size: int, **_: Any) -> dict[str, Any]:
    planes = [np.full((3, size, size), 4 * int(name[1:]), np.uint8) for name in ids]
    made = [{"id": name, "planes": found, "error": ""} for name, found in zip(ids, planes, strict=True)]
    return {"thumbnails": made, "rest": []}


def health(**_: Any) -> dict[str, Any]:
    found = [Finding("oblique", f"s{number}", "turned") for number in (2, 5)]
    found.append(Finding("unmatched", "", "mask9.nrrd has no image"))
    where = Passport("s2", "image", "LPS", (2.0, 0.5, 0.5), (12, 64, 64), 7.5)
    return {
        "findings": [one.to_json() for one in found], "passports": [where.to_json()], "next": None, "total": 60,
    }  # fmt: skip


def cohort(rows: int = 60) -> dict[str, Any]:
    columns = {
        "sample": [f"s{number}" for number in range(rows)],
        "age": [str(30 + number) for number in range(rows)],
        "site": ["Basel" if number % 3 else "Delft" for number in range(rows)],
        "note": [MARKUP if number == 2 else "" for number in range(rows)],
    }
    return {**cohort_reply(), "table": arrow_bytes(columns)}


@pytest.fixture(params=["qt", "notebook"])
def hand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    engine = FakeEngine(cohort=cohort(), thumbnails=thumbnails, health=health)
    on_qt = request.param == "qt"
    bot = request.getfixturevalue("qtbot") if on_qt else None
    project = Project(engine, qt_deliver() if on_qt else call_now, Catalog())  # type: ignore[arg-type]
    project.open(toy(tmp_path))
    model = DataModel(project)
    yield QtHand(model, bot) if on_qt else NotebookHand(model)
    project.close()
    W.Widget.close_all()


def test_samples_are_looked_at_with_their_pictures(hand: Any) -> None:
    assert hand.ids() == [f"s{number}" for number in range(60)]
    wait_for(hand.pictures, work=hand.work)
    hand.click(2)
    assert "Sample s2" in hand.words()
    assert "age: 32" in hand.words()
    assert f"note: {MARKUP}" in hand.words(), "what looks like markup is text"
    assert "image: 12 × 64 × 64 pixels, 2 × 0.5 × 0.5 mm, LPS, oblique 7.5°" in hand.words()
    hand.press("next")
    assert "Sample s3" in hand.words()
    hand.press("previous")
    hand.press("previous")
    assert "Sample s1" in hand.words()


def test_rows_are_filtered_and_ordered(hand: Any) -> None:
    hand.type("age>80 & site==Delft")
    wait_for(lambda: len(hand.ids()) == 3, work=hand.work)
    assert "3 of 60 samples shown" in hand.words()
    hand.sort("age")
    assert hand.ids() == ["s57", "s54", "s51"]
    hand.type("aeg>80")
    wait_for(lambda: "no column 'aeg': ▸aeg◂>80" in hand.words(), work=hand.work)
    assert "did you mean 'age'?" in hand.words()
    assert len(hand.ids()) == 3


def test_a_check_lists_its_samples(hand: Any) -> None:
    assert hand.check("oblique") == "Oblique images  2"
    assert hand.check("constant") == "✓ Constant images"
    assert hand.words().count("mask9.nrrd has no image") == 1
    hand.click_check("oblique")
    assert hand.ids() == ["s2", "s5"]
    assert "2 of 60 samples shown" in hand.words()
    hand.click_check("oblique")
    assert len(hand.ids()) == 60
    assert "Checked 60 samples: 2 samples with findings" in hand.words()


def test_a_group_lists_its_rows(hand: Any) -> None:
    hand.groups()
    hand.view.model.statistics.choose("site")
    assert hand.groups() == ["Basel 40", "Delft 20"]
    hand.click_group(1)
    assert len(hand.ids()) == 20
    assert hand.groups() == ["Delft 20"]
    hand.click_group(0)
    assert len(hand.ids()) == 60


def test_a_sample_is_left_out_and_taken_in_again(
    hand: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, excluded = tmp_path / "excluded.csv", dict[str, str]()
    engine = hand.view.model.project.engine
    engine.answers["cohort"] = lambda **_: {**cohort(), "excluded": read_exclusions(file)}
    engine.answers["parts"] = {"parts": np.zeros(60, np.int8), "problems": []}
    hand.click(1)
    hand.exclude("motion", monkeypatch)
    wait_for(lambda: "excluded: motion" in hand.words(), work=hand.work)
    assert read_exclusions(file) == {"s1": "motion"}
    hand.press("undo")
    wait_for(lambda: read_exclusions(file) == excluded, work=hand.work)
    wait_for(lambda: "excluded: motion" not in hand.words(), work=hand.work)


def test_keys_go_through_the_samples(hand: Any) -> None:
    hand.click(4)
    for letter, sample in (("d", "s5"), ("D", "s6"), ("a", "s5"), ("a", "s4"), ("a", "s3")):
        hand.key(letter)
        assert f"Sample {sample}" in hand.words()
    hand.key(" ")
    assert not hand.view.model.truth_shown


def test_several_samples_are_left_out_at_once(hand: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "excluded.csv"
    engine = hand.view.model.project.engine
    engine.answers["cohort"] = lambda **_: {**cohort(), "excluded": read_exclusions(file)}
    hand.choose([4, 1, 7])
    hand.exclude("motion", monkeypatch)
    wait_for(lambda: file.exists() and hand.view.model.exclusions.can_undo, work=hand.work)
    assert read_exclusions(file) == dict.fromkeys(("s1", "s4", "s7"), "motion")


def test_which_of_several_pictures_is_seen_is_chosen(hand: Any) -> None:
    def sample(chosen: list[str], **_: Any) -> dict[str, Any]:
        keys = {"image": ["data.input.t1", "data.input.t2"], "gt": ["data.gt.mask"]}
        image = next((key for key in keys["image"] if key in chosen), "data.input.t1")
        return {
            "fingerprint": str(chosen), "keys": keys, "shown": {"image": image, "gt": "data.gt.mask"},
            "image": picture(float(image[-1])), "gt": picture(1, label=True), "values": {},
        }  # fmt: skip

    project = hand.view.model.project
    project.engine.answers["sample"] = sample
    hand.click(1)
    wait_for(lambda: hand.menu("image") == ["data.input.t1", "data.input.t2"], work=hand.work)
    assert hand.menu("gt") == []
    hand.pick("image", "data.input.t2")
    wait_for(lambda: project.screen.picture("image").array.max() == 2, work=hand.work)
    hand.press("next")
    hand.work()
    assert project.screen.picture("image").array.max() == 2, "the choice stays for the next samples"


def test_rows_are_found_by_what_a_key_reads(hand: Any) -> None:
    project = hand.view.model.project
    project.edit(("data", "gt", "lesion"), [{"LoadImage": {"column": "note", "label": True}}])
    hand.type("has:lesion")
    wait_for(lambda: hand.ids() == ["s2"], work=hand.work)
    hand.type("has:gt.lesion | has:data.gt.lesion & age>30")
    wait_for(lambda: hand.view.model.rows.filter.endswith("age>30"), work=hand.work)
    assert hand.ids() == ["s2"]
    hand.type("has:leson")
    wait_for(lambda: "did you mean 'lesion'?" in hand.words(), work=hand.work)
    project.edit(("data", "gt", "lesion"), [{"LoadImage": {"column": "site", "label": True}}])
    hand.type("has:lesion")
    wait_for(lambda: len(hand.ids()) == 60, work=hand.work)


def test_keys_belong_to_the_table_and_letters_to_the_filter(qtbot: Any, tmp_path: Path) -> None:
    from qtpy.QtCore import Qt

    project = Project(FakeEngine(cohort=cohort()), qt_deliver(), Catalog())  # type: ignore[arg-type]
    project.open(toy(tmp_path))
    hand = QtHand(DataModel(project), qtbot)
    hand.click(4)
    for key, expected in ((Qt.Key.Key_D, "s5"), (Qt.Key.Key_A, "s4"), (Qt.Key.Key_A, "s3")):
        qtbot.keyClick(hand.view.table, key)
        assert project.sample_id == expected
    qtbot.keyClick(hand.view.table, Qt.Key.Key_Space)
    assert not hand.view.truth.isChecked()
    qtbot.keyClicks(hand.view.filter, "delft and d")
    assert (project.sample_id, hand.view.filter.text()) == ("s3", "delft and d")
    qtbot.keyClick(hand.view.table, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert project.sample_id == "s3"
    project.close()


def test_several_rows_are_left_out_at_once(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qtpy.QtCore import Qt

    project = Project(FakeEngine(cohort=cohort()), qt_deliver(), Catalog())  # type: ignore[arg-type]
    project.open(toy(tmp_path))
    hand = QtHand(DataModel(project), qtbot)
    hand.click(1)
    table = hand.view.table
    at = table.visualRect(table.model().index(3, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, at)
    hand.exclude("motion", monkeypatch)
    wait_for(lambda: (tmp_path / "excluded.csv").exists(), work=hand.work)
    wait_for(lambda: hand.view.undo.isEnabled(), work=hand.work)
    assert list(read_exclusions(tmp_path / "excluded.csv")) == ["s1", "s2", "s3"]
    project.close()


def test_cells_are_plain_text_in_tooltips_too(qtbot: Any, tmp_path: Path) -> None:
    from qtpy.QtCore import Qt

    project = Project(FakeEngine(cohort=cohort()), qt_deliver(), Catalog())  # type: ignore[arg-type]
    project.open(toy(tmp_path))
    table = QtHand(DataModel(project), qtbot).view.table.model()
    column = [table.headerData(n, Qt.Orientation.Horizontal) for n in range(table.columnCount())].index("note")
    assert table.index(2, column).data() == MARKUP
    assert html.escape(MARKUP) in table.index(2, column).data(Qt.ItemDataRole.ToolTipRole)
    project.close()
