"""What can be wrong with one sample: its files, its images, its masks, its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.health import CHECKS, STRAIGHT, Finding, Passport
from fuse_engine.core.sections import Checks
from fuse_engine.data.doctor.look import Look, look, reading_count
from fuse_engine.data.doctor.passport import grid_difference, oblique_degrees, passport
from fuse_engine.data.doctor.verdicts import Verdicts
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Pipeline, Processor, Value
from fuse_engine.data.processors.function import Function
from fuse_engine.data.source import Row

_NAMED = 5
"""Values that are named in a message."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one sample showed; the last three are for the checks of the whole cohort."""

    sample: str
    findings: tuple[Finding, ...]
    passports: tuple[Passport, ...]
    digests: Mapping[str, str]
    """Of every image that is no label map and not constant, by key."""
    spacings: Mapping[str, tuple[float, ...]]
    """mm along ([z,] y, x) of every image, by key; without those that do not say where they lie."""
    classes: Mapping[str, int]
    """Class of the sample by key, for keys that come from the table alone."""


@dataclass(frozen=True)
class Doctor:
    """Looks at the samples of a dataset one by one."""

    pipelines: Mapping[str, Pipeline]
    checks: Checks
    classes: Mapping[str, int]
    """Number of classes that the model knows, by the key of the truth it is compared with."""
    _starts: dict[tuple[str, int], Pipeline] = field(init=False, repr=False, default_factory=dict)

    def examine(self, row: Row, verdicts: Verdicts) -> Report:
        """Return everything that is wrong with a sample; files are read unless they were seen before."""
        found: list[Finding] = []
        looks: dict[str, Look] = {}
        classes: dict[str, int] = {}
        for key, pipeline in self.pipelines.items():
            try:
                count = reading_count(pipeline, row)
                if not count:
                    found += self._cells(key, pipeline, row, classes)
                    continue
                steps = self._first(key, count)
                looks[key] = verdicts.get(steps.fingerprint(row), partial(look, steps, row))
            except FuseError as error:
                found.append(_finding(row, key, error.problems[0], "missing"))
        sound = {key: seen for key, seen in looks.items() if seen.geometry is not None}
        for key, seen in looks.items():
            found += self._image(row, key, seen)
        matches = dict(self._grids(row, sound, found))
        return Report(
            row.id, tuple(_once(found)),
            tuple(passport(row.id, key, seen.grid, matches.get(key)) for key, seen in sound.items()),
            {key: seen.digest for key, seen in sound.items() if not seen.label and not _blank(seen)},
            {key: tuple(reversed(seen.grid.spacing)) for key, seen in sound.items() if seen.grid.placed},
            classes,
        )  # fmt: skip

    def _first(self, key: str, count: int) -> Pipeline:
        """Return the first steps of a pipeline: one object, which keeps what its fingerprint is made of."""
        whole = self.pipelines[key]
        return self._starts.setdefault((key, count), Pipeline(whole.steps[:count], whole.where))

    def _cells(self, key: str, pipeline: Pipeline, row: Row, classes: dict[str, int]) -> Iterator[Finding]:
        """Try what the table says; steps that have not learned yet do so from this row alone."""
        ready: tuple[Processor, ...] = ()
        try:
            for step in pipeline.steps:
                ready = (*ready, step.fit([row], Pipeline(ready)) if step.unfitted else step)
            value = Pipeline(ready, pipeline.where).run(row)
        except FuseError as error:
            yield _finding(row, key, error.problems[0], "unexpected_label")
            return
        if isinstance(value, int):
            classes[key] = value
            limit = self.classes.get(key)
            if limit is not None and value >= limit:
                yield Finding("unexpected_label", row.id, _too_many(str(value), limit), key)

    def _image(self, row: Row, key: str, seen: Look) -> Iterator[Finding]:
        if seen.problem is not None:
            yield _finding(row, key, seen.problem, "unreadable")
        if seen.geometry is None:
            return
        yield from (Finding("series", row.id, remark, key, blocking=False) for remark in seen.remarks)
        if seen.label:
            yield from self._labels(row, key, seen)
        elif seen.constant:
            which = "" if _blank(seen) else f" in channel {', '.join(map(str, seen.constant))} of {seen.channels}"
            yield Finding("constant", row.id, f"every pixel has the same value{which}", key)
        angle = oblique_degrees(seen.geometry)
        if angle > STRAIGHT:
            yield Finding("oblique", row.id, f"the axes are turned by {angle:.1f} degrees", key)

    def _labels(self, row: Row, key: str, seen: Look) -> Iterator[Finding]:
        if seen.values == (0,):
            yield Finding("empty_label", row.id, "the mask is empty: every pixel is background (0)", key)
        values, limit = self._mapped(row, key, seen), self.classes.get(key)
        if isinstance(values, Problem):
            yield _finding(row, key, values, "unexpected_label")
        elif limit is not None and (odd := [value for value in values if not 0 <= value < limit]):
            named = ", ".join(map(str, odd[:_NAMED])) + (", ..." if len(odd) > _NAMED else "")
            yield Finding("unexpected_label", row.id, _too_many(named, limit), key)

    def _mapped(self, row: Row, key: str, seen: Look) -> tuple[int, ...] | Problem:
        """Return what the steps after reading make of the values, tried on a picture with each of them once."""
        small = min(seen.values) >= 0 and max(seen.values) < 256
        values = np.asarray(seen.values, np.uint8 if small else np.int32)
        array = values.reshape(1, *(1,) * (seen.grid.dims - 1), -1)
        value: Value = Image(array, Geometry.plain(array.shape[1:]))
        pipeline = self.pipelines[key]
        for step in pipeline.steps[reading_count(pipeline, row) :]:
            if isinstance(step, Function) and step.moves:
                return ()
            if step.spatial and not isinstance(step, Function):
                continue
            try:
                value = step(value, row)
            except FuseError as error:
                return error.problems[0]
            except Exception:  # noqa: BLE001 a step may be anyone's code, and this picture is not what it is made for
                return ()
            if not isinstance(value, Image) or not value.label:
                return ()
        return tuple(np.unique(value.array).tolist()) if isinstance(value, Image) else ()

    def _grids(self, row: Row, sound: Mapping[str, Look], found: list[Finding]) -> Iterator[tuple[str, bool]]:
        """Yield whether each mask lies on the grid of one of the images."""
        images = {key: seen.grid for key, seen in sound.items() if not seen.label}
        for key, seen in sound.items():
            if not seen.label or not images:
                continue
            told = {image: grid_difference(seen.grid, grid, self.checks.grid_mm) for image, grid in images.items()}
            yield key, "" in told.values()
            if "" not in told.values():
                image, words = next(iter(told.items()))
                meets = self._meets(row, key, image)
                more = "; the steps bring both onto one grid" if meets else ""
                found.append(Finding("mask_grid", row.id, f"{words}{more}", key, False if meets else None))

    def _meets(self, row: Row, mask: str, image: str) -> bool:
        """Whether the steps bring a mask onto the grid of its image, e.g. by resampling it there."""
        try:
            values = [self.pipelines[key].run(row) for key in (mask, image)]
        except FuseError:
            return False
        grids = [value.geometry for value in values if isinstance(value, Image)]
        return len(grids) == len(values) and all(grid.placed for grid in grids) and grids[0].near(grids[1])


def _finding(row: Row, key: str, problem: Problem, check: str) -> Finding:
    name = problem.check if problem.check in CHECKS else check
    return Finding(name, row.id, str(replace(problem, sample="", where="", source="")), key)


def _once(found: list[Finding]) -> Iterator[Finding]:
    """Leave out what two pipelines say of the same file."""
    told: set[tuple[str, str]] = set()
    for finding in found:
        if (finding.check, finding.message) not in told:
            told.add((finding.check, finding.message))
            yield finding


def _too_many(values: str, limit: int) -> str:
    known = f"expected 0 to {limit - 1}"
    return f"holds the label {values}; {known}: map it with `values`, or give the model more classes"


def _blank(seen: Look) -> bool:
    return len(seen.constant) == seen.channels
