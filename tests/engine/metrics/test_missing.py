"""Truths that some samples do not have: left out, counted, and refused where nothing says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.metrics import (
    AUC,
    AUCPR,
    BSS,
    F1,
    MCC,
    ROC,
    Accuracy,
    BalancedAccuracy,
    CalibrationError,
    ConfidenceInterval,
    ConfusionMatrix,
    DeLong,
    McNemar,
    Metric,
    OperatingPoint,
    PartialAUC,
    Reliability,
    Temperature,
)
from tests.engine.metrics.scores import KEYS, classification, figures, labels, measured

OF_LABELS: list[type[Metric]] = [
    AUC, AUCPR, PartialAUC, ROC, OperatingPoint, F1, Accuracy, BalancedAccuracy, MCC, ConfusionMatrix, BSS,
    CalibrationError, Reliability, DeLong,
]  # fmt: skip
APART = [kind for kind in OF_LABELS if kind not in (CalibrationError, Reliability)]
OF_CLASSES = [*OF_LABELS, Temperature, McNemar]


def collected(kind: type[Metric], pred: Tensor, target: Tensor, missing: int | None) -> tuple[Metric, Any]:
    """Return a metric and its rows; a second prediction is the first one, upside down."""
    second: dict[str, Any] = {"other": "model.output.other"} if "other" in kind.model_fields else {}
    metric = kind(**KEYS, **second, missing=missing)
    order = [pred, target] if not second else [pred, pred.flip(0), target]
    return metric, metric.collect(*order)


@pytest.mark.parametrize("kind", OF_CLASSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("missing", [-1, 7])
def test_samples_without_a_class_do_not_count(kind: type[Metric], missing: int) -> None:
    pred, target = classification(60, 3, 1)
    known, absent = target.clone(), torch.arange(60) % 4 == 0
    absent |= absent.flip(0)  # the same samples upside down
    pred[0] = float("nan")  # a model may say anything where there is no truth
    pred[-1] = float("nan")
    target[absent] = missing
    metric, rows = collected(kind, pred, target, missing)
    few, fewer = collected(kind, pred[~absent], known[~absent], None)
    assert figures(metric.result(rows)) == pytest.approx(figures(few.result(fewer)), nan_ok=True)
    assert metric.left_out(rows) == int(absent.sum())
    each = metric.per_sample(rows)
    assert each is not None
    assert np.isnan(each[absent.numpy()]).all()
    assert each[~absent.numpy()] == pytest.approx(few.per_sample(fewer))
    with pytest.raises(FuseError, match=f"holds the class {missing}"):
        collected(kind, pred, target, None)


@pytest.mark.parametrize("kind", APART, ids=lambda kind: kind.__name__)
def test_single_labels_may_be_missing(kind: type[Metric]) -> None:
    pred, target = labels(50, 2)
    some = target.clone()
    some[20:30, 1] = -1
    rest = [*range(20), *range(30, 50)]
    other = pred.flip(0)
    found: list[Any] = []
    for chosen, truth in ((range(50), some), (range(50), target), (rest, target)):
        metric = kind(**KEYS, names=["a", "b"], missing=-1)
        parts = (pred[chosen], other[chosen], truth[chosen]) if kind is DeLong else (pred[chosen], truth[chosen])
        rows = metric.collect(*parts)
        assert metric.left_out(rows) == (10 if truth is some else 0)
        found.append(metric.result(rows))
    assert figures(found[0]["a"]) == pytest.approx(figures(found[1]["a"]))
    assert figures(found[0]["b"]) == pytest.approx(figures(found[2]["b"]))


def test_labels_that_are_missing_are_in_no_bin() -> None:
    target = torch.tensor([[1.0, -1.0], [0.0, 1.0]])
    scores = torch.tensor([[0.8, 0.1], [0.2, 0.6]])
    assert measured(CalibrationError(**KEYS, missing=-1), scores, target)["ece"] == pytest.approx(0.8 / 3)


def test_resamples_leave_them_out_too() -> None:
    pred, target = classification(80, 2)
    target[:40] = -1
    rows = {f"metric.{name}": row for name, row in AUC(**KEYS, missing=-1).collect(pred, target).items()}
    found = ConfidenceInterval(metric=AUC(**KEYS, missing=-1), resamples=200).result(rows)["1"]
    assert found["org"] == measured(AUC(**KEYS), pred[40:], target[40:])["1"]
    assert found["conf_lower"] < found["org"] < found["conf_upper"]


def test_without_any_truth_nothing_can_be_said() -> None:
    pred, _ = classification(5, 2)
    for kind in (*OF_LABELS, Temperature):
        metric, rows = collected(kind, pred, torch.full((5,), -1), -1)
        left = figures(metric.result(rows))
        assert (np.isnan(left) | (left == 0)).all(), kind  # numbers of samples are 0
