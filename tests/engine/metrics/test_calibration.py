from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import CalibrationError, Reliability, Temperature
from tests.engine.metrics.scores import KEYS, classification, figures, labels, measured

LOGITS: dict[str, Any] = {"pred": "model.logits.head", "target": "data.gt.target"}


def by_hand(confidence: np.ndarray, right: np.ndarray, bins: int) -> tuple[float, float]:
    """Return expected and maximum calibration error, bin by bin."""
    gaps, shares = [], []
    for index in range(bins):
        low, high = index / bins, (index + 1) / bins
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gaps.append(abs(confidence[inside].mean() - right[inside].mean()))
            shares.append(inside.mean())
    return float(np.dot(gaps, shares)), max(gaps)


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_the_calibration_error_is_that_of_the_bins(bins: int) -> None:
    scores, target = classification(300, 3)
    expected = by_hand(scores.amax(1).numpy(), (scores.argmax(1) == target).numpy(), bins)
    found = measured(CalibrationError(**KEYS, bins=bins), scores, target)
    assert (found["ece"], found["mce"]) == pytest.approx(expected)


def test_what_is_calibrated_has_no_error_and_certainty_counts() -> None:
    """The original took the bins' upper ends for confidences, and dropped probabilities of 1."""
    three_in_four = torch.tensor([[0.25, 0.75]]).expand(8, 2)
    found = measured(CalibrationError(**KEYS), three_in_four, torch.tensor([1, 1, 1, 0] * 2))
    assert found == {"ece": pytest.approx(0), "mce": pytest.approx(0)}
    certain = torch.tensor([[0.0, 1.0]]).expand(4, 2)
    found = measured(CalibrationError(**KEYS), certain, torch.tensor([1, 1, 1, 0]))
    assert found == {"ece": pytest.approx(0.25), "mce": pytest.approx(0.25)}


def test_several_labels_are_binned_together() -> None:
    scores, target = labels(100, 3)
    expected = by_hand(scores.numpy().ravel(), target.numpy().ravel(), 10)
    found = measured(CalibrationError(**KEYS), scores, target)
    assert (found["ece"], found["mce"]) == pytest.approx(expected)


def test_the_reliability_diagram_says_what_lies_in_each_bin() -> None:
    scores = torch.tensor([[0.95, 0.05], [0.85, 0.15], [0.35, 0.65], [1.0, 0.0]], dtype=torch.float64)
    metric = Reliability(**KEYS, bins=5)
    rows = metric.collect(scores, torch.tensor([0, 1, 1, 0]))
    result = metric.result(rows)
    assert result["3"] == {"samples": 1, "confidence": 0.65, "accuracy": 1}
    assert result["4"] == pytest.approx({"samples": 3, "confidence": 2.8 / 3, "accuracy": 2 / 3})
    assert result["0"]["samples"] == 0
    assert np.isnan(result["0"]["accuracy"])
    assert metric.curves(rows)["reliability"]["samples"].tolist() == [1, 3]


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_temperature_is_the_optimum(scale: float) -> None:
    """The original stopped at 0.8076 where 0.8948 was right."""
    rng = stream("temperature")
    target = rng.integers(0, 3, 400)
    logits = scale * (rng.normal(size=(400, 3)) + 1.2 * np.eye(3)[target])

    def likelihood(temperature: float) -> float:
        return float(torch.nn.functional.cross_entropy(torch.from_numpy(logits / temperature), truth))

    truth = torch.from_numpy(target)
    best = minimize_scalar(likelihood, bounds=(0.01, 20), method="bounded", options={"xatol": 1e-10})
    found = measured(Temperature(**LOGITS), torch.from_numpy(logits), truth)
    assert found["temperature"] == pytest.approx(best.x, rel=1e-5)
    assert found["nll_scaled"] == pytest.approx(best.fun, abs=1e-9)
    probabilities = torch.from_numpy(logits).softmax(1).numpy()
    assert found["nll"] == pytest.approx(log_loss(target, probabilities))


def test_the_temperature_of_what_has_no_optimum_says_so() -> None:
    right = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    metric = Temperature(**LOGITS)
    assert measured(metric, right, torch.tensor([0, 1]))["temperature"] == 0
    assert measured(metric, right, torch.tensor([0, 1]))["nll_scaled"] == pytest.approx(0)
    wrong = measured(metric, right, torch.tensor([1, 0]))
    assert wrong["temperature"] == np.inf
    assert wrong["nll_scaled"] == pytest.approx(np.log(2))
    rows = metric.collect(right, torch.tensor([1, 0]))
    assert metric.per_sample(rows) == pytest.approx(right.softmax(1).numpy()[[0, 1], [1, 0]])
    assert np.isnan(figures(metric.result({name: row[:0] for name, row in rows.items()}))).all()
    assert np.isnan(figures(measured(metric, right * float("nan"), torch.tensor([0, 1])))).all()
    with pytest.raises(FuseError, match=r"expected logits \(batch, classes\)"):
        metric.collect(right, right)
