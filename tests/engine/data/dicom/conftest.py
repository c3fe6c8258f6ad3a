"""A scanner, a grid and numbers for the tests of DICOM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Row
from tests.dicom_files import Scanner, grid, turned


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the scans of a test in a folder of its own."""
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    return Scanner(tmp_path)


@pytest.fixture
def oblique() -> Geometry:
    return grid((7, 9, 11), (0.8, 0.6, 2.5), turned())


@pytest.fixture
def numbers() -> np.ndarray:
    """Return stored CT numbers (z, y, x)."""
    return np.random.default_rng(0).integers(0, 3000, (7, 9, 11)).astype(np.int16)


@pytest.fixture
def row_of(tmp_path: Path) -> Callable[..., Row]:
    """Return a function that makes a row of the given cells."""

    def make(**cells: object) -> Row:
        return Row("s1", "s1", None, {name: str(cell) for name, cell in cells.items()}, tmp_path)

    return make
