"""Notebooks in a real kernel and a real browser, on a small experiment, away from the user's Jupyter folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuse_engine.run.child import import_path
from fuse_engine.testing import tiny_experiment


@pytest.fixture(scope="module")
def notebook_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a small experiment; kernels find the modules of this process and no settings of the user."""
    folder = tmp_path_factory.mktemp("notebook")
    tiny_experiment(folder)
    settings = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(settings / name.lower()))
        patch.setenv("PYTHONPATH", os.pathsep.join(import_path()))
        yield folder
