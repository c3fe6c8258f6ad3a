"""The base of every loss: its factor, which samples count, and how much each of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field, model_validator
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import Key, LogitsKey, TruthKey, keys_of, read
from fuse_engine.targets import without_missing

Place = tuple[str | int, ...]
Activation = Literal["softmax", "sigmoid", "none"]


class Loss(Component):
    """A number that training makes small; its call takes tensors named like its key fields."""

    kind: ClassVar[str] = "loss"
    takes_shares: ClassVar[bool] = False
    """The target may hold the share of each class (batch, classes) in the place of one class (batch,)."""
    compares: ClassVar[bool] = False
    """Compares the samples of a batch with each other: one sample alone has no such loss."""

    weight: float = Field(1.0, ge=0)
    """Factor of this loss in the total."""
    sample_weights: Key | None = None
    """How much each sample counts, from 0 up, e.g. `data.input.weight`; the mean is weighted by it. All the same
    where empty."""
    only_key: Key | None = None
    """One number a sample that decides whether it counts, e.g. `data.gt.has_mask`; all count where empty."""
    only_values: list[float] = Field(default_factory=list)
    """Samples count whose number at `only_key` is one of these; a batch without any has a loss of 0."""

    @model_validator(mode="after")
    def _both(self) -> Loss:
        if bool(self.only_key) != bool(self.only_values):
            raise ValueError("expected `only_key` and `only_values` together, or neither")
        return self

    @property
    def head_activation(self) -> Activation | None:
        """Return the activation of the heads whose logits it reads, which it computes itself; None fits all."""
        return None

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the loss of a batch, a scalar without `weight`, from the tensors its keys stand for.

        Raises:
            FuseError: when shapes or classes do not fit.
        """

    def compute(self, batch: NestedDict, step: int | None = None, weights: Tensor | None = None) -> Tensor:
        """Return `weight` times the loss of the samples that count: its share of the total.

        `step` is the number of training steps before this one, None outside of training. `weights` (batch,) come
        from a loss that holds this one.

        Raises:
            FuseError: when a key is missing, or shapes, classes or weights do not fit.
        """
        if self.sample_weights is not None:
            own = sample_weights(batch[self.sample_weights], self.sample_weights)
            weights = own if weights is None else weights * own
        if self.only_key is None:
            return self.weight * self.of(batch, step, weights)
        kept = samples_with(batch[self.only_key], self.only_values, self.only_key)
        chosen = NestedDict({key: batch[key][kept] for key in self.reads()})
        if not bool(kept.any()):
            return nothing(chosen.values())
        return self.weight * self.of(chosen, step, None if weights is None else weights[kept])

    def counted(self, batch: NestedDict, count: int) -> Tensor:
        """Return how much each sample of a batch of `count` counts in its mean (batch,), from 0 up, on the CPU.

        Means of batches, weighted by their sums of it, make the mean of an epoch.

        Raises:
            FuseError: when a key is missing, or weights do not fit.
        """
        found = self.known(batch, count).cpu()
        if self.sample_weights is not None:
            found = found * sample_weights(batch[self.sample_weights], self.sample_weights).cpu()
        if self.only_key is not None:
            found = found * samples_with(batch[self.only_key], self.only_values, self.only_key).cpu()
        return found

    def known(self, batch: NestedDict, count: int) -> Tensor:
        """Return the share of each of the `count` samples (batch,) that has a truth: 1 where none may be missing.

        Raises:
            FuseError: when a key is missing.
        """
        return torch.ones(count)

    def of(self, batch: NestedDict, step: int | None, weights: Tensor | None) -> Tensor:
        """Return the loss of a batch in which every sample counts, as much as its weight (batch,) says.

        Raises:
            FuseError: when a key is missing, or shapes, classes or weights do not fit.
        """
        found = {name: value for name, value in read(self, batch).items() if name not in Loss.model_fields}
        return self(**found) if weights is None else self.weighted(weights, **found)

    def weighted(self, weights: Tensor, **tensors: Any) -> Tensor:
        """Return the loss whose samples count as much as `weights` (batch,) say.

        Raises:
            FuseError: for a loss that cannot weigh samples, or when shapes or classes do not fit.
        """
        raise FuseError(
            f"{self.name()} gives one number for a batch and cannot weigh its samples", where="sample_weights",
            expected="nothing here, or a SampleLoss",
        )  # fmt: skip

    def held(self) -> list[tuple[Place, Loss]]:
        """Return the losses that this one holds, each with its place below this one."""
        return []

    def reads(self) -> list[str]:
        """Return every key that this loss and those it holds read."""
        own = [key for keys in keys_of(self).values() for key in keys]
        return list(dict.fromkeys([*own, *(key for _, loss in self.held() for key in loss.reads())]))


