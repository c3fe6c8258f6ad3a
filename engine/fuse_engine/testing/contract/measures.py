"""The rules of losses and metrics."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fuse_engine.core.component import Component
from fuse_engine.core.keys import key_fields
from fuse_engine.losses.base import Loss
from fuse_engine.metrics.base import Metric, Result
from fuse_engine.testing.contract.rules import SIZES, accepted, expect, scores


def _perfect(target: Tensor, classes: int = 3) -> Tensor:
    labels = target if target.ndim == 1 else target[:, 0]
    return 20 * nn.functional.one_hot(labels, classes).movedim(-1, 1).float()


def check_loss(loss: Loss) -> None:
    """Named like its keys; a finite slope; smallest for a perfect prediction."""
    cls = type(loss)
    same_names(cls, loss.__call__)
    if set(read_keys(cls)) != {"pred", "target"}:
        return

    def numbers(size: tuple[int, ...]) -> None:
        logits, target, perfect = _answers(size, loss.head_activation)
        logits.requires_grad_()
        value = loss(logits, target)
        expect(value.ndim == 0 and bool(torch.isfinite(value)), cls, f"is no finite number: {value}")
        value.backward()  # type: ignore[no-untyped-call]
        slope = logits.grad
        expect(slope is not None and bool(torch.isfinite(slope).all()), cls, "has no finite gradient")
        expect(slope is not None and bool(slope.any()), cls, "has no gradient")
        best = loss(perfect, target)
        expect(bool(best < value), cls, f"is {best} for a perfect prediction, {value} for a random one")

    accepted(loss, numbers, SIZES)


def _answers(size: tuple[int, ...], activation: str | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return made-up logits, a truth as heads with that activation have it, and logits that are right."""
    logits, target = scores(size)
    if activation == "sigmoid":
        marks = (logits.roll(1, 0) > 0).float()
        return logits, marks, 40 * marks - 20
    numbers = logits.roll(1, 0)
    return (logits, numbers, numbers) if activation == "none" else (logits, target, _perfect(target))


def check_metric(metric: Metric) -> None:
    """Named like its keys; one row a sample; best for a perfect prediction; the same in any order."""
    cls = type(metric)
    same_names(cls, metric.collect, ("geometry",) if metric.measured_on else ())
    if set(key_fields(cls)) != {"pred", "target"}:
        return

    def numbers(case: tuple[Tensor, Tensor, Tensor]) -> None:
        pred, perfect, target = case
        rows = metric.collect(pred, target)
        expect(all(np.shape(row)[:1] == (4,) for row in rows.values()), cls, "does not keep one row a sample")
        each = metric.per_sample(rows)
        expect(each is None or each.shape == (4,), cls, "does not give one figure a sample")
        value = metric.result(rows)
        turned = metric.result({name: row[::-1] for name, row in rows.items()})
        expect(np.allclose(_figures(value), _figures(turned), equal_nan=True), cls, "depends on the order")
        best = _figures(metric.result(metric.collect(perfect, target)))
        if metric.higher_is_better is None:
            return
        sign = 1 if metric.higher_is_better else -1
        better = (sign * best >= sign * _figures(value)) | np.isnan(best)
        expect(bool(better.all()), cls, f"is {best} for a perfect prediction, {value} for a random one")

    accepted(metric, numbers, list(_predictions()))


def _predictions() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield random and perfect predictions of a target: classes, label maps, numbers, and boxes."""
    for size in SIZES:
        logits, target = scores(size)
        yield logits.softmax(1), _perfect(target).softmax(1), target
    numbers = scores((2,))[0][..., 0]
    yield numbers.flip(0), numbers, numbers
    boxes = torch.cat([numbers[:, :2], numbers[:, :2] + 1], 1)[:, None]
    yield boxes.flip(0), boxes, boxes


def _figures(value: Result) -> np.ndarray[Any, np.dtype[np.float64]]:
    if isinstance(value, Mapping):
        return np.concatenate([_figures(item) for item in value.values()])
    return np.array([value], float)


def same_names(cls: type[Component], method: Callable[..., Any], more: tuple[str, ...] = ()) -> None:
    """Refuse a method whose arguments are not named like the keys, `more` beside them.

    Raises:
        ContractError: naming both.
    """
    names, keys = list(inspect.signature(method).parameters), [*read_keys(cls), *more]
    expect(set(names) == set(keys), cls, f"takes {names}, its keys are {keys}")


def read_keys(cls: type[Component]) -> list[str]:
    """Return the key fields whose tensors are handed over; those that say which samples count are read apart."""
    return [name for name in key_fields(cls) if not (issubclass(cls, Loss) and name in Loss.model_fields)]
