from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.metrics import McNemar
from tests.engine.metrics.scores import KEYS, classification, figures, labels

BOTH: dict[str, Any] = {**KEYS, "other": "model.output.other"}


def predictions(both: int, first: int, second: int, neither: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return two predictions (n, 3) and the truth (n,), as many right as is said."""
    right = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    target = torch.arange(len(right)) % 3
    found = [(target + 1 - torch.tensor([pair[i] for pair in right])) % 3 for i in (0, 1)]
    one, other = (torch.nn.functional.one_hot(each, 3).float() for each in found)
    return one, other, target


@pytest.mark.parametrize(("first", "second"), [(10, 2), (3, 3), (0, 1), (0, 7), (25, 40)])
def test_the_exact_test_is_that_of_the_binomial_distribution(first: int, second: int) -> None:
    metric = McNemar(**BOTH)
    found = metric.result(metric.collect(*predictions(20, first, second, 5)))
    assert found["p_value"] == pytest.approx(stats.binomtest(first, first + second).pvalue)
    assert found["statistic"] == min(first, second)
    assert [found[name] for name in ("both", "only_pred", "only_other", "neither")] == [20, first, second, 5]


def test_the_chi_squared_test_is_corrected_for_continuity() -> None:
    """Table of Agresti's textbook: 794 and 570 approve, 150 and 86 change their mind."""
    metric = McNemar(**BOTH, method="chi2")
    found = metric.result(metric.collect(*predictions(794, 150, 86, 570)))
    assert found["statistic"] == pytest.approx((150 - 86 - 1) ** 2 / (150 + 86))
    assert found["p_value"] == pytest.approx(4.115e-5, rel=1e-3)
    even = metric.result(metric.collect(*predictions(1, 4, 4, 1)))
    assert (even["statistic"], even["p_value"]) == (0, 1)


@pytest.mark.parametrize("method", ["exact", "chi2"])
def test_predictions_that_always_agree_are_no_different(method: Any) -> None:
    metric = McNemar(**BOTH, method=method)
    rows = metric.collect(*predictions(6, 0, 0, 3))
    assert (metric.result(rows)["statistic"], metric.result(rows)["p_value"]) == (0, 1)
    assert metric.result({name: row[:0] for name, row in rows.items()})["p_value"] == 1


def test_without_a_truth_the_two_predictions_are_compared() -> None:
    """Where the original always said p = 1."""
    metric = McNemar(pred="model.output.head", other="model.output.other")
    often = torch.tensor([[0.2, 0.8]]).expand(12, 2)
    rows = metric.collect(often, often.flip(1), None)
    found = metric.result(rows)
    assert found["only_pred"] == 12
    assert found["p_value"] == pytest.approx(2 * 0.5**12)
    with pytest.raises(FuseError, match="without a target two classes can be compared, not more"):
        metric.collect(*predictions(1, 1, 1, 1)[:2], None)


def test_samples_that_they_differ_on_are_found_and_what_is_no_number_is_nan() -> None:
    metric = McNemar(**BOTH)
    one, other, target = predictions(2, 1, 1, 1)
    assert metric.per_sample(metric.collect(one, other, target)).tolist() == [0, 0, 1, -1, 0]
    one[1] = float("nan")
    rows = metric.collect(one, other, target)
    assert np.isnan(figures(metric.result(rows))).all()
    assert np.isnan(metric.per_sample(rows)).nonzero()[0].tolist() == [1]


def test_what_cannot_be_compared_is_refused() -> None:
    scores, target = classification(10, 2)
    metric = McNemar(**BOTH)
    with pytest.raises(FuseError, match="the two predictions differ in shape"):
        metric.collect(scores, scores[:, :1], target)
    marks, truth = labels(10, 3)
    with pytest.raises(FuseError, match="one class of each sample is needed"):
        metric.collect(marks, marks, truth)