class SampleLoss(Loss):
    """A loss that is a mean over samples."""

    pred: LogitsKey
    """Logits, e.g. `model.logits.classifier`."""
    target: TruthKey
    """Truth, e.g. `data.gt.classification`."""

    @abstractmethod
    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over samples, weighted by `weights` (batch,) where given.

        Raises:
            FuseError: when shapes or classes do not fit.
        """

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the mean over samples.

        Raises:
            FuseError: when shapes or classes do not fit.
        """
        return self.average(pred, target, None)

    def weighted(self, weights: Tensor, **tensors: Any) -> Tensor:
        """Return the mean over samples that count as much as `weights` (batch,) say.

        Raises:
            FuseError: when shapes or classes do not fit.
        """
        return self.average(tensors["pred"], tensors["target"], weights)


def leaves(loss: Loss, place: Place = ()) -> Iterator[tuple[Place, Loss]]:
    """Yield a loss, or in its stead those it holds that hold none, each with its place."""
    held = loss.held()
    if not held:
        yield place, loss
    for below, inner in held:
        yield from leaves(inner, (*place, *below))


def nothing(tensors: Iterable[Any]) -> Tensor:
    """Return a 0 that has a slope of 0 by every tensor of fractions, whatever numbers they hold."""
    empty = [
        value[:0].float().sum() for value in tensors if isinstance(value, Tensor) and value.is_floating_point()
    ]
    return torch.stack(empty).sum() if empty else torch.zeros(())


def weighted_mean(
    sums: Float[Tensor, " b"], mass: Float[Tensor, " b"], weights: Float[Tensor, " b"] | None = None
) -> Float[Tensor, ""]:
    """Return the sum of `sums` over that of `mass`, each sample times its weight; 0 where nothing has mass."""
    if weights is not None:
        sums, mass = weights * sums, weights * mass
    total = mass.sum()
    return sums.sum() / torch.where(total > 0, total, 1.0)


def share_known(target: Tensor, missing: Any) -> Tensor:
    """Return the share of the values of each sample (batch,) of a target (batch, ...) that are there."""
    there = without_missing(target, missing)[1].float()
    return there.flatten(1).mean(1) if there.ndim > 1 else there


def per_sample(values: Float[Tensor, "b ..."], counted: Bool[Tensor, "b ..."]) -> tuple[Tensor, Tensor]:
    """Return for each sample the sum of the values that count, and how many there are."""
    kept = torch.where(counted, values, 0.0)
    return kept.reshape(len(kept), -1).sum(1), counted.reshape(len(kept), -1).sum(1).float()


def sample_weights(values: Any, key: str) -> Tensor:
    """Return the weight of each sample (batch,) from what its key holds.

    Raises:
        FuseError: when it is not one number a sample, from 0 up.
    """
    found = _one_number(values, key, "sample_weights").float()
    if not bool((torch.isfinite(found) & (found >= 0)).all()):
        raise FuseError(
            f"'{key}' holds a weight that no sample can have", where="sample_weights",
            expected="numbers from 0 up", got=str(found[~(torch.isfinite(found) & (found >= 0))][0].item()),
        )  # fmt: skip
    return found


def samples_with(values: Any, wanted: list[float], key: str) -> Tensor:
    """Return which samples (batch,) have one of the wanted numbers.

    Raises:
        FuseError: when it is not one number a sample.
    """
    found = _one_number(values, key, "only_key").float()
    return torch.isin(found, torch.tensor(wanted, dtype=torch.float32, device=found.device))


def _one_number(values: Any, key: str, where: str) -> Tensor:
    shaped = isinstance(values, Tensor)
    if not shaped or values.ndim == 0 or values.shape[1:].numel() != 1:
        raise FuseError(
            f"'{key}' does not hold one number a sample", where=where, expected="a shape (batch,)",
            got=str(tuple(values.shape)) if shaped else f"a {type(values).__name__}",
        )  # fmt: skip
    found: Tensor = values.flatten()
    return found
