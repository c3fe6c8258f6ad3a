"""An open toy project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy


@pytest.fixture
def toy_engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def toy_project(toy_engine: FakeEngine, tmp_path: Path) -> Iterator[Project]:
    made = open_toy(toy_engine, tmp_path)
    yield made
    made.close()
