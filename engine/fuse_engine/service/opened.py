"""What the worker keeps from one request to the next, so that a preview computes only what changed."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from fuse_engine.core import document
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.document import Document
from fuse_engine.core.experiment import Experiment
from fuse_engine.data.cache import Memory
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.processor import Value
from fuse_engine.data.source import Cohort, read_cohort, without_excluded
from fuse_engine.service.identity import identity, tree_identity
from fuse_engine.service.work import Work

T = TypeVar("T")

_MEMORY_GB = 1.0


class Recent(Generic[T]):
    """The values used last."""

    def __init__(self, size: int) -> None:
        """Keep at most `size` values."""
        self._size = size
        self._values: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of `key`, made now if need be."""
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return self._values[key]


class Values:
    """Processed values of samples in memory, by fingerprint."""

    def __init__(self, limit_gb: float = _MEMORY_GB) -> None:
        """Keep at most `limit_gb` GB."""
        self._memory = Memory(limit_gb=limit_gb)

    def get(self, fingerprint: str, compute: Callable[[], Value]) -> tuple[Value, bool]:
        """Return a value, and whether it was there already."""
        made: list[Value] = []

        def make() -> Value:
            made.append(compute())
            return made[0]

        return self._memory.get(fingerprint, make), not made


_experiments: Recent[Experiment] = Recent(16)
_cohorts: Recent[Cohort] = Recent(4)
_datasets: Recent[Dataset] = Recent(8)
_folders: dict[Path, list[int]] = {}
"""What the folders of sources were like when they were last looked through."""
values = Values()
"""Shared by all requests; a fingerprint names a value whatever experiment it belongs to."""


def open_experiment(text: str, folder: str) -> Experiment:
    """Return the experiment that a panel holds, YAML or JSON; problems name no lines, as they are not of a file.

    Raises:
        ExperimentError: one problem for each field that does not fit.
    """

    def make() -> Experiment:
        # JSON is YAML too, but read as such it takes a hundred times as long: panels ask while a slider is dragged
        return Experiment.from_document(Document(_json(text) or document.parse(text).data), Path(folder))

    return _experiments.get((text, folder), make)


def _json(text: str) -> dict[str, Any] | None:
    """Return the object that is written in JSON, None where it is something else, YAML in braces for instance."""
    try:
        return json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return None


def open_cohort(experiment: Experiment, whole: bool = False, again: bool = False) -> Cohort:
    """Return the samples of an experiment, without those it excludes unless `whole`.

    They are read again when a file of the source changed; folders are looked through for that only when asked
    for by `again`, since that takes its time.

    Raises:
        FuseError: when the source cannot be read.
    """
    key = _source_key(experiment, again)
    found = _cohorts.get(key, lambda: read_cohort(experiment, whole=True))
    if whole or experiment.data.excluded is None:
        return found
    return _cohorts.get((key, _excluded_key(experiment)), lambda: without_excluded(found, experiment))


def open_dataset(experiment: Experiment) -> Dataset:
    """Return the dataset of an experiment; other settings than those of the data do not make a new one.

    Raises:
        FuseError: when the source, a step or the split does not work.
    """
    data = {**experiment.data.model_dump(mode="json"), "batch": None, "seed": experiment.seed}
    split = experiment.data.split
    lists = [value for value in split.lists.values() if isinstance(value, str)]
    named = [*lists, str(split.saved)] if split.saved else lists
    files = (_source_key(experiment), _excluded_key(experiment), json.dumps(_files(experiment, named)))
    key = (files, json.dumps(data, sort_keys=True))
    return _datasets.get(key, lambda: Dataset.from_experiment(experiment, open_cohort(experiment)))


def open_browsed(experiment: Experiment) -> Dataset:
    """Return the dataset of an experiment with the samples it excludes: they can be looked at like the others.

    Raises:
        FuseError: when the source, a step or the split does not work.
    """
    return replace(open_dataset(experiment), cohort=open_cohort(experiment, whole=True))


def read_value(dataset: Dataset, id: str, key: str) -> Value:  # noqa: A002 the name in the protocol
    """Return one processed value of a sample; it must not be changed.

    Raises:
        SampleError: naming sample and step.
    """
    row, pipeline = dataset.cohort.row(id), dataset.pipelines[key]
    if not pipeline.reads_files(row):
        return dataset.value(id, key)
    return values.get(pipeline.fingerprint(row), lambda: dataset.value(id, key))[0]


def read_sample(work: Work, dataset: Dataset, id: str) -> NestedDict:  # noqa: A002
    """Return all processed values of a sample.

    Raises:
        SampleError: naming sample and step.
    """
    sample = NestedDict({"data.id": id})
    for key in dataset.pipelines:
        work.check()
        sample[key] = read_value(dataset, id, key)
    return sample


def _source_key(experiment: Experiment, again: bool = False) -> str:
    specs = [spec.model_dump() for spec in (experiment.data.source, experiment.data.extra_train) if spec]
    return json.dumps([specs, str(experiment.folder), _files(experiment, specs, again)], sort_keys=True)


def _excluded_key(experiment: Experiment) -> str:
    path = experiment.data.excluded
    return "" if path is None else json.dumps([str(path), identity(experiment.folder / path)])


def _files(experiment: Experiment, value: Any, again: bool = False) -> list[list[int]]:
    """Return whether the files named somewhere in `value` are still the ones that were seen before."""
    return [_seen(experiment.folder / text, again) for text in _texts(value)]


def _seen(path: Path, again: bool) -> list[int]:
    if not path.is_dir():
        return identity(path)
    if again or path not in _folders:
        _folders[path] = tree_identity(path)
    return _folders[path]


def _texts(value: Any) -> list[str]:
    """Return every text in plain data: any of them may be a path."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) and value else []
