"""The dock widgets that napari.yaml names; all docks of one window share one project."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import QDockWidget, QFrame, QScrollArea, QWidget

from fuse_gui.models.analysis import AnalysisModel
from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.data import DataModel
from fuse_gui.models.inference import InferenceModel
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.training import TrainingModel
from fuse_gui.qt.analysis import AnalysisView
from fuse_gui.qt.augmentation import AugmentationView
from fuse_gui.qt.builder import BuilderView
from fuse_gui.qt.data import DataView
from fuse_gui.qt.inference import InferenceView
from fuse_gui.qt.processors import ProcessorsView
from fuse_gui.qt.training import TrainingView
from fuse_gui.viewer.boxes import BoxLayer
from fuse_gui.viewer.keys import bind_keys
from fuse_gui.viewer.session import project_of
from fuse_gui.viewer.slices import follow_slices

if TYPE_CHECKING:
    from napari import Viewer


class Room(QWidget):  # type: ignore[misc]
    """Gives a panel all the room there is.

    A scroll area that holds a panel itself makes it as high as its wrapped texts would like, and scrolls too soon.
    """

    def __init__(self, view: Any) -> None:
        """Take the panel."""
        super().__init__()
        self.view = view
        view.setParent(self)

    def minimumSizeHint(self) -> QSize:
        """Return what the panel needs at its width: texts that wrap need more than their shortest line."""
        hint, layout = self.view.minimumSizeHint(), self.view.layout()
        high = layout.minimumHeightForWidth(self.width()) if layout.hasHeightForWidth() else 0
        return QSize(hint.width(), max(hint.height(), high))

    def event(self, event: Any) -> bool:
        """Pass on that the panel needs more or less room: there is no layout here that would."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().event(event))

    def resizeEvent(self, event: Any) -> None:
        """Resize the panel as well."""
        self.view.resize(self.size())


class Dock(QScrollArea):  # type: ignore[misc]
    """A panel in the window: it scrolls where the window is too low, instead of making the window higher."""

    def __init__(self, view: Any, looked_at: Callable[[bool], None] = lambda _: None) -> None:
        """Take the panel, which never scrolls sideways, and what is told whether it is looked at."""
        super().__init__()
        self.view = view
        self._looked_at = looked_at
        self._frame: Any = None
        self.setWidget(Room(view))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(view.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width())

    def showEvent(self, event: Any) -> None:
        """Follow the frame that the window has put around the panel."""
        super().showEvent(event)
        frame = self.parentWidget()
        while frame is not None and not isinstance(frame, QDockWidget):
            frame = frame.parentWidget()
        if frame is not None and frame is not self._frame:
            self._frame = frame
            frame.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Tell whether the panel is looked at; Qt moves the frames of hidden tabs away and calls them visible."""
        if watched is self._frame and event.type() in (QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide):
            here = watched.isFloating() or watched.geometry().right() >= 0
            self._looked_at(bool(watched.isVisible() and here))
        return bool(super().eventFilter(watched, event))


class DataDock(Dock):
    """The dock with the samples."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        model = DataModel(project_of(napari_viewer))
        super().__init__(DataView(model))
        bind_keys(napari_viewer, model)


class ProcessorsDock(Dock):
    """The dock with a sample after every processor."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        model = ProcessorsModel(project_of(napari_viewer))
        super().__init__(ProcessorsView(model), model.set_active)


class AugmentationDock(Dock):
    """The dock with what augmentation does."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        model = AugmentationModel(project_of(napari_viewer))
        super().__init__(AugmentationView(model), model.set_active)
        follow_slices(napari_viewer, model.look)


class ModelDock(Dock):
    """The dock that puts a model together."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        model = BuilderModel(project_of(napari_viewer))
        super().__init__(BuilderView(model), model.set_active)
        self.boxes = BoxLayer(napari_viewer, model.boxes)


class TrainingDock(Dock):
    """The dock with runs and their curves."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(TrainingView(TrainingModel(project_of(napari_viewer))))


class InferenceDock(Dock):
    """The dock with predictions and heatmaps of the chosen sample."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(InferenceView(InferenceModel(project_of(napari_viewer))))


class AnalysisDock(Dock):
    """The dock with the results of a run, sample by sample."""

    def __init__(self, napari_viewer: Viewer) -> None:
        """Join the project of the window; napari finds the argument by its name."""
        super().__init__(AnalysisView(AnalysisModel(project_of(napari_viewer))))
