"""The notebook panels: `show(experiment)` displays them; torch stays in the engine's own process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuse_engine.core.experiment import Experiment
    from fuse_gui.notebook.panel import Panel


def show(experiment: Experiment | Path | str) -> Panel:
    """Display the panels of an experiment, given as such or as its file, and return them."""
    from IPython.display import display

    from fuse_gui.notebook.panel import Panel

    panel = Panel(experiment)
    display(panel)
    return panel
