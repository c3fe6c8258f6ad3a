"""The step that gives images of one contrast the same intensities, landmark by landmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image, read_image
from fuse_engine.data.processor import Pipeline, Processor, Value, intensities
from fuse_engine.data.processors.foreground import measured, read_mask
from fuse_engine.data.processors.intensity import rising
from fuse_engine.data.processors.loading import column_reads
from fuse_engine.data.source import Row

_measured: dict[str, list[float]] = {}
"""Percentiles of training images by fingerprint: an edit elsewhere in the experiment measures none again."""
_MEASURED = 10_000


@register
class HistogramMatch(Processor):
    """Brings the percentiles of an image to given intensities, linearly in between, so that contrasts agree.

    The intensities are those of a reference image, or learned from the training samples (Nyul and Udupa 1999;
    Nyul, Udupa and Zhang 2000).
    """

    percentiles: list[float] = Field([1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99], min_length=2)
    """Percentiles that are matched, from 0 to 100; the first and last segment go on beyond them."""
    reference: Path | None = None
    """Image file to match, as it is in the file; the training samples are measured where empty."""
    to: tuple[float, float] = (0.0, 100.0)
    """What the lowest and highest percentile become where training samples are measured."""
    above: float | None = None
    """Only pixels above this intensity are measured; all where empty."""
    mask: str | None = None
    """Column that names a mask; only pixels where it is not 0 are measured."""
    samples: int = Field(100, ge=1)
    """Most training samples to measure; they are spread evenly over all."""
    landmarks: list[float] | None = None
    """Intensity that each percentile becomes; measured on the training samples or the reference where empty."""

    _rising = field_validator("to")(rising)

    @model_validator(mode="after")
    def _complete(self) -> HistogramMatch:
        if np.diff(self.percentiles).min() <= 0 or self.percentiles[0] < 0 or self.percentiles[-1] > 100:
            raise ValueError("expected percentiles that rise from 0 or more to 100 or less")
        if self.reference and self.mask:
            raise ValueError("expected `above` with a reference, which has no mask")
        if self.landmarks is not None:
            if len(self.landmarks) != len(self.percentiles):
                raise ValueError(f"expected {len(self.percentiles)} landmarks, one for each percentile")
            if np.diff(self.landmarks).min() < 0:
                raise ValueError("expected landmarks that do not fall")
        return self

    @property
    def unfitted(self) -> bool:
        """Whether the landmarks have still to be measured."""
        return self.landmarks is None

    def fit(self, rows: Sequence[Row], before: Pipeline) -> Self:
        """Return the step with the landmarks of the reference, or the mean ones of these rows' images.

        Raises:
            SampleError: when there is no image to measure, or none with any contrast.
        """
        if not self.unfitted:
            return self
        if not rows:
            raise SampleError("there is no training sample to measure the intensities on")
        if self.reference:
            reference = read_image(rows[0].folder / self.reference)
            return self.model_copy(update={"landmarks": self._percentiles(reference, None)})
        chosen = np.linspace(0, len(rows) - 1, min(self.samples, len(rows))).round().astype(int)
        each = np.asarray([self._measure(rows[index], before) for index in chosen])
        span = each[:, -1:] - each[:, :1]
        each, span = each[span[:, 0] > 0], span[span[:, 0] > 0]
        if not len(each):
            raise SampleError("no training image has any contrast")
        share = ((each - each[:, :1]) / span).mean(0)
        landmarks = self.to[0] + share * (self.to[1] - self.to[0])
        return self.model_copy(update={"landmarks": landmarks.tolist()})

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the matched image; a constant one becomes the lowest landmark."""
        image = _one_channel(value)
        if self.landmarks is None:
            raise SampleError("the landmarks have not been measured", expected="an experiment that was fitted")
        mask = read_mask(row, self.mask, image.geometry) if self.mask else None
        array = _matched(image.array, self._percentiles(image, mask), self.landmarks)
        return Image(array, image.geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file of the mask."""
        return column_reads(row, self.mask) if self.mask else {}

    def _measure(self, row: Row, before: Pipeline) -> list[float]:
        so_far = Pipeline((*before.steps, self), before.where)
        key = so_far.fingerprint(row)
        if key not in _measured:
            image = _one_channel(before.run(row))
            mask = read_mask(row, self.mask, image.geometry) if self.mask else None
            while len(_measured) >= _MEASURED:
                _measured.pop(next(iter(_measured)))
            _measured[key] = self._percentiles(image, mask)
        return _measured[key]

    def _percentiles(self, image: Image, mask: NDArray[np.bool_] | None) -> list[float]:
        counted = measured(image.array[0], mask, self.above)
        if not counted.size:
            raise SampleError(f"no pixel lies above {self.above:g}", expected="some foreground to measure")
        found: list[float] = np.percentile(counted, self.percentiles).tolist()
        return found


def _one_channel(value: Value | None) -> Image:
    image = intensities(value, "HistogramMatch")
    if len(image.array) != 1:
        raise SampleError(
            "HistogramMatch works on one channel", expected="PerChannel around it",
            got=f"{len(image.array)} channels",
        )  # fmt: skip
    return image


def _matched(array: NDArray[np.float32], own: list[float], wanted: list[float]) -> NDArray[np.float32]:
    """Map percentiles of an image to wanted ones; the first and last segment go on beyond them."""
    places, segment = np.unique(own, return_inverse=True)
    # several percentiles of one intensity, e.g. of a dark background, become their mean
    targets = np.bincount(segment, wanted) / np.bincount(segment)
    if len(places) == 1:
        return np.full_like(array, wanted[0])
    slopes = np.diff(targets) / np.diff(places)
    low, high = min(float(array.min()), places[0] - 1), max(float(array.max()), places[-1] + 1)
    first, last = targets[0] + slopes[0] * (low - places[0]), targets[-1] + slopes[-1] * (high - places[-1])
    found = np.interp(array, [low, *places, high], [first, *targets, last])
    return np.asarray(found, np.float32)
