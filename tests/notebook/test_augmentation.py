"""What the Augmentation panel of a notebook draws itself, over a toy engine."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import pytest
from PIL import Image
from pydantic import Field

from fuse_engine.core.catalog import Catalog, describe
from fuse_engine.core.keys import Key
from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.palette import class_color, rgb
from fuse_gui.models.screen import Screen
from fuse_gui.notebook.augmentation import AugmentationView
from tests.gui_augmented import ANSWERS, FIX, MASK, augment, sample
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy, wait_for
from tests.gui_toys import CATALOG, Toy

MARKUP = "<img src=x onerror=alert(1)>"


def emptied(draw: Any, **_: Any) -> dict[str, Any]:
    """The label map is gone after augmentation, and a warning looks like markup."""
    reply = augment(draw)
    reply["after"]["data.gt.mask"]["array"] = np.zeros_like(MASK)
    reply["warnings"] = [{"step": "0", "check": "damage", "message": MARKUP, "fixes": [{**FIX, "title": MARKUP}]}]
    return reply


def striped(**_: Any) -> dict[str, Any]:
    """A sample whose label has a border on both sides of the middle."""
    found = sample()
    stripe = np.zeros_like(MASK)
    stripe[..., 1:5] = 1
    return {**found, "gt": {**found["gt"], "array": stripe}}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(**ANSWERS | {"sample": striped, "augment": emptied})


@pytest.fixture
def view(engine: FakeEngine, tmp_path: Path) -> Iterator[AugmentationView]:
    project = open_toy(engine, tmp_path)
    project.select("s1")
    made = AugmentationView(AugmentationModel(project, screen=Screen(), calm=0.01))
    made.set_active(True)
    wait_for(lambda: made.model.is_whole)
    yield made
    project.close()
    W.Widget.close_all()


def green(view: AugmentationView) -> np.ndarray:
    """Return which columns of the picture hold the outline of a label."""
    if not view.stage.image.value:
        return np.zeros(1, bool)
    drawn = np.asarray(Image.open(io.BytesIO(view.stage.image.value)), int)
    return np.asarray((np.abs(drawn - rgb(class_color("gt", 1))).sum(-1) < 60).any(0))


def test_the_wipe_shows_the_outlines_of_the_sample_before(view: AugmentationView) -> None:
    wait_for(lambda: view.stage.image.value and not green(view).any())
    view.stage.wipe.value = 0.5
    wait_for(lambda: green(view).any())
    middle = len(green(view)) // 2
    assert green(view)[: middle - 8].any()
    assert not green(view)[middle + 8 :].any()


def test_what_the_engine_says_is_no_markup(view: AugmentationView) -> None:
    wait_for(lambda: view.guards.children)
    lines = [child for line in view.guards.children for child in getattr(line, "children", (line,))]
    assert any(MARKUP in getattr(line, "text", "") for line in lines)
    assert not any(MARKUP in line.value for line in lines if isinstance(line, W.HTML))
    assert [line.description for line in lines if isinstance(line, W.Button)] == [MARKUP]


def test_nothing_is_computed_while_nobody_looks(view: AugmentationView, engine: FakeEngine) -> None:
    view.more.selected_index = 0
    view.stage.flicker.value = True
    view.set_active(False)
    time.sleep(0.1)
    asked, drawn = len(engine.asked), view.stage.image.value
    view.draw.number.value = 20
    time.sleep(0.2)
    assert [method for method, _ in engine.asked[asked:] if method.startswith("augment")] == []
    assert view.stage.image.value == drawn
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


class Warp(Toy):
    """Moves pixels."""

    keys: list[Key]
    points: list[Key] = Field([])


class Tint(Toy):
    """Changes values."""

    keys: list[Key]


def test_an_added_step_changes_the_pictures_of_the_sample(view: AugmentationView) -> None:
    project = view.model.project
    added = tuple(describe(cls).model_copy(update={"kind": "augmentation"}) for cls in (Warp, Tint))
    project.catalog = Catalog(entries=(*CATALOG.entries, *added))
    project.catalog_changed.emit()
    for name in ("Warp", "Tint"):
        view.steps._menu.value = name
        view.steps._add()
    assert project.experiment is not None
    warp, tint = (step.model_dump() for step in project.experiment.augmentation[-2:])
    assert warp == {"Warp": {"keys": ["data.input.image", "data.gt.mask"]}}
    assert tint == {"Tint": {"keys": ["data.input.image"]}}
    view.model.steps.items[0].choose("Tint")  # type: ignore[attr-defined]
    assert project.experiment.augmentation[0].args == tint["Tint"]
