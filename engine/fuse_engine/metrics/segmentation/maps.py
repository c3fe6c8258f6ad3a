"""What every metric of one class a pixel reads: label maps of prediction and truth on the truth's grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import MapKey, OutputKey
from fuse_engine.metrics.base import Metric, class_names
from fuse_engine.targets import check_target

VOID = 255
"""The label of pixels whose truth is missing, in both maps."""


def _factors(weights: list[float]) -> list[float]:
    if weights and (min(weights) < 0 or not any(weights)):
        raise ValueError("expected factors from 0 up, not all 0")
    return weights


@dataclass(frozen=True, eq=False)
class Maps:
    """Label maps of a batch: one for all classes, or one of 0 and 1 for each class where classes overlap."""

    truth: UInt8[np.ndarray, " b m *s"]
    found: UInt8[np.ndarray, " b m *s"]
    classes: int
    known: Bool[np.ndarray, " b"]
    """Samples whose prediction is made of numbers."""

    def of(self, sample: int, kind: int) -> tuple[UInt8[np.ndarray, " *s"], UInt8[np.ndarray, " *s"], int]:
        """Return the truth and the prediction of a sample, and the label that stands for a class there."""
        if self.truth.shape[1] == 1 < self.classes:
            return self.truth[sample, 0], self.found[sample, 0], kind
        return self.truth[sample, kind], self.found[sample, kind], 1


class MapMetric(Metric):
    """A figure of predicted and true label maps, class by class."""

    background: ClassVar[bool] = True
    """Whether class 0, the background of classes that do not overlap, counts where `ignore` is empty."""

    pred: OutputKey
    """Probabilities (batch, classes, [z,] y, x), e.g. `model.output.segmentation`; logits as well where classes do
    not overlap."""
    target: MapKey
    """Label map (batch, 1, [z,] y, x), e.g. `data.gt.segmentation`, or one of 0 and 1 a class, (batch, classes,
    [z,] y, x), where they overlap. All is measured on its grid; a prediction on another one is resized to it
    (nearest)."""
    overlapping: bool = False
    """Classes overlap: each is predicted where its probability exceeds `threshold`, in place of the most
    probable."""
    threshold: float = Field(0.5, ge=0, le=1)
    """Probability above which a class that overlaps others is predicted."""
    ignore: list[int] | None = None
    """Classes left out of the averages, e.g. 0 for the background; none where empty."""
    missing: int | None = None
    """Number in the target that stands for no label, e.g. 255: such pixels are in no class, whatever is predicted.
    Every pixel must have a label where empty."""
    class_weights: Annotated[list[float], AfterValidator(_factors)] = Field(default_factory=list)
    """One factor a class for the average over classes, sum(w v) / sum(w); all equal where empty."""
    names: list[str] = Field(default_factory=list)
    """Names of the classes in the result; their numbers where empty."""

    def weights(self, classes: int) -> NDArray[np.float64]:
        """Return how much each class counts in the average (classes,): 0 for those left out."""
        factors = np.array(self.class_weights or [1.0] * classes)
        factors[sorted(self.ignored)] = 0
        return factors

    @property
    def ignored(self) -> set[int]:
        """Return the classes that are left out of the averages."""
        if self.ignore is None:
            return set() if self.background or self.overlapping else {0}
        return set(self.ignore)

    def maps(self, pred: Tensor, target: Tensor) -> Maps:
        """Return the label maps of a batch.

        Raises:
            FuseError: when shapes, classes, names or weights do not fit.
        """
        self._check(pred, target)
        truth, void = target, None
        if self.missing is not None:
            void = target == self.missing
            truth = torch.where(void, 0, target)
        if self.overlapping:
            _check_masks(pred, truth, self.target)
        else:
            check_target(pred, truth, self.target)
        found, known = self._found(pred.detach())
        if found.shape[2:] != truth.shape[2:]:
            found = F.interpolate(found.float(), size=truth.shape[2:], mode="nearest-exact")
        found, truth = found.to(torch.uint8), truth.to(torch.uint8)
        if void is not None:
            found, truth = found.masked_fill(void, VOID), truth.masked_fill(void, VOID)
        return Maps(truth.cpu().numpy(), found.cpu().numpy(), pred.shape[1], known.cpu().numpy())

    def _found(self, pred: Tensor) -> tuple[Tensor, Tensor]:
        """Return the predicted labels, and which samples of the batch are made of numbers."""
        if self.overlapping:
            return pred > self.threshold, ~pred.isnan().flatten(1).any(1)
        # argmax over a strided axis is ten times slower than max, whose values tell of NaN as well
        best = pred.max(1, keepdim=True)
        return best.indices, ~best.values.isnan().flatten(1).any(1)

    def _check(self, pred: Tensor, target: Tensor) -> None:
        classes = pred.shape[1] if pred.ndim > 1 else 0
        layers, word = (classes, "classes") if self.overlapping else (1, "1")
        if pred.ndim < 4 or target.ndim != pred.ndim or target.shape[1] != layers:
            raise FuseError(
                "shapes do not fit", where="target",
                expected=f"predictions (batch, classes, [z,] y, x) and a target (batch, {word}, [z,] y, x)",
                got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
            )  # fmt: skip
        if classes > VOID:
            raise FuseError("too many classes", where="pred", expected=f"up to {VOID}", got=str(classes))
        class_names(self.names, classes)
        if not self.ignored < set(range(classes)):
            raise FuseError(
                "the ignored classes do not fit the prediction", where="ignore",
                expected=f"some of the classes 0 to {classes - 1}, not all", got=str(sorted(self.ignored)),
            )  # fmt: skip
        if self.class_weights and len(self.class_weights) != classes:
            raise FuseError(
                "one factor for each class is needed", where="class_weights",
                expected=f"{classes} factors", got=str(len(self.class_weights)),
            )  # fmt: skip


def _check_masks(pred: Tensor, target: Tensor, key: str) -> None:
    """Refuse what are not masks of 0 and 1, one a class."""
    if len(target) != len(pred):
        raise FuseError(
            "prediction and target differ in batch size", where="target",
            expected=f"{len(pred)} samples", got=str(len(target)),
        )  # fmt: skip
    if not bool(((target == 0) | (target == 1)).all()):
        raise FuseError(
            f"'{key}' holds no masks", where="target", expected="0 and 1, one mask a class that may overlap others"
        )
