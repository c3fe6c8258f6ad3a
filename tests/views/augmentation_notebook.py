"""The hand on the Augmentation panel that ipywidgets draw."""

from __future__ import annotations

from fuse_gui.notebook.augmentation import AugmentationView
from tests.views.steps import NotebookSteps


class NotebookPanel(NotebookSteps):
    draws = AugmentationView
