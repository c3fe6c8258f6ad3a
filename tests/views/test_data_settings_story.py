"""One story of the forms of the Data panel, told on Qt and on ipywidgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import pytest

from fuse_engine.core.catalog import Catalog, catalog
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.sections import Split
from fuse_engine.testing import tiny_experiment
from fuse_gui.models.data_settings import DataSettings
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine


@pytest.fixture(scope="module")
def every() -> Catalog:
    return catalog()


@pytest.fixture
def project(every: Catalog, tmp_path: Path) -> Iterator[Project]:
    made = Project(FakeEngine(), catalog=every, debounce=0.01)  # type: ignore[arg-type]
    made.start_with(tiny_experiment(tmp_path))
    yield made
    made.close()


@pytest.fixture(params=["qt", "notebook"])
def words(request: pytest.FixtureRequest, project: Project) -> Iterator[list[str]]:
    """Open the forms and return every text that is seen."""
    model = DataSettings(project)
    if request.param == "qt":
        from qtpy.QtWidgets import QComboBox, QLabel, QLineEdit

        from fuse_gui.qt.data_settings import DataSettingsView

        bot = request.getfixturevalue("qtbot")
        view = DataSettingsView(model)
        bot.addWidget(view)
        view.show()
        assert not view.findChildren(QLineEdit), "closed forms cost nothing"
        view.open()
        yield [
            *(label.text() for label in view.findChildren(QLabel)),
            *(edit.text() for edit in view.findChildren(QLineEdit)),
            *(menu.currentText() for menu in view.findChildren(QComboBox)),
        ]
    else:
        from fuse_gui.notebook.data_settings import DataSettingsView as NotebookView

        panel = NotebookView(model)
        panel.selected_index = 0

        def texts(widget: Any) -> Iterator[str]:
            yield str(getattr(widget, "text", "") or getattr(widget, "value", ""))
            for child in getattr(widget, "children", ()):
                yield from texts(child)

        yield list(texts(panel))
        W.Widget.close_all()


def test_the_forms_hold_what_the_experiment_says(words: list[str]) -> None:
    for wanted in ("Table", "cohort.csv", "patient", "finding", "Off", "4", "data.gt.classification"):
        assert wanted in words


def test_an_edit_goes_into_the_experiment_and_back(project: Project) -> None:
    model = DataSettings(project)
    source: Any = model.items["source"]
    source.choose("Folder")
    assert project.experiment is not None
    assert project.experiment.data.source.name == "Folder"
    batch: Any = model.items["batch"].find(("size",))
    batch.set("6")
    assert project.experiment.data.batch.size == 6
    project.undo()
    project.undo()
    assert (source.chosen, batch.text()) == ("Table", "4")


def test_the_split_of_an_old_run_can_be_named(project: Project) -> None:
    project.edit(("data", "split"), {})
    model = DataSettings(project)
    saved: Any = model.items["split"].find(("saved",))
    saved.set("runs/split.csv")
    assert project.experiment is not None
    assert project.experiment.data.split == Split(saved=Path("runs/split.csv"))


def test_every_source_and_every_way_to_cut_can_be_chosen(project: Project, every: Catalog) -> None:
    model = DataSettings(project)
    for field, kind in (("source", "source"), ("patches", "patches"), ("cache", "cache")):
        slot: Any = model.items[field]
        assert set(every.of(kind)) <= set(slot.options)
        for name in every.of(kind):
            slot.choose(name)
            assert slot.chosen == name


def test_no_field_of_the_data_is_without_a_form(project: Project) -> None:
    assert project.experiment is not None
    fields = set(Experiment.model_fields["data"].annotation.model_fields)  # type: ignore[union-attr]
    assert set(DataSettings(project).items) == fields - {"input", "gt"}
