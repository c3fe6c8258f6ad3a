"""`show(experiment)` in a real kernel: what a notebook would display, and that it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SHOW = "from fuse_gui.notebook import show\npanel = show('tiny.yaml')"
WAIT = """
import time
def wait(done, seconds=60):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, panel.project.problems
        time.sleep(0.02)
"""
SELECT = """
rows = panel.data.table.rows
wait(lambda: [row for row in rows.children if row.choose.description == "s02" and row.picture.value])
next(row for row in rows.children if row.choose.description == "s02").choose.click()
wait(lambda: panel.project.screen.picture('gt') is not None and panel.project.values)
wait(lambda: "found" in panel.data.health.progress.text or "findings" in panel.data.health.progress.text)
print(panel.data.sample.text, panel.data.details.value)
"""
CLOSE = "import sys\npanel.close()\nprint('torch' in sys.modules)"


def execute(folder: Path, *cells: str) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, timeout=90, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def printed(cell: Any) -> str:
    return "".join(output["text"] for output in cell["outputs"] if output["output_type"] == "stream")


def test_the_panel_runs_in_a_kernel(notebook_folder: Path) -> None:
    done = execute(notebook_folder, SHOW, WAIT, SELECT, CLOSE)
    shown = done["cells"][0]["outputs"][0]["data"]
    assert "application/vnd.jupyter.widget-view+json" in shown
    state = done["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    classes = {name for model in state for name in model["state"].get("_dom_classes", ())}
    assert {"fuse-panel", "fuse-data", "fuse-screen"} <= classes
    assert "Sample s02" in printed(done["cells"][2])
    assert "mask02.png" in printed(done["cells"][2])
    assert printed(done["cells"][3]).strip() == "False"
