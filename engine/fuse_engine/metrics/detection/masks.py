"""Findings as connected parts of label maps."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from torch import Tensor

from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, Result, Rows, class_names, weighted_mean
from fuse_engine.metrics.detection.matching import Pairs, f1_of_samples, figures, matched
from fuse_engine.metrics.segmentation.maps import MapMetric


@register
class MaskDetection(MapMetric):
    """Precision, recall and F1 of single findings, the connected parts of label maps, over all samples.

    A predicted finding is right when its intersection over union with a true one of its class is `iou` or more;
    each is matched once, the pair that overlaps most first. Nothing predicted: the precision is NaN; nothing true:
    the recall is; findings where none is true lower the precision.
    """

    each: ClassVar[str] = "F1 of the findings"
    background: ClassVar[bool] = False

    ignore: list[int] | None = None
    """Classes that are not measured; where empty that is 0, the background, unless classes overlap."""
    iou: float = Field(0.5, gt=0, le=1)
    """Least intersection over union of a prediction with the finding it is matched with."""
    touching: Literal["corners", "faces"] = "corners"
    """Pixels of one finding touch at least at a corner (8 or 26 neighbours), or face to face (4 or 6)."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep how many findings of each sample and class are right, predicted and true.

        A sample whose prediction holds what is not a number has NaN of each.

        Raises:
            FuseError: when shapes, classes, names or weights do not fit.
        """
        maps = self.maps(pred, target)
        found = np.full((3, len(pred), maps.classes), np.nan)
        for sample in np.flatnonzero(maps.known).tolist():
            for kind in range(maps.classes):
                found[:, sample, kind] = 0
                if kind not in self.ignored:
                    truth, guess, label = maps.of(sample, kind)
                    found[:, sample, kind] = self._findings(guess == label, truth == label)
        return {"tp": found[0], "found": found[1], "truth": found[2]}

    def result(self, rows: Rows) -> Result:
        """Return precision, recall and F1 of each class and their means over the classes."""
        classes = rows["tp"].shape[1]
        names, weights = class_names(self.names, classes), self.weights(classes)
        return {
            figure: {
                **{names[kind]: float(values[kind]) for kind in range(classes) if kind not in self.ignored},
                MACRO: float(weighted_mean(values, weights)),
            }
            for figure, values in figures(rows).items()
        }

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the F1 of each sample; NaN where nothing is true and nothing was predicted."""
        return f1_of_samples(rows)

    def _findings(self, found: Bool[np.ndarray, " *s"], truth: Bool[np.ndarray, " *s"]) -> tuple[int, int, int]:
        """Return how many findings are right, predicted and true."""
        near = np.ones((3,) * found.ndim) if self.touching == "corners" else None
        box = ndimage.find_objects((found | truth).view(np.uint8))
        place = box[0] if box else ...
        (parts, count), (true_parts, true_count) = (
            ndimage.label(mask[place], structure=near) for mask in (found, truth)
        )
        return matched(_pairs(parts, true_parts), self.iou), count, true_count


def _pairs(found: NDArray[np.int32], truth: NDArray[np.int32]) -> Pairs:
    """Return which numbered parts, from 1 on, overlap; there may be far too many for a table of all pairs."""
    both = (found > 0) & (truth > 0)
    sizes, true_sizes = np.bincount(found.ravel()), np.bincount(truth.ravel())
    numbers = found[both].astype(np.int64) * len(true_sizes) + truth[both]
    pairs, common = np.unique(numbers, return_counts=True)
    one, other = pairs // len(true_sizes), pairs % len(true_sizes)
    return Pairs(one - 1, other - 1, common / (sizes[one] + true_sizes[other] - common))
