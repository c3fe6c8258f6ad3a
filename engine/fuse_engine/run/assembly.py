"""From an experiment to what is trained and measured: samples, folds, model, losses, metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from fuse_engine.augment.base import Augmentation, Augmenter
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.random import torch_seed
from fuse_engine.core.resolve import Parts, resolve
from fuse_engine.data.collate import to_tensors
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.fit import fit_experiment
from fuse_engine.data.sampler import BatchSampler
from fuse_engine.data.source import Cohort, read_cohort
from fuse_engine.data.split import Folds, make_folds
from fuse_engine.losses.base import Loss
from fuse_engine.metrics.base import Metric
from fuse_engine.models.base import BatchModule, Model
from fuse_engine.run.places import at_place

Part = Literal["train", "validation", "test", "all"]
TRIES = 5
"""Samples to look at for the shapes, should the first ones be bad."""


@dataclass(frozen=True)
class Assembly:
    """An experiment, with what its steps learned, and its components and samples in hand."""

    experiment: Experiment
    parts: Parts
    cohort: Cohort
    folds: Folds
    dataset: Dataset

    @classmethod
    def of(cls, experiment: Experiment) -> Assembly:
        """Type the components, read the source and make the folds; no image is read.

        Raises:
            FuseError: naming what does not fit.
        """
        resolve(experiment)
        cohort = read_cohort(experiment)
        experiment = fit_experiment(experiment, cohort)
        try:
            folds = make_folds(cohort, experiment.data.split, experiment.seed)
        except FuseError as error:
            raise error.placed(where="data.split") from error
        return cls(experiment, resolve(experiment), cohort, folds, Dataset.from_experiment(experiment, cohort))

    @cached_property
    def losses(self) -> dict[str, Loss]:
        """Losses by name."""
        return self.parts.below(Loss, "losses")

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Metrics by name."""
        return self.parts.below(Metric, "metrics")

    @cached_property
    def model(self) -> Model:
        """The model as written."""
        return self.parts.at(Model, "model")

    @property
    def model_place(self) -> tuple[str, str]:
        """Where the model's fields stand."""
        return "model", self.experiment.model.name

    def ids(self, part: Part) -> tuple[str, ...]:
        """Return the ids of a part of the samples."""
        if part == "all":
            return self.cohort.ids
        found: tuple[str, ...] = getattr(self.folds, part)
        return found

    def augmenter(self) -> Augmenter:
        """Return the augmentation of the training samples."""
        steps = self.parts.below(Augmentation, "augmentation")
        return Augmenter([steps[name] for name in sorted(steps, key=int)], self.experiment.seed)

    def sampler(self) -> BatchSampler:
        """Return the training batches of every epoch."""
        batch = self.experiment.data.batch
        labels = self.dataset.labels(batch.balance.key) if batch.balance else None
        weights = batch.balance.weights or None if batch.balance else None
        ids = list(self.folds.train)
        chosen = None if labels is None else {name: labels[name] for name in ids}
        return BatchSampler(ids, batch.size, self.experiment.seed, chosen, weights)

    def tensors(self, name: str) -> NestedDict:
        """Return one sample as tensors, not augmented."""
        return to_tensors(self.dataset.sample(name))

    def first(self, ids: Sequence[str]) -> NestedDict:
        """Return the tensors of the first good sample.

        Raises:
            SampleError: when the first few are all bad.
        """
        errors: list[FuseError] = []
        for name in ids[:TRIES]:
            try:
                return self.tensors(name)
            except SampleError as error:
                errors.append(error)
        raise SampleError(*(problem for error in errors for problem in error.problems)) if errors else SampleError(
            "there are no samples"
        )  # fmt: skip

    def build(self, sample: NestedDict) -> BatchModule:
        """Return the network for samples like this one, its weights drawn by the experiment's seed.

        Raises:
            ExperimentError: at the field whose shape does not fit.
        """
        torch.manual_seed(torch_seed(self.experiment.seed, "weights"))
        with at_place(self.experiment, *self.model_place):
            return self.model.build(shapes_of(sample))

    def digest(self) -> str:
        """Return a text that changes when the samples of any part do."""
        text = "\n".join("\t".join(ids) for ids in (self.folds.train, self.folds.validation, self.folds.test))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def shapes_of(sample: NestedDict) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a sample, without the batch axis."""
    return {key: tuple(value.shape) for key, value in sample.items() if isinstance(value, Tensor)}
