"""Samples read ahead: shown at once, and read again only where their files changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine, picture
from tests.gui_runs import toy


class Files:
    """Samples whose pixels are their version; reading is counted."""

    def __init__(self) -> None:
        self.version: dict[str, int] = {}
        self.read: list[str] = []

    def sample(self, id: str, known: str = "", **_: Any) -> dict[str, Any]:  # noqa: A002 the protocol's name
        fingerprint = f"{id}-{self.version.get(id, 1)}"
        if known == fingerprint:
            return {"fingerprint": fingerprint, "unchanged": True}
        self.read.append(id)
        image = picture(self.version.get(id, 1))
        shown = {"keys": {"image": ["data.input.image"]}, "shown": {"image": "data.input.image"}}
        return {"fingerprint": fingerprint, "image": image, "gt": None, "values": {"id": id}, **shown}


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def model(files: Files, tmp_path: Path) -> Iterator[DataModel]:
    project = Project(FakeEngine(sample=files.sample), catalog=Catalog())
    made = DataModel(project)
    made.open(toy(tmp_path))
    yield made
    project.close()


def shown(model: DataModel) -> float:
    found = model.project.screen.picture("image")
    assert found is not None
    return float(found.array.max())


def test_the_next_samples_are_read_while_this_one_is_looked_at(model: DataModel, files: Files) -> None:
    model.select_row(1)
    assert files.read == ["s1", "s2", "s3", "s0"]
    model.project.engine.hold = {"sample"}  # type: ignore[attr-defined]
    model.step(1)
    assert model.project.values == {"id": "s2"}, "it is shown before the engine has answered"


def test_the_order_and_the_filter_say_which_samples_are_next(model: DataModel, files: Files) -> None:
    model.rows.sort("age", ascending=False)
    model.set_filter("finding==normal")
    model.select_row(0)
    assert files.read == ["s5", "s4", "s2"]


def test_a_file_that_changed_meanwhile_is_read_again(model: DataModel, files: Files) -> None:
    model.select_row(1)
    files.version["s2"] = 7
    model.step(1)
    assert shown(model) == 7
    assert files.read.count("s2") == 2
    model.step(-1)
    assert files.read.count("s1") == 1


def test_another_pipeline_forgets_what_was_read(model: DataModel, files: Files) -> None:
    model.select_row(1)
    model.project.edit(("data", "input", "image", 0, "LoadImage", "column"), "other")
    assert model.project.neighbours.kept("s2") is None


def test_a_neighbour_that_cannot_be_read_is_told_when_it_is_looked_at(model: DataModel) -> None:
    engine: Any = model.project.engine
    good = engine.answers["sample"]
    engine.answers["sample"] = lambda id, **args: FuseError("cut off") if id == "s2" else good(id=id, **args)  # noqa: A006
    model.select_row(1)
    assert model.project.problems == ()
    model.step(1)
    assert "cut off" in model.strip.text
