"""From an experiment to what is trained and measured: samples, folds, model, losses, metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fuse_engine.augment import Augmentation, Augmenter
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.random import torch_seed
from fuse_engine.core.resolve import Parts, resolve
from fuse_engine.core.sections import Negatives, Stage
from fuse_engine.data.classes import Classes, classes_of_column
from fuse_engine.data.collate import to_tensors
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.fit import fit_experiment
from fuse_engine.data.negatives import negative_samples, with_negatives
from fuse_engine.data.patches import PatchDataset, Patches
from fuse_engine.data.sampler import BatchSampler
from fuse_engine.data.source import Cohort
from fuse_engine.data.split import Folds, divide
from fuse_engine.losses.base import Loss
from fuse_engine.metrics.base import Metric
from fuse_engine.models.backbones import restored as without_pretrained
from fuse_engine.models.base import BatchModule, Model
from fuse_engine.run.compute import Compute
from fuse_engine.run.places import at_place
from fuse_engine.run.tiling import Tiled
from fuse_engine.run.timetable import Timetable

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
    def of(cls, experiment: Experiment, saved: Path | None = None) -> Assembly:
        """Type the components, read the sources and make the folds, or take those that a run `saved`.

        Raises:
            FuseError: naming what does not fit.
        """
        resolve(experiment)
        folds = divide(experiment, saved=saved)
        experiment, cohort = fit_experiment(experiment, folds=folds), folds.cohort
        found = cls(experiment, resolve(experiment), cohort, folds, Dataset.from_experiment(experiment, cohort))
        _ = found.model  # what it lacks is said now
        return found

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
        """The model as written, with its paths starting from the experiment's folder.

        Raises:
            ExperimentError: when a file that it is made of does not work.
        """
        with at_place(self.experiment, *self.model_place):
            return self.parts.at(Model, "model").located(self.experiment.folder)

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
        placed = [steps[name].located(self.experiment.folder) for name in sorted(steps, key=int)]
        return Augmenter(placed, self.experiment.seed)

    def patches(self) -> PatchDataset | None:
        """Return what cuts the training samples into patches, where they are."""
        if self.experiment.data.patches is None:
            return None
        return PatchDataset(self.dataset, self.parts.at(Patches, "data", "patches"), self.experiment.seed)

    @property
    def whole_batch(self) -> int:
        """Samples that are predicted at a time; where they are cut into patches, whole ones differ in size."""
        return 1 if self.experiment.data.patches else self.experiment.data.batch.size

    def predicting(self, compute: Compute) -> Compute | Tiled:
        """Return what predicts whole samples with a model that may have been trained on patches of them."""
        cutting = self.patches()
        return compute if cutting is None else Tiled(compute, cutting.patches, self.experiment.data.batch.size)

    def timetable(self) -> Timetable:
        """Return the training batches of every epoch.

        Raises:
            FuseError: naming the stage that has no samples, or what is wrong with the classes.
        """
        samplers: dict[Negatives, BatchSampler] = {}
        stages = []
        for index, stage in enumerate(self.experiment.training.stages):
            if stage.negatives not in samplers:
                samplers[stage.negatives] = self._sampler(self._chosen("train", stage.negatives, index))
            stages.append((samplers[stage.negatives], stage.epochs))
        return Timetable(stages)

    def validation(self, index: int) -> tuple[str, ...]:
        """Return the ids of the samples that a stage is validated with.

        Raises:
            FuseError: when the stage leaves none of them.
        """
        stage: Stage = self.experiment.training.stages[index]
        amount = stage.negatives if stage.validation_negatives is None else stage.validation_negatives
        if amount == "all" or not self.folds.validation:
            return self.folds.validation
        return tuple(self.cohort.ids[position] for position in self._chosen("validation", amount, index).tolist())

    def _sampler(self, positions: NDArray[np.int64]) -> BatchSampler:
        batch, classes = self.experiment.data.batch, self._classes
        ids = [self.cohort.ids[position] for position in positions.tolist()]
        if classes is None or batch.balance is None:
            return BatchSampler(ids, batch.size, self.experiment.seed, drop_last=batch.drop_last)
        balance = batch.balance
        return BatchSampler(
            ids, batch.size, self.experiment.seed, classes.numbers[positions], balance.weights, balance.counts,
            balance.probabilities, balance.length, batch.drop_last, classes.names,
        )  # fmt: skip

    def _chosen(self, part: Part, amount: Negatives, stage: int) -> NDArray[np.int64]:
        """Return the positions of a part's samples that a stage uses."""
        positions = self.folds.positions(part)
        if amount == "all":
            return positions
        chosen = with_negatives(positions, self._negative, amount)
        if not chosen.size:
            raise FuseError(
                f"no positive sample is left for {'training' if part == 'train' else 'the validation'}",
                where=f"training.stages.{stage}",
                expected="negatives: all, or positive samples in that part",
            )  # fmt: skip
        return chosen

    @cached_property
    def _negative(self) -> NDArray[np.bool_]:
        return negative_samples(self.dataset, self.experiment.data)

    @cached_property
    def _classes(self) -> Classes | None:
        """What the batches are balanced by."""
        balance = self.experiment.data.batch.balance
        if balance is None:
            return None
        if balance.column is not None:
            return classes_of_column(self.cohort, balance.column)
        return self.dataset.classes(str(balance.key))

    def tensors(self, name: str) -> NestedDict:
        """Return one sample as tensors, not augmented."""
        return to_tensors(self.dataset.sample(name))

    def first(self, ids: Sequence[str]) -> NestedDict:
        """Return the tensors of the first good sample as they are trained on: whole, or its first patch.

        Raises:
            SampleError: when the first few are all bad.
        """
        errors: list[FuseError] = []
        for name in ids[:TRIES]:
            try:
                return self.as_trained(name)
            except SampleError as error:
                errors.append(error)
        raise SampleError(*(problem for error in errors for problem in error.problems)) if errors else SampleError(
            "there are no samples"
        )  # fmt: skip

    def as_trained(self, name: str) -> NestedDict:
        """Return the tensors of one sample, whole or its first patch, not augmented.

        Raises:
            SampleError: when it cannot be read, or cut.
        """
        cutting = self.patches()
        return self.tensors(name) if cutting is None else to_tensors(next(cutting.each(name, 0)))

    def build(self, sample: NestedDict, restored: bool = False) -> BatchModule:
        """Return the network for samples like this one, its weights drawn by the experiment's seed.

        One that is `restored` gets the weights of a checkpoint next, and so reads no pretrained ones.

        Raises:
            ExperimentError: at the field whose shape does not fit.
        """
        torch.manual_seed(torch_seed(self.experiment.seed, "weights"))
        with at_place(self.experiment, *self.model_place), without_pretrained() if restored else nullcontext():
            return self.model.build(shapes_of(sample))

    def digest(self) -> str:
        """Return a text that changes when the samples of any part do."""
        text = "\n".join("\t".join(ids) for ids in (self.folds.train, self.folds.validation, self.folds.test))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def shapes_of(sample: NestedDict) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a sample, without the batch axis."""
    return {key: tuple(value.shape) for key, value in sample.items() if isinstance(value, Tensor)}
