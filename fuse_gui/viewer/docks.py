"""The dock widgets that napari.yaml names; all docks of one window share one project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

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


def data(napari_viewer: Viewer) -> QWidget:
    """Return the dock that lists the samples."""
    return DataView(DataModel(project_of(napari_viewer)))


def processors(napari_viewer: Viewer) -> QWidget:
    """Return the dock that shows a sample after every processor."""
    return ProcessorsView(ProcessorsModel(project_of(napari_viewer)))


def augmentation(napari_viewer: Viewer) -> QWidget:
    """Return the dock that shows what augmentation does."""
    return AugmentationView(AugmentationModel(project_of(napari_viewer)))


def model(napari_viewer: Viewer) -> QWidget:
    """Return the dock with the forms of model, losses and metrics."""
    return ModelView(ModelModel(project_of(napari_viewer)))


def training(napari_viewer: Viewer) -> QWidget:
    """Return the dock that starts and watches runs."""
    return TrainingView(TrainingModel(project_of(napari_viewer)))


def inference(napari_viewer: Viewer) -> QWidget:
    """Return the dock that predicts and explains the chosen sample."""
    return InferenceView(InferenceModel(project_of(napari_viewer)))


def analysis(napari_viewer: Viewer) -> QWidget:
    """Return the dock with the results of a run, sample by sample."""
    return AnalysisView(AnalysisModel(project_of(napari_viewer)))
