"""The way through the steps and back: does what the steps show still lie where it lay, and what is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.sections import Checks
from fuse_engine.data.doctor.displacement import displacement
from fuse_engine.data.doctor.locality import moves_pixels
from fuse_engine.data.doctor.passport import grid_difference
from fuse_engine.data.doctor.shift import shift
from fuse_engine.data.image import Image, resample
from fuse_engine.data.processor import Pipeline, Processor
from fuse_engine.data.source import Row

_POINTS = 1_000_000
"""Voxels of a mask that are looked up."""


@dataclass(frozen=True)
class RoundTrip:
    """What the steps of one pipeline do to the place of what they show, in one sample."""

    displacement_mm: float = 0.0
    """Largest distance in mm from where a pixel is said to be to where its content comes from; steps added up."""
    displacement_voxels: float = 0.0
    """The same in pixels of the grid after each step, along the axis in which it is largest."""
    dice: Mapping[str, float] = field(default_factory=dict)
    """Overlap of each label, forth and back, with what it was, from 0 to 1; empty where there is no mask."""
    covered: float = 1.0
    """Share of the mask, or of the image where there is none, that lies on the last grid, from 0 to 1."""
    reason: str = ""
    """What is wrong and the next move; empty where nothing is."""

    @property
    def ok(self) -> bool:
        """Whether all of it is within the limits of the experiment's `checks`."""
        return not self.reason

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "displacement_mm": self.displacement_mm, "displacement_voxels": self.displacement_voxels,
            "dice": dict(self.dice), "covered": self.covered, "ok": self.ok, "reason": self.reason,
        }  # fmt: skip


def round_trips(
    pipelines: Mapping[str, Pipeline], row: Row, checks: Checks, between: Callable[[], None] = lambda: None
) -> dict[str, RoundTrip]:
    """Return the round trip of every pipeline that makes an image; the sample's first mask goes along with images.

    `between` is called before each step, and may end it all by raising.

    Raises:
        SampleError: naming the sample and the step that fails.
    """
    starts: dict[str, Image] = {}
    rest: dict[str, Iterator[tuple[Processor, Image]]] = {}  # made when it is needed: images are large
    for key, pipeline in pipelines.items():
        between()
        images = _images(pipeline, row) if pipeline.reads_files(row) else iter(())
        if (found := next(images, None)) is not None:
            starts[key], rest[key] = found[1], images
    masks = [start for start in starts.values() if start.label]
    result = {}
    for key, start in starts.items():
        fitting = (mask for mask in masks if not grid_difference(mask.geometry, start.geometry, checks.grid_mm))
        mask = start if start.label else next(fitting, None)
        trip = _travel(start, rest[key], mask, row, checks, between)
        result[key] = _judged(trip, checks, mask is not None and bool(mask.array.any()))
    return result


def _images(pipeline: Pipeline, row: Row) -> Iterator[tuple[Processor, Image]]:
    """Yield the step that reads an image, then each step after it, with what it makes, while that is an image."""
    begun = False
    for step, traced in zip(pipeline.steps, pipeline.trace(row), strict=False):
        if isinstance(traced.value, Image):
            yield step, traced.value
            begun = True
        elif begun:
            return


def _travel(
    first: Image,
    rest: Iterator[tuple[Processor, Image]],
    mask: Image | None,
    row: Row,
    checks: Checks,
    between: Callable[[], None],
) -> RoundTrip:
    """Send coordinates and the mask through the spatial steps, and the mask back."""
    before, moved, trip = first, mask, RoundTrip()
    for step, after in rest:
        between()
        if before.geometry.dims != after.geometry.dims:
            return replace(trip, covered=1.0)  # from here on the axes are others, and there is nothing to compare
        stays = before.geometry.near(after.geometry)
        if step.spatial:
            with _naming(step, row):
                trip = _add(trip, step, before, after, row, checks)
                moved = None if moved is None else step.move(moved, before, row)
        elif not stays:
            trip = _blame(trip, f"{step.name()} changes the grid, but does not say that it is `spatial`")
        if stays and moves_pixels(step, before, after, row):
            trip = _blame(trip, f"{step.name()} moves pixels and leaves the grid as it was")
        elif stays and (pixels := shift(step, before, row)):
            trip = _blame(trip, f"{step.name()} moves pixels by about {pixels:.2g} and leaves the grid as it was")
        before = after
    dice = {} if moved is None or mask is None else _dice(mask, resample(moved, first.geometry, label=True))
    return replace(trip, dice=dice, covered=_covered(first.geometry, mask, before.geometry))


@contextmanager
def _naming(step: Processor, row: Row) -> Iterator[None]:
    try:
        yield
    except FuseError as error:
        raise error.placed(sample=row.id, where=step.name()) from error
    except Exception as error:  # the boundary: a step may be anyone's code, and must be named
        raise SampleError(f"{type(error).__name__}: {error}", sample=row.id, where=step.name()) from error


def _add(trip: RoundTrip, step: Processor, before: Image, after: Image, row: Row, checks: Checks) -> RoundTrip:
    """Add what one spatial step displaces; the first one beyond the limit is named."""
    mm, voxels, grid = displacement(step, before, row)
    added = replace(
        trip, displacement_mm=trip.displacement_mm + mm, displacement_voxels=trip.displacement_voxels + voxels
    )
    if not grid.near(after.geometry):
        return _blame(added, f"{step.name()} moves a mask onto another grid than its image")
    if added.displacement_voxels > checks.displacement:
        words = f"{added.displacement_mm:.3g} mm ({added.displacement_voxels:.3g} pixels)"
        return _blame(added, f"{step.name()} shows pixels up to {words} from where its grid says they are")
    return added


def _blame(trip: RoundTrip, reason: str) -> RoundTrip:
    return trip if trip.reason else replace(trip, reason=reason)


def _dice(mask: Image, back: Image) -> dict[str, float]:
    found = {}
    for value in np.unique(mask.array).tolist():
        if value:
            ours, other = mask.array == value, back.array == value
            found[str(value)] = float(2 * (ours & other).sum() / (ours.sum() + other.sum()))
    return found


def _covered(first: Geometry, mask: Image | None, last: Geometry) -> float:
    if first.dims != last.dims:
        return 1.0
    array = mask.array[0] if mask is not None and mask.array.any() else np.ones(first.shape, bool)
    places = np.flatnonzero(array)
    places = places[:: max(1, len(places) // _POINTS)]
    index = np.stack(np.unravel_index(places, first.shape))[::-1]
    points = np.asarray(first.origin)[:, None] + first.matrix @ (index * np.asarray(first.spacing)[:, None])
    steps = last.matrix.T @ (points - np.asarray(last.origin)[:, None]) / np.asarray(last.spacing)[:, None]
    sizes = np.asarray(last.size)[:, None]
    return float(((steps > -0.501) & (steps < sizes - 0.499)).all(0).mean())


def _judged(trip: RoundTrip, checks: Checks, masked: bool) -> RoundTrip:
    """Compare overlap and cover with the limits."""
    worst = min(trip.dice.items(), key=lambda pair: pair[1], default=("", 1.0))
    if worst[1] < checks.dice:
        words = (
            f"label {worst[0]} comes back with a Dice of {worst[1]:.2f}: too small for the last grid, or cut off"
        )
        return _blame(trip, f"{words}; take a finer one, or lower `data.checks.dice` ({checks.dice:g})")
    if masked and trip.covered < checks.covered:
        words = f"{1 - trip.covered:.0%} of the mask is cut off"
        return _blame(trip, f"{words}; crop less, or lower `data.checks.covered` ({checks.covered:g})")
    return trip
