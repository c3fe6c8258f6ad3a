"""Distances between the surfaces of predicted and true structures, in mm.

The mm of a pixel come from the target's geometry in the batch; without one a pixel is 1 mm. Surfaces are those of
`distances`. Where a structure is in neither map there is nothing to measure (NaN, counted as `undefined`); where
it is in one of them only, distances are infinite (counted as `infinite`) and the surface Dice is 0 (InnerEye).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import INFINITE, MACRO, UNDEFINED, Rows, class_names, weighted_mean
from fuse_engine.metrics.segmentation.distances import Structure, structures
from fuse_engine.metrics.segmentation.maps import MapMetric, Maps
from fuse_engine.metrics.weighted import Counts, Path, Weigh, Weighted, counted_mean, unknown_counts


class SurfaceMetric(MapMetric, Weighted):
    """A figure of the surfaces of predicted and true structures: the mean over the samples, class by class."""

    measured_on: ClassVar[str] = "target"
    background: ClassVar[bool] = False
    higher_is_better: ClassVar[bool | None] = False

    ignore: list[int] | None = None
    """Classes that are not measured; where empty that is 0, the background, unless classes overlap."""

    @abstractmethod
    def measure(self, structure: Structure) -> float:
        """Return the figure of a structure in two maps; NaN where it is in neither."""

    def collect(self, pred: Tensor, target: Tensor, geometry: Sequence[Geometry] | None = None) -> Rows:
        """Keep the figure of each sample and class, and which samples are predicted by numbers.

        Raises:
            FuseError: when shapes, classes, names or weights do not fit, or the geometry is of another dimension.
        """
        maps = self.maps(pred, target)
        found = np.full((len(pred), maps.classes), np.nan)
        for sample in np.flatnonzero(maps.known).tolist():
            spacing = self._spacing(geometry, sample, pred.ndim - 2)
            for kind, structure in self._structures(maps, sample, spacing):
                found[sample, kind] = self.measure(structure)
        return {"value": found, "known": maps.known}

    def paths(self, rows: Rows) -> list[Path]:
        """Return the classes and their mean, and how many samples were left out of each, of two kinds.

        `undefined` counts the samples of each class in which neither map holds it, `infinite` those in which one
        of both does.
        """
        every = class_names(self.names, rows["value"].shape[1])
        names = [every[kind] for kind in self._kinds(len(every))]
        left_out = [(kind, name) for kind in (UNDEFINED, INFINITE) for name in names]
        return [*((name,) for name in names), (MACRO,), *left_out]

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the means over samples; each is NaN where a prediction is not made of numbers."""
        known, classes = rows["known"].astype(bool), rows["value"].shape[1]
        kinds = self._kinds(classes)
        values, factors = rows["value"][:, kinds], self.weights(classes)[kinds]
        left_out = np.concatenate([np.isnan(values) & known[:, None], np.isinf(values)], 1)

        def weigh(counts: Counts) -> NDArray[np.float64]:
            weights = counts.astype(np.float64)
            means = counted_mean(values, weights)
            means[unknown_counts(counts, known)] = np.nan
            return np.concatenate([means, weighted_mean(means, factors)[:, None], weights @ left_out], 1)

        return weigh

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the mean over the classes of each sample; infinite where one is missing in one of the maps."""
        return weighted_mean(rows["value"], self.weights(rows["value"].shape[1]))

    def _kinds(self, classes: int) -> list[int]:
        return [kind for kind in range(classes) if kind not in self.ignored]

    def _structures(self, maps: Maps, sample: int, spacing: tuple[float, ...]) -> Iterator[tuple[int, Structure]]:
        kinds = self._kinds(maps.classes)
        if self.overlapping:
            for kind in kinds:
                truth, found, label = maps.of(sample, kind)
                yield kind, next(structures(truth, found, [label], spacing))
        else:
            truth, found, _ = maps.of(sample, 0)
            yield from zip(kinds, structures(truth, found, kinds, spacing), strict=True)

    def _spacing(self, geometry: Sequence[Geometry] | None, sample: int, dims: int) -> tuple[float, ...]:
        """Return the mm of a pixel along [z,] y, x."""
        if geometry is None:
            return (1.0,) * dims
        spacing = tuple(reversed(geometry[sample].spacing))
        if len(spacing) != dims:
            raise FuseError(
                f"the geometry of '{self.target}' does not fit it", where="target",
                expected=f"{dims} axes", got=str(len(spacing)),
            )  # fmt: skip
        return spacing


@register
class Hausdorff(SurfaceMetric):
    """Hausdorff distance in mm: how far the farthest pixel of one structure is from the other one.

    It is that of the two sets of pixels, as in SimpleITK: what lies inside of the other one is no distance away.
    """

    def measure(self, structure: Structure) -> float:
        """Return the larger of the two directed distances."""
        return structure.hausdorff()


@register
class HD95(SurfaceMetric):
    """Robust Hausdorff distance in mm: a percentile of the distances from surface to surface.

    It is the larger one of the percentiles of the two directions (MONAI, DeepMind's surface-distance), not the
    percentile of all distances together. At 100 it differs from `Hausdorff` where one surface lies within the
    other.
    """

    percentile: float = Field(95.0, gt=0, le=100)
    """Share of the surface pixels in % that are nearer; between two of them linearly."""

    def measure(self, structure: Structure) -> float:
        """Return the larger of the percentiles of both directions."""
        if structure.unmeasured is not None:
            return structure.unmeasured
        return max(float(np.percentile(way, self.percentile)) for way in structure.surfaces())


@register
class MeanSurfaceDistance(SurfaceMetric):
    """Mean distance in mm from the surface of one structure to that of the other, both ways."""

    mean: Literal["all", "of_means"] = "all"
    """`all`: over the surface pixels of both structures together (InnerEye), so that the larger surface counts
    more; `of_means`: the mean of the means of the two directions."""

    def measure(self, structure: Structure) -> float:
        """Return the mean of the distances of both directions."""
        if structure.unmeasured is not None:
            return structure.unmeasured
        there, back = structure.surfaces()
        if self.mean == "of_means":
            return float((there.mean() + back.mean()) / 2)
        return float(np.concatenate([there, back]).mean())


@register
class SurfaceDice(SurfaceMetric):
    """Share of both surfaces that lies within a tolerance of the other one (normalised surface Dice).

    Surfaces are counted in pixels, as in MONAI. It is 0 where the structure is in one of the maps only.
    """

    higher_is_better: ClassVar[bool | None] = True

    tolerance: float = Field(1.0, ge=0)
    """Distance in mm up to which a surface is right (Nikolov et al. 2018)."""

    def measure(self, structure: Structure) -> float:
        """Return the share, from 0 to 1."""
        if structure.unmeasured is not None:
            return 0.0 if np.isinf(structure.unmeasured) else structure.unmeasured
        ways = np.concatenate(structure.surfaces())
        return float((ways <= self.tolerance).mean())
