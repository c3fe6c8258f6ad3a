"""The window's process never loads what computes: that belongs to the engine's processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fuse_engine.run.child import import_path

HEAVY = "print(sorted({'torch', 'monai', 'lightning_fabric', 'tensorboard'} & set(sys.modules)))"
IMPORT = f"import sys, fuse_gui, fuse_gui.viewer; {HEAVY}"
DOCKS = f"""
import sys, warnings
warnings.simplefilter("ignore")
from qtpy.QtWidgets import QApplication
from fuse_gui.viewer.launch import open_window
viewer, docks = open_window()
for _ in range(20):
    QApplication.processEvents()
assert len(docks) == 7
{HEAVY}
viewer.close()
"""


def heavy_after(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(import_path())}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_importing_the_application_loads_no_torch() -> None:
    assert heavy_after(IMPORT) == "[]"


@pytest.mark.napari
def test_opening_all_docks_loads_no_torch() -> None:
    assert heavy_after(DOCKS) == "[]"
