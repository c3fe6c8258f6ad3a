"""The Inference panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from fuse_gui.models.inference import InferenceModel
from fuse_gui.qt.buttons import form, push
from fuse_gui.qt.controls import HELP, Combo, Text, tooltip
from fuse_gui.qt.sides import COLUMNS, Sides, stack
from fuse_gui.qt.strip import Strip


class InferenceView(QWidget):  # type: ignore[misc]
    """Predict the chosen sample, lay the result over it, and ask what it looked at."""

    def __init__(self, model: InferenceModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-inference")
        self.run, self.status = Text("", ""), Text("", HELP)
        self.result, self.heat, self.limit = Text("", COLUMNS), Text("", HELP), Text("", "")
        self.result.setWordWrap(False)
        self.limit.setWordWrap(False)
        self.checkpoint, self.head, self.target = Combo(), Combo(), Combo()
        self.checkpoint.activated.connect(lambda _: model.set_checkpoint(self.checkpoint.currentText()))
        self.head.activated.connect(lambda _: model.set_head(self.head.currentText()))
        self.target.activated.connect(lambda _: model.set_target(self.target.currentIndex()))
        self.predict = push(model.predict_label, model.predict_help, model.predict)
        self.cancel = push(model.cancel_label, "", model.cancel)
        self.heatmap = push(model.heatmap_label, model.heatmap_help, model.explain)
        self.follow = QCheckBox(model.follow_label)
        self.follow.toggled.connect(model.set_follow)
        self.threshold = _slider(model.threshold, model.set_threshold)
        self.threshold.setToolTip(tooltip(model.threshold_help))
        self._arrange()
        model.changed.connect(self._show)
        self._show()

    def _arrange(self) -> None:
        model = self.model
        self.sliders = {
            name: _slider(percent, lambda value, name=name: model.set_opacity(name, value))
            for name, percent in model.opacities.items()
        }
        chosen = form((model.run_label, self.run), (model.checkpoint_label, self.checkpoint))
        opacities = [(model.opacity_labels[name], slider) for name, slider in self.sliders.items()]
        drawn = form((model.threshold_label, _row(self.threshold, self.limit)), *opacities)
        asked = form((model.head_label, self.head), (model.class_label, self.target))
        buttons = _row(self.predict, self.cancel)
        first = stack(chosen, buttons, self.follow, self.status, self.result)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(Strip(model.strip))
        column.addWidget(Sides(first, stack(drawn, asked, self.heatmap, self.heat), grows=(0, 1), wide=(1, 1)), 1)

    def _show(self) -> None:
        model = self.model
        self.run.say(model.run_text)
        self.status.say(model.status)
        self.result.say(model.result)
        self.heat.say(model.heat_text)
        self.limit.say(model.threshold_text)
        self.checkpoint.offer(model.checkpoints, model.checkpoint)
        self.head.offer(model.heads, model.head)
        self.target.offer(model.classes, model.target_text)
        self.predict.setEnabled(model.can_predict)
        self.heatmap.setEnabled(model.can_explain)
        self.cancel.setEnabled(model.running)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _slider(percent: int, moved: object) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 100)
    slider.setValue(percent)
    slider.valueChanged.connect(moved)
    return slider
