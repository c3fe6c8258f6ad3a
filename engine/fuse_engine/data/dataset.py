"""The samples of an experiment, processed when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, KeyMissing, nearest
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component
from fuse_engine.data.cache import Cache
from fuse_engine.data.fit import fit_experiment, steps_of
from fuse_engine.data.processor import Pipeline, Value
from fuse_engine.data.source import Cohort, read_cohort


@dataclass(frozen=True, eq=False)
class Dataset:
    """A cohort and the pipelines that make each sample, by the key of what they make, e.g. `data.input.image`."""

    cohort: Cohort
    pipelines: Mapping[str, Pipeline]
    cache: Cache

    @classmethod
    def from_experiment(cls, experiment: Experiment, cohort: Cohort | None = None) -> Dataset:
        """Return the dataset of an experiment; steps that learn do so from its training samples.

        Raises:
            FuseError: for a source, step or cache that cannot be used; names the place in the experiment.
        """
        cohort = read_cohort(experiment) if cohort is None else cohort
        steps = steps_of(fit_experiment(experiment, cohort))
        pipelines = {key: Pipeline(tuple(group), key) for key, group in steps.items()}
        cache = component("cache", experiment.data.cache, ("data", "cache"), experiment)
        return cls(cohort, pipelines, cast(Cache, cache))

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
        if not pipeline.reads_files(row):
            return pipeline.run(row)
        return self.cache.get(pipeline.fingerprint(row), lambda: pipeline.run(row))

    def subset(self, ids: Iterable[str]) -> Dataset:
        """Return the dataset of these samples only, in this order."""
        return replace(self, cohort=self.cohort.select(ids))

    def labels(self, key: str) -> dict[str, int]:
        """Return the class of every sample, by id, from the source alone: no file is read.

        Raises:
            FuseError: when the pipeline of `key` reads files, or makes no class.
        """
        pipeline = self._pipeline(key)
        found: dict[str, int] = {}
        for row in self.cohort.rows(self.ids):
            if pipeline.reads_files(row):
                raise FuseError(
                    f"'{key}' is made from files", expected="a class that stands in a column of the source",
                    got=" -> ".join(step.name() for step in pipeline.steps),
                )  # fmt: skip
            value = pipeline.run(row)
            if not isinstance(value, int):
                raise FuseError(f"'{key}' is no class", expected="a step such as Label", got=type(value).__name__)
            found[row.id] = value
        return found

    def _pipeline(self, key: str) -> Pipeline:
        if key not in self.pipelines:
            raise KeyMissing(
                f"nothing makes '{key}'", expected=f"one of {', '.join(self.pipelines)}",
                nearest=nearest(key, self.pipelines),
            )  # fmt: skip
        return self.pipelines[key]
