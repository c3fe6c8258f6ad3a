"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REAL = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real images; it is not part of the repository."""
    folder = Path(os.environ.get("FUSE_TEST_DATA") or _REAL).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder} (FUSE_TEST_DATA names another folder)")
    return folder
