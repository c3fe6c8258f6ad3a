"""The samples of an experiment, processed when they are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, KeyMissing, nearest
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component
from fuse_engine.data.cache import Cache
from fuse_engine.data.cache.filling import fill
from fuse_engine.data.cache.journal import Journal
from fuse_engine.data.classes import Classes, classes_of
from fuse_engine.data.collate import to_leaves
from fuse_engine.data.fingerprint import chain, digest, of_files
from fuse_engine.data.fit import fit_experiment, steps_of
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Pipeline, Value
from fuse_engine.data.slots import Slots
from fuse_engine.data.source import Cohort, Row, read_cohort

_REMEMBERED = 250_000
"""Samples of which a process remembers how they are put together."""
_SMALL = 4096
"""Bytes of a value made of cells alone that are remembered instead of made again."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A cohort and the pipelines that make each sample, by the key of what they make, e.g. `data.input.image`."""

    cohort: Cohort
    pipelines: Mapping[str, Pipeline]
    cache: Cache
    experiment: str = ""
    """Name of the experiment, for those who look through the cache."""
    origin: str = ""
    """What tells the source from others; no record of what values were made of is kept where empty."""

    @classmethod
    def from_experiment(cls, experiment: Experiment, cohort: Cohort | None = None) -> Dataset:
        """Return the dataset of an experiment; steps that learn do so from its training samples.

        Raises:
            FuseError: for a source, step or cache that cannot be used; names the place in the experiment.
        """
        cohort = read_cohort(experiment) if cohort is None else cohort
        steps = steps_of(fit_experiment(experiment, cohort))
        pipelines = {key: Pipeline(tuple(group), key) for key, group in steps.items()}
        cache = cast(Cache, component("cache", experiment.data.cache, ("data", "cache"), experiment))
        source, folder = experiment.data.source, experiment.folder.absolute()
        origin = digest([source.name, source.args, str(folder)])
        return cls(cohort, pipelines, cache.within(folder), experiment.name, origin)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the samples, in order."""
        return self.cohort.ids

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.cohort)

    def __getitem__(self, index: int) -> NestedDict:
        """Return the sample at a position."""
        return self.sample(self.ids[index])

    def sample(self, id: str, keys: Iterable[str] | None = None) -> NestedDict:  # noqa: A002
        """Return a sample: `data.id` and the values of `keys`, or of all pipelines.

        Raises:
            SampleError: naming the sample and the step.
            FuseError: for an unknown id or key.
        """
        sample = NestedDict({"data.id": id})
        for key in self.pipelines if keys is None else keys:
            sample[key] = self.value(id, key)
        return sample

    def value(self, id: str, key: str) -> Value:  # noqa: A002
        """Return one value of a sample; it may be kept by the cache and must not be changed.

        Raises:
            SampleError: naming the sample and the step.
            FuseError: for an unknown id or key.
        """
        pipeline, row = self._pipeline(key), self.cohort.row(id)
        return self.made(pipeline, row)[0]

    @cached_property
    def fixed(self) -> Fixed:
        """The samples as their cells and files were when this process first used each: for a run."""
        return Fixed(self)

    def made(self, pipeline: Pipeline, row: Row) -> tuple[Value, str]:
        """Return a value, and the fingerprint that the cache knows it by; none where no file is read.

        Raises:
            SampleError: naming the sample and the step.
        """
        inputs = pipeline.inputs(row)
        if not of_files(inputs):
            return pipeline.run(row), ""
        parts = pipeline.parts()
        marks = chain(parts, inputs)
        value = self.cache.find(marks[-1])
        if value is None:
            journal = self.journal(pipeline.where)
            tuned = journal.changed_at(parts) if journal is not None else 0
            filled = fill(self.cache, pipeline, row, marks, inputs, tuned)
            value = filled.value
            if filled.entries and journal is not None:
                journal.add(row.id, parts, inputs, filled.entries)
        return value, marks[-1]

    def journal(self, key: str) -> Journal | None:
        """Return the record of what the kept values of `key` were made of, where there is one."""
        if self.origin and key not in self._journals:
            self._journals[key] = self.cache.journal(self.experiment, self.origin, key)
        return self._journals.get(key)

    @cached_property
    def _journals(self) -> dict[str, Journal | None]:
        return {}

    def subset(self, ids: Iterable[str]) -> Dataset:
        """Return the dataset of these samples only, in this order."""
        return replace(self, cohort=self.cohort.select(ids))

    def filter(self, key: str, drop: Collection[int | float | str]) -> Dataset:
        """Return the dataset without the samples whose value of `key` is one of `drop`; no other key is made.

        Raises:
            SampleError: naming the sample and the step.
            FuseError: for an unknown key, or one that holds no single numbers or texts.
        """
        kept = []
        for name in self.ids:
            value = self.value(name, key)
            if not isinstance(value, int | float | str):
                raise FuseError(
                    f"'{key}' cannot be filtered by value", expected="a class, a number or a text",
                    got=type(value).__name__,
                )  # fmt: skip
            if value not in drop:
                kept.append(name)
        return self.subset(kept)

    def classes(self, key: str) -> Classes:
        """Return the class of every sample, in their order, from the source alone: no file is read.

        Raises:
            FuseError: when the pipeline of `key` reads files, or makes no class.
        """
        return classes_of(self._pipeline(key), self.cohort)

    def labels(self, key: str) -> dict[str, int]:
        """Return the class of every sample by id; see `classes`.

        Raises:
            FuseError: when the pipeline of `key` reads files, or makes no class.
        """
        return dict(zip(self.ids, self.classes(key).numbers.tolist(), strict=True))

    def _pipeline(self, key: str) -> Pipeline:
        if key not in self.pipelines:
            raise KeyMissing(
                f"nothing makes '{key}'", expected=f"one of {', '.join(self.pipelines)}",
                nearest=nearest(key, self.pipelines),
            )  # fmt: skip
        return self.pipelines[key]


@dataclass(frozen=True)
class _Known:
    """How a sample is put together again: nothing of it needs to be looked at twice."""

    rest: dict[str, Any]
    """What is small, and the geometries."""
    marks: tuple[tuple[str, str], ...]
    """Key and fingerprint of every value that the cache has."""


class Fixed:
    """The samples of a dataset for a run: each value stays what it was when this process first used it."""

    def __init__(self, dataset: Dataset) -> None:
        """Take the dataset."""
        self._dataset, self.slots = dataset, Slots()
        self._known: dict[str, _Known] = {}

    def __reduce__(self) -> tuple[type[Fixed], tuple[Dataset]]:
        """Go to another process without what this one has used."""
        return Fixed, (self._dataset,)

    def leaves(self, id: str) -> dict[str, Any]:  # noqa: A002
        """Return a sample by dotted key, with arrays in the place of images; see `to_leaves`.

        Raises:
            SampleError: naming the sample and the step, or grids that do not fit.
        """
        known = self._known.get(id)
        if known is None:
            return self._first(id)
        found, find = known.rest.copy(), self._dataset.cache.find
        for key, mark in known.marks:
            value = find(mark)
            if value is None:
                return self._first(id)
            found[key] = value.array if isinstance(value, Image) else value
        return found

    def _first(self, id: str) -> dict[str, Any]:  # noqa: A002
        row, made = self._dataset.cohort.row(id), dict[str, tuple[Value, str]]()
        for key, pipeline in self._dataset.pipelines.items():
            made[key] = self._dataset.made(pipeline, row)
        found = to_leaves({"data.id": id, **{key: value for key, (value, _) in made.items()}})
        marks = tuple((key, mark) for key, (_, mark) in made.items() if mark)
        rest = {key: value for key, value in found.items() if key not in dict(marks)}
        if all(value.nbytes <= _SMALL for value in rest.values() if isinstance(value, np.ndarray)):
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[id] = _Known(rest, marks)
        return found
