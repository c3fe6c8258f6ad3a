"""What a window does when it is opened."""

from __future__ import annotations

import gc
from pathlib import Path

from fuse_gui.viewer.launch import keep_with_sample
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy, wait_for


def test_collections_pass_over_what_came_with_the_first_sample(tmp_path: Path) -> None:
    project = open_toy(FakeEngine(), tmp_path)
    frozen = gc.get_freeze_count()
    try:
        keep_with_sample(project, rest=0.01)
        project.select("s1")
        wait_for(lambda: gc.get_freeze_count() > frozen)
        assert not len(project.values_changed), "once a window: what is thrown away later is collected"
    finally:
        gc.unfreeze()
        project.close()
