from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import roc_auc_score

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import DeLong
from fuse_engine.metrics.statistics.delong import areas_and_covariance
from tests.engine.metrics.scores import KEYS, classification, figures, labels

BOTH: dict[str, Any] = {**KEYS, "other": "model.output.other"}


def by_pairs(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return areas (p,) and covariance (p, p) from every pair of a positive and a negative sample."""
    won = [(line[positive][:, None] > line[~positive]) + 0.5 * (line[positive][:, None] == line[~positive])
           for line in scores]  # fmt: skip
    rows, columns = np.stack([pairs.mean(1) for pairs in won]), np.stack([pairs.mean(0) for pairs in won])
    covariance = np.cov(rows) / positive.sum() + np.cov(columns) / (~positive).sum()
    return np.array([pairs.mean() for pairs in won]), np.atleast_2d(covariance)


@pytest.mark.parametrize("decimals", [1, 6])
def test_areas_and_covariance_are_those_of_all_pairs(decimals: int) -> None:
    rng = stream("delong", decimals)
    positive = rng.random(90) < 0.3
    scores = np.round(positive + rng.normal(size=(3, 90)), decimals)
    areas, covariance = areas_and_covariance(scores, positive)
    expected = by_pairs(scores, positive)
    assert areas == pytest.approx(expected[0])
    assert areas == pytest.approx([roc_auc_score(positive, line) for line in scores])
    assert covariance == pytest.approx(expected[1])


def test_two_predictions_are_compared_by_their_difference() -> None:
    (first, target), rng = classification(120, 2), stream("other")
    noisy = (first[:, 1] + torch.from_numpy(rng.normal(0, 0.2, 120))).clamp(0, 1)
    second = torch.stack([1 - noisy, noisy], 1)
    metric = DeLong(**BOTH)
    found = metric.result(metric.collect(first, second, target))["1"]
    areas, covariance = by_pairs(np.stack([first[:, 1], second[:, 1]]), target.numpy() == 1)
    std = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found["difference"] == pytest.approx(areas[0] - areas[1])
    assert found["z"] == pytest.approx((areas[0] - areas[1]) / std)
    assert found["p_value"] == pytest.approx(2 * stats.norm.sf(abs(areas[0] - areas[1]) / std))
    assert (found["conf_lower"], found["conf_upper"]) == pytest.approx(
        stats.norm.interval(0.95, areas[0], np.sqrt(covariance[0, 0]))
    )
    each = metric.per_sample(metric.collect(first, second, target))
    assert each == pytest.approx((first - second).numpy()[np.arange(120), target])


def test_its_standard_error_is_that_of_many_cohorts() -> None:
    rng, found, errors = stream("cohorts"), [], []
    for _ in range(300):
        positive = np.arange(100) < 40
        areas, covariance = areas_and_covariance((positive + rng.normal(size=100))[None], positive)
        found.append(areas[0])
        errors.append(np.sqrt(covariance[0, 0]))
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.1)


def test_the_same_prediction_twice_is_no_different() -> None:
    scores, target = classification(50, 2)
    metric = DeLong(**BOTH)
    found = metric.result(metric.collect(scores, scores, target))["1"]
    assert (found["difference"], found["z"], found["p_value"]) == (0, 0, 1)


def test_on_the_scale_of_the_logit_no_interval_leaves_0_to_1() -> None:
    positive = np.array([0.4, 0.6, 0.7, 0.9, 0.95])
    negative = np.array([0.05, 0.1, 0.2, 0.3, 0.5])
    chance = torch.from_numpy(np.concatenate([positive, negative]))
    scores, target = torch.stack([1 - chance, chance], 1), torch.tensor([1] * 5 + [0] * 5)
    normal = DeLong(**KEYS, confidence=0.999)
    logit = DeLong(**KEYS, confidence=0.999, method="logit")
    rows = normal.collect(scores, None, target)
    found = logit.result(rows)["1"]
    assert (
        normal.result(rows)["1"]["conf_upper"] > 1 > found["conf_upper"] > found["auc"] > found["conf_lower"] > 0
    )
    odds = np.log(found["auc"] / (1 - found["auc"]))
    reach = stats.norm.isf(0.0005) * found["std"] / (found["auc"] * (1 - found["auc"]))
    assert found["conf_upper"] == pytest.approx(1 / (1 + np.exp(-odds - reach)))
    perfect = torch.nn.functional.one_hot(target, 2).double()
    found = logit.result(logit.collect(perfect, None, target))["1"]
    assert (found["conf_lower"], found["auc"], found["conf_upper"]) == (1, 1, 1)


def test_without_two_samples_of_both_kinds_nothing_can_be_said() -> None:
    scores, target = classification(10, 2)
    metric = DeLong(**BOTH)
    one = torch.zeros_like(target)
    one[0] = 1
    found = metric.result(metric.collect(scores, scores, one))["1"]
    assert not np.isnan(found["auc"])
    assert np.isnan(
        [found[name] for name in ("std", "conf_lower", "conf_upper", "difference_std", "p_value")]
    ).all()
    broken = scores.clone()
    broken[2] = float("nan")
    assert np.isnan(metric.result(metric.collect(broken, scores, target))["1"]["auc"])
    rows = metric.collect(scores, scores, torch.zeros_like(target))
    assert np.isnan(figures(metric.result(rows))).all()
    assert np.isnan(figures(metric.result({name: row[:0] for name, row in rows.items()}))).all()


def test_classes_and_labels_are_judged_one_by_one() -> None:
    scores, target = classification(60, 3)
    metric = DeLong(**KEYS, names=["a", "b", "c"])
    rows = metric.collect(scores, None, target)
    assert [found["auc"] for found in metric.result(rows).values()] == pytest.approx(
        [roc_auc_score(target == index, scores[:, index]) for index in range(3)]
    )
    assert metric.per_sample(rows) == pytest.approx(scores.numpy()[np.arange(60), target])
    marks = metric.collect(labels(30, 3)[0], None, labels(30, 3)[1])
    assert set(metric.result(marks)) == {"a", "b", "c"}
    assert metric.per_sample(marks) is None
    with pytest.raises(FuseError, match=r"the two predictions differ in shape; expected \(60, 3\); got \(60, 2\)"):
        DeLong(**BOTH).collect(scores, scores[:, :2], target)
