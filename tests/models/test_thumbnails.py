"""Pictures of the rows in view, asked for in the background."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_gui.models.project import Project
from fuse_gui.models.thumbnails import CHUNK, TRIES, ThumbnailsModel
from tests.gui_engine import FakeEngine, cohort_reply
from tests.gui_runs import toy


def thumbnails(ids: list[str], size: int, **_: Any) -> dict[str, Any]:
    """Five samples a request; every third one has no picture."""
    made = [
        {"id": name, "planes": None, "error": "no file"}
        if int(name[1:]) % 3 == 2
        else {"id": name, "planes": np.full((3, size, size), int(name[1:]), np.uint8), "error": ""}
        for name in ids[:5]
    ]
    return {"thumbnails": made, "rest": ids[5:]}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(cohort=cohort_reply(40), thumbnails=thumbnails)


@pytest.fixture
def model(engine: FakeEngine, tmp_path: Path) -> Iterator[ThumbnailsModel]:
    project = Project(engine, catalog=Catalog())
    project.open(toy(tmp_path))
    yield ThumbnailsModel(project)
    project.close()


def asked(engine: FakeEngine) -> list[list[str]]:
    return [args["ids"] for method, args in engine.asked if method == "thumbnails"]


def test_all_rows_in_view_get_their_picture_a_few_at_a_time(model: ThumbnailsModel, engine: FakeEngine) -> None:
    ids = [f"s{number}" for number in range(20)]
    model.look_at(ids)
    first = model.of("s1")
    assert first is not None
    assert (first.shape, int(first.max()), model.planes) == ((3, 48, 48), 1, 3)
    assert (model.of("s2"), model.error("s2")) == (None, "no file")
    assert [len(one) for one in asked(engine)] == [CHUNK, CHUNK, 10, 5]
    model.look_at(ids)
    assert len(asked(engine)) == 4, "what is known is not asked for again"


def test_rows_that_left_the_view_are_not_asked_for(model: ThumbnailsModel, engine: FakeEngine) -> None:
    engine.hold = {"thumbnails"}
    model.look_at(["s0", "s1"])
    model.look_at([f"s{number}" for number in range(10, 20)])
    model.look_at(["s30"])
    engine.hold = set()
    engine.release()
    assert asked(engine) == [["s0", "s1"], ["s30"]]


def test_another_size_or_pipeline_brings_other_pictures(model: ThumbnailsModel, engine: FakeEngine) -> None:
    model.look_at(["s0"])
    model.set_size("large")
    assert model.of("s0") is None
    model.look_at(["s0"])
    large = model.of("s0")
    assert large is not None
    assert large.shape == (3, 128, 128)
    model.project.edit(("data", "input", "image", 0, "LoadImage", "column"), "other")
    assert model.of("s0") is None
    model.set_size("no pictures")
    model.look_at(["s0"])
    assert len(asked(engine)) == 2


def test_what_fails_again_and_again_is_given_up(model: ThumbnailsModel, engine: FakeEngine) -> None:
    engine.answers["thumbnails"] = FuseError("the reader died")
    for _ in range(2):
        model.look_at(["s0"])
    assert len(asked(engine)) == TRIES
    assert model.project.problems == ()
    engine.answers["thumbnails"] = thumbnails
    model.look_at(["s0", "s1"])
    assert model.of("s0") is not None, "other rows are another try"
    assert asked(engine)[-2:] == [["s0"], ["s1"]], "one by one, until it goes well for a while"
