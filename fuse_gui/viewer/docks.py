"""The dock widgets that napari.yaml names; all docks of one window share one project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuse_gui.models.analysis import AnalysisModel
from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.data import DataModel
from fuse_gui.models.inference import InferenceModel
from fuse_gui.models.model import ModelModel
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.training import TrainingModel
from fuse_gui.qt.analysis import AnalysisView
from fuse_gui.qt.augmentation import AugmentationView
from fuse_gui.qt.data import DataView
from fuse_gui.qt.inference import InferenceView
from fuse_gui.qt.model import ModelView
from fuse_gui.qt.processors import ProcessorsView
from fuse_gui.qt.training import TrainingView
from fuse_gui.viewer.session import project_of

if TYPE_CHECKING:
    from napari import Viewer


class DataDock(DataView):
    """The dock with the samples."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(DataModel(project_of(napari_viewer)))


class ProcessorsDock(ProcessorsView):
    """The dock with a sample after every processor."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(ProcessorsModel(project_of(napari_viewer)))


class AugmentationDock(AugmentationView):
    """The dock with what augmentation does."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(AugmentationModel(project_of(napari_viewer)))


class ModelDock(ModelView):
    """The dock with the forms of model, losses and metrics."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(ModelModel(project_of(napari_viewer)))


class TrainingDock(TrainingView):
    """The dock with runs and their curves."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(TrainingModel(project_of(napari_viewer)))


class InferenceDock(InferenceView):
    """The dock with predictions and heatmaps of the chosen sample."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(InferenceModel(project_of(napari_viewer)))


class AnalysisDock(AnalysisView):
    """The dock with the results of a run, sample by sample."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(AnalysisModel(project_of(napari_viewer)))
