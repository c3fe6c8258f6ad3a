from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sk

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import MAE, MSE, R2, RMSE, Pearson, Spearman
from fuse_engine.metrics.regression.errors import ValueMetric
from tests.engine.metrics.maps import KEYS

REFERENCES: list[tuple[type[ValueMetric], Any]] = [
    (MAE, sk.mean_absolute_error), (MSE, sk.mean_squared_error), (RMSE, sk.root_mean_squared_error),
    (R2, sk.r2_score), (Pearson, lambda target, pred: stats.pearsonr(target, pred)[0]),
    (Spearman, lambda target, pred: stats.spearmanr(target, pred)[0]),
]  # fmt: skip
EVERY = pytest.mark.parametrize(("cls", "reference"), REFERENCES, ids=lambda value: getattr(value, "__name__", ""))


def values(samples: int, *more: int, decimals: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    rng = stream("values", samples, *more)
    target = np.round(rng.normal(60, 12, (samples, *more)), decimals)
    return torch.from_numpy(np.round(target + rng.normal(0, 8, target.shape), decimals)), torch.from_numpy(target)


@EVERY
@pytest.mark.parametrize("decimals", [-1, 6])
def test_figures_are_those_of_scipy_and_sklearn(cls: type[ValueMetric], reference: Any, decimals: int) -> None:
    pred, target = values(80, decimals=decimals)  # tens are tied
    metric = cls(**KEYS)
    parts = [metric.collect(pred[at : at + 9, None], target[at : at + 9]) for at in range(0, 80, 9)]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    assert metric.result(rows) == pytest.approx(reference(target, pred))


@EVERY
def test_several_numbers_are_measured_apart(cls: type[ValueMetric], reference: Any) -> None:
    pred, target = values(40, 2)
    metric = cls(**KEYS, names=["age", "weight"])
    each = [reference(target[:, column], pred[:, column]) for column in (0, 1)]
    expected = {"age": each[0], "weight": each[1], "macro_avg": np.mean(each)}
    assert metric.result(metric.collect(pred, target)) == pytest.approx(expected)


@EVERY
def test_what_is_not_known_is_left_out_and_what_is_no_number_is_no_success(
    cls: type[ValueMetric], reference: Any
) -> None:
    pred, target = values(30)
    target[::4] = float("nan")
    metric, known = cls(**KEYS, missing="nan"), ~torch.isnan(target)
    with pytest.raises(FuseError, match="holds nan; expected finite numbers, or `missing: nan`"):
        cls(**KEYS).collect(pred, target)
    rows = metric.collect(pred, target)
    assert metric.left_out(rows) == 8
    assert metric.result(rows) == pytest.approx(reference(target[known], pred[known]))
    none = {name: row[:0] for name, row in rows.items()}
    assert np.isnan(metric.result(none))
    assert np.isnan(metric.result({name: row[:1] for name, row in rows.items()}))
    pred[0] = float("nan")  # where nothing is known
    assert metric.result(metric.collect(pred, target)) == pytest.approx(reference(target[known], pred[known]))
    pred[1] = float("nan")
    assert np.isnan(metric.result(metric.collect(pred, target)))


@pytest.mark.parametrize("cls", [R2, Pearson, Spearman])
def test_constant_numbers_have_no_correlation(cls: type[ValueMetric]) -> None:
    pred, target = values(20)
    metric = cls(**KEYS)
    assert np.isnan(metric.result(metric.collect(pred, torch.full_like(target, 0.1))))
    assert metric.result(metric.collect(target, target)) == pytest.approx(1)


def test_the_worst_sample_is_the_one_with_the_largest_error() -> None:
    metric = RMSE(**KEYS)
    rows = metric.collect(torch.tensor([1.0, 5.0, 2.0]), torch.tensor([[2.0], [2.0], [2.0]]))
    assert metric.per_sample(rows).tolist() == [1, 3, 0]
    assert not metric.higher_is_better
    assert Pearson(**KEYS).per_sample(rows) is None


def test_shapes_that_do_not_fit_are_named() -> None:
    pred, target = values(6, 2)
    with pytest.raises(FuseError, match=r"shapes do not fit; .* got \(6, 2\) and \(6,\)"):
        MAE(**KEYS).collect(pred, target[:, 0])
    with pytest.raises(FuseError, match="one name for each class is needed; expected 2 names; got 1"):
        MAE(**KEYS, names=["age"]).collect(pred, target)
