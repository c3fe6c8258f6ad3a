"""The Inference panel: predict the chosen sample with a run, lay the result over it, and ask what it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.run.folder import RunFolder
from fuse_gui.models.heads import classes, heads, of_images
from fuse_gui.models.project import Project
from fuse_gui.models.strip import StripModel

BAR = 24
"""Characters of a bar that stands for probability 1."""
OPACITIES = {"pred": 45, "prob": 0, "heat": 45}
"""Percent, at first."""


@dataclass(frozen=True)
class Source:
    """What a result was computed from."""

    run: str
    checkpoint: str
    sample: str


@dataclass(frozen=True)
class RunFacts:
    """What is read from a run folder once."""

    experiment: Experiment
    checkpoints: tuple[str, ...]


class InferenceModel:
    """The prediction and the heatmap of the sample on the screen."""

    title = "Inference"
    run_label, checkpoint_label = "Run", "Checkpoint"
    predict_label, heatmap_label, cancel_label = "Predict sample", "Heatmap", "Cancel"
    follow_label, threshold_label = "Predict every sample I look at", "Threshold"
    head_label, class_label = "Head", "Class"
    opacity_labels = {"pred": "Mask opacity", "prob": "Probability opacity", "heat": "Heatmap opacity"}  # noqa: RUF012
    predict_help = "Predict the chosen sample with the checkpoint of the run"
    heatmap_help = "Show where the model looked for the class of the head (Grad-CAM)"
    threshold_help = "Probability from which a pixel belongs to a class; computed at once, without the model"

    changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the sample and the run of the project."""
        self.project = project
        self.strip = StripModel(project)
        self.checkpoint, self.head, self.target = "best", "", 0
        self.threshold = 50
        """Percent."""
        self.follow = False
        self.opacities = dict(OPACITIES)
        self._facts: RunFacts | None = None
        self._source: Source | None = None
        self._outputs: Mapping[str, list[float]] = {}
        self._dense: Mapping[str, Any] | None = None
        self._heat_text = ""
        for name, percent in self.opacities.items():
            project.screen.restyle(name, opacity=percent / 100)
        project.run_changed.connect(self._run_changed)
        project.run_advanced.connect(self.refresh)
        project.sample_changed.connect(self._sample_changed)
        project.requests.busy_changed.connect(self._busy_changed)
        self._run_changed()

    # -- what can be done -----------------------------------------------------------------------------------------

    def predict(self) -> None:
        """Predict the chosen sample; its masks come to the screen."""
        with self.project.reporting("predict"):
            source = self._wanted()
            run = self._run().path
            self.project.ask(
                "predict", "predict", lambda reply: self._predicted(source, reply),
                about={"run": str(run), "checkpoint": source.checkpoint}, id=source.sample,
            )  # fmt: skip
        self.changed.emit()

    def explain(self) -> None:
        """Show where the model looked for the chosen class of the chosen head."""
        with self.project.reporting("heatmap"):
            source = self._wanted()
            if not self.head:
                raise FuseError("no head to explain", expected="a run whose model has a head that classifies")
            about = {"run": str(self._run().path), "checkpoint": source.checkpoint}
            self.project.ask(
                "heatmap", "heatmap", lambda reply: self._explained(source, reply), about=about,
                id=source.sample, head=self.head, target=self.target,
            )  # fmt: skip
        self.changed.emit()

    def refresh(self) -> None:
        """Look again which checkpoints the run has."""
        run = self.project.run
        if run is not None:
            self.project.aside(lambda: _facts_of(run), lambda facts: self._learned(run, facts), topic="inference")

    def cancel(self) -> None:
        """Give up what is being computed."""
        for channel in ("predict", "heatmap"):
            self.project.requests.cancel(channel)
        self.changed.emit()

    def set_checkpoint(self, name: str) -> None:
        """Choose the checkpoint that predicts."""
        if name and name != self.checkpoint:
            self.checkpoint = name
            self.changed.emit()

    def set_head(self, name: str) -> None:
        """Choose the head that is explained."""
        if name != self.head and name in self.heads:
            self.head = name
            self.target = 1 if len(self.classes) == 2 else 0
            self.changed.emit()

    def set_target(self, index: int) -> None:
        """Choose the class that is explained."""
        if 0 <= index < len(self.classes) and index != self.target:
            self.target = index
            self.changed.emit()

    def set_follow(self, follow: bool) -> None:
        """Predict every sample that is looked at, or only when asked."""
        if follow != self.follow:
            self.follow = follow
            if follow and self.stale and self.can_predict:
                self.predict()

    def set_opacity(self, name: str, percent: int) -> None:
        """Make a picture more or less opaque."""
        self.opacities[name] = percent
        self.project.screen.restyle(name, opacity=percent / 100)

    def set_threshold(self, percent: int) -> None:
        """Choose the probability from which a pixel belongs to a class."""
        if percent != self.threshold:
            self.threshold = percent
            self._show_mask()
            self.changed.emit()

    # -- what is said ---------------------------------------------------------------------------------------------

    @property
    def run_text(self) -> str:
        """The run that predicts."""
        run = self.project.run
        return run.name if run else "none"

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Names of the checkpoints of the run."""
        return self._facts.checkpoints if self._facts else ()

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the heads that classify samples."""
        if self._facts is None:
            return ()
        masks = of_images(self._facts.experiment)
        return tuple(name for name in heads(self._facts.experiment) if name not in masks)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of the chosen head."""
        return self._names(self.head, len(self._outputs.get(self.head, ())))

    @property
    def can_predict(self) -> bool:
        """Whether there is a run with a checkpoint, and a sample."""
        return bool(self.project.run and self.checkpoints and self.project.sample_id)

    @property
    def can_explain(self) -> bool:
        """Whether there is a head that classifies, besides what a prediction needs."""
        return self.can_predict and bool(self.head)

    @property
    def target_text(self) -> str:
        """Name of the class that is explained."""
        return self.classes[self.target] if self.target < len(self.classes) else ""

    @property
    def running(self) -> bool:
        """Whether something is being computed."""
        return any(self.project.requests.is_running(channel) for channel in ("predict", "heatmap"))

    @property
    def status(self) -> str:
        """What is missing, under way, or stale, and why."""
        if self.running:
            return f"{self.project.busy or 'predicting …'}"
        if self.project.run is None:
            return "Choose or start a run in the Training panel."
        if not self.checkpoints:
            return "The run has no checkpoint yet."
        if not self.project.sample_id:
            return "Choose a sample in the Data panel."
        return self.stale

    @property
    def stale(self) -> str:
        """Why the result is not of what is on the screen; empty when it is."""
        made = self._source
        run, sample = self.project.run, self.project.sample_id
        if made is None:
            return "Not predicted yet."
        if made.sample != sample:
            return f"Stale: this is the prediction of sample {made.sample}, on the screen is {sample or 'none'}."
        if run is not None and made.run != str(run.path):
            return "Stale: this is the prediction of another run."
        if made.checkpoint != self.checkpoint:
            return f"Stale: this is the prediction of the checkpoint '{made.checkpoint}'."
        return ""

    @property
    def result(self) -> str:
        """The probability of each class, with a bar, by head."""
        lines: list[str] = []
        for head, values in self._outputs.items():
            names = self._names(head, len(values))
            width = max(map(len, names), default=0)
            lines.append(f"{head}")
            lines += [
                f"  {name:<{width}} {value:6.1%} {bar(value)}" for name, value in zip(names, values, strict=True)
            ]
        return "\n".join(lines)

    @property
    def heat_text(self) -> str:
        """What the heatmap shows, and how large its cells are."""
        return self._heat_text

    @property
    def threshold_text(self) -> str:
        """The threshold as a number."""
        return f"{self.threshold / 100:.2f}"

    # -- inside ---------------------------------------------------------------------------------------------------

    def _run(self) -> RunFolder:
        if self.project.run is None:
            raise FuseError("no run is chosen", expected="a run with a checkpoint, from the Training panel")
        return self.project.run

    def _wanted(self) -> Source:
        run = self._run()
        if not self.project.sample_id:
            raise FuseError("no sample is chosen", expected="a row of the Data panel")
        return Source(str(run.path), self.checkpoint, self.project.sample_id)

    def _is_current(self, source: Source) -> bool:
        run = self.project.run
        return run is not None and source == Source(str(run.path), self.checkpoint, self.project.sample_id)

    def _predicted(self, source: Source, reply: Mapping[str, Any]) -> None:
        if self._is_current(source):
            self._source, self._outputs = source, dict(reply["outputs"])
            self.project.screen.show_picture("image", reply["image"])
            self.project.screen.show_picture("gt", reply["gt"])
            self._dense = reply if reply["prob"] and reply["pred"] else None
            self._show_mask()
        self.changed.emit()

    def _explained(self, source: Source, reply: Mapping[str, Any]) -> None:
        if self._is_current(source):
            self.project.screen.show_picture("heat", reply["heat"])
            cell = " × ".join(f"{size:.3g}" for size in reply["cell_mm"])
            self._heat_text = f"Heatmap of {self.head}, {self.target_text}. One cell is {cell} mm."
        self.changed.emit()

    def _show_mask(self) -> None:
        if self._dense is None or (self._source and self._source.sample != self.project.sample_id):
            return
        prob, geometry = self._dense["prob"]["array"], Geometry.from_json(self._dense["prob"]["geometry"])
        mask = mask_of(prob, self._dense["pred"]["array"], self.threshold / 100)
        self.project.screen.show("prob", prob, geometry)
        self.project.screen.show("pred", mask, geometry, label=True)

    def _names(self, head: str, count: int) -> tuple[str, ...]:
        known = classes(self._facts.experiment, head) if self._facts and head else ()
        return known if len(known) == count or not count else tuple(f"class {index}" for index in range(count))

    def _run_changed(self) -> None:
        self._facts, self.head = None, ""
        if self.project.run is None:
            self._source, self._outputs, self._dense, self._heat_text = None, {}, None, ""
        self.refresh()
        self.changed.emit()

    def _learned(self, run: RunFolder, facts: RunFacts) -> None:
        if run != self.project.run:
            return
        self._facts = facts
        if facts.checkpoints and self.checkpoint not in facts.checkpoints:
            self.checkpoint = facts.checkpoints[0]
        if self.heads and self.head not in self.heads:
            self.set_head(self.heads[0])
        self.changed.emit()

    def _sample_changed(self, sample_id: str) -> None:
        self._heat_text = ""
        self.changed.emit()
        if self.follow and sample_id and self.can_predict:
            self.predict()

    def _busy_changed(self, _busy: str) -> None:
        self.changed.emit()


def mask_of(prob: NDArray[Any], pred: NDArray[Any], threshold: float) -> NDArray[np.uint8]:
    """Return the classes (1, [z,] y, x) where the probability of not being class 0 reaches `threshold`, else 0.

    With more than two classes, what the model itself holds for class 0 stays 0.
    """
    inside = np.asarray(prob) >= threshold
    classes_there = pred if pred.max(initial=0) > 1 else 1
    return np.where(inside, classes_there, 0).astype(np.uint8)


def bar(value: float) -> str:
    """Return a bar of blocks for a probability."""
    return "█" * round(min(max(value, 0.0), 1.0) * BAR) if value == value else ""


def _facts_of(run: RunFolder) -> RunFacts:
    kinds = dict.fromkeys(path.name.split("-")[0] for path in run.every_checkpoint())
    names = ["best" if kind == "best0" else kind for kind in sorted(kinds)]
    return RunFacts(run.experiment(), tuple(names))
