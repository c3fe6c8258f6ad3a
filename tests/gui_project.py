"""An open toy project over an engine that answers from a dict, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuse_engine.core.experiment import Experiment
from fuse_gui.models.project import Project
from fuse_gui.models.requests import Deliver, call_now
from tests.gui_engine import FakeEngine
from tests.gui_toys import CATALOG, EXPERIMENT


def open_toy(engine: FakeEngine, folder: Path, deliver: Deliver = call_now) -> Project:
    made = Project(engine, deliver, CATALOG, debounce=0.01)  # type: ignore[arg-type]
    made.start_with(Experiment.from_text(EXPERIMENT, folder))
    return made


def wait_for(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
