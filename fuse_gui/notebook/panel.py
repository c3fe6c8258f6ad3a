"""The panels of one experiment as tabs in a notebook."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets

from fuse_engine.core.experiment import Experiment
from fuse_engine.service.client import Engine
from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.data import DataModel
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.project import Project
from fuse_gui.models.screen import Screen
from fuse_gui.models.training import TrainingModel
from fuse_gui.notebook.augmentation import AugmentationView
from fuse_gui.notebook.builder import BuilderView
from fuse_gui.notebook.data import DataView
from fuse_gui.notebook.processors import ProcessorsView
from fuse_gui.notebook.training import TrainingView


class Panel(widgets.Tab):  # type: ignore[misc]
    """Sample, augmentation, model and run of one experiment; notebooks and windows may watch the same run."""

    def __init__(self, experiment: Experiment | Path | str) -> None:
        """Open an experiment, given as such or as its file, over an engine of its own."""
        self.engine = Engine()
        self.project = Project(self.engine)
        data, processors = DataModel(self.project), ProcessorsModel(self.project)
        augmentation = AugmentationModel(self.project, screen=Screen())
        builder, training = BuilderModel(self.project), TrainingModel(self.project, Screen())
        self.data, self.processors = DataView(data), ProcessorsView(processors)
        self.augmentation, self.builder = AugmentationView(augmentation), BuilderView(builder)
        self.training = TrainingView(training)
        models = (data, processors, augmentation, builder, training)
        views = (self.data, self.processors, self.augmentation, self.builder, self.training)
        super().__init__(views, titles=[model.title for model in models])
        self.add_class("fuse-panel")
        self.observe(lambda _: self._look(), "selected_index")
        self._look()
        if isinstance(experiment, Experiment):
            self.project.start_with(experiment)
        else:
            self.project.open(experiment)

    def _look(self) -> None:
        """Let only the panel compute that is seen, so that choosing a sample stays quick."""
        seen = self.children[self.selected_index or 0]
        self.processors.model.set_active(seen is self.processors)
        self.augmentation.set_active(seen is self.augmentation)
        self.builder.set_active(seen is self.builder)

    def close(self) -> None:
        """Take the panel away and end its engine; training runs go on."""
        self.project.close()
        self.engine.close()
        super().close()
