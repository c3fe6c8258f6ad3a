from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from fuse_engine.core.errors import FuseError
from fuse_engine.metrics import NPV, PPV, ROC, Accuracy, ConfusionMatrix, OperatingPoint, Sensitivity, Specificity
from tests.engine.metrics.scores import KEYS, classification, figures, measured

POSITIVE: dict[str, Any] = {**KEYS, "names": ["normal", "positive"]}


def test_a_threshold_decides_between_two_classes() -> None:
    scores, target = classification(200, 2)
    found, truth = (scores[:, 1] >= 0.3).numpy(), target.numpy() == 1
    tp, fp = (found & truth).sum(), (found & ~truth).sum()
    fn, tn = (~found & truth).sum(), (~found & ~truth).sum()
    wanted = {Sensitivity: tp / (tp + fn), Specificity: tn / (tn + fp), PPV: tp / (tp + fp), NPV: tn / (tn + fn)}
    for kind, expected in wanted.items():
        metric = kind(**POSITIVE, thresholds={"positive": 0.3})
        assert measured(metric, scores, target)["positive"] == pytest.approx(expected)
    assert measured(Accuracy(**POSITIVE, thresholds={"positive": 0.3}), scores, target) == (tp + tn) / 200


def test_the_first_class_that_reaches_its_threshold_is_decided_on() -> None:
    scores = torch.tensor([[0.5, 0.2, 0.3], [0.5, 0.4, 0.1], [0.8, 0.1, 0.1], [0.1, 0.15, 0.75]])
    one_each = torch.tensor([0, 0, 0, 0])
    listed = ConfusionMatrix(**KEYS, thresholds={"2": 0.3, "1": 0.2})
    assert list(measured(listed, scores, one_each)["0"].values()) == [1, 1, 2]
    every = ConfusionMatrix(**KEYS, thresholds={"2": 0.3, "1": 0.2, "0": 0.9})
    assert list(measured(every, scores, one_each)["0"].values()) == [1, 1, 2]  # the last one takes the rest


def test_a_threshold_of_no_class_is_refused() -> None:
    scores, target = classification(10, 2)
    with pytest.raises(FuseError, match="there is no class 'positve'; expected some of normal, positive; did you"):
        Accuracy(**POSITIVE, thresholds={"positve": 0.5}).collect(scores, target)
    with pytest.raises(ValueError, match="expected thresholds from 0 to 1"):
        Accuracy(**POSITIVE, thresholds={"positive": 1.5})
    with pytest.raises(FuseError, match="does not hold probabilities"):
        Accuracy(**POSITIVE, thresholds={"positive": 0.5}).collect(10 * scores, target)


def test_logits_will_do_for_the_most_probable_class() -> None:
    scores, target = classification(30, 3)
    assert measured(Accuracy(**KEYS), scores.log(), target) == measured(Accuracy(**KEYS), scores, target)


@pytest.mark.parametrize("decimals", [1, 6])
@pytest.mark.parametrize("level", [0.0, 0.8, 0.95, 1.0])
def test_a_wanted_sensitivity_or_specificity_is_reached_at_the_best_threshold(level: float, decimals: int) -> None:
    scores, target = classification(200, 2, decimals)
    fpr, tpr, _ = sk.roc_curve(target, scores[:, 1], drop_intermediate=False)
    best = {"sensitivity": (1 - fpr)[tpr >= level].max(), "specificity": tpr[1 - fpr >= level - 1e-12].max()}
    for wanted, other in (("sensitivity", "specificity"), ("specificity", "sensitivity")):
        found = measured(OperatingPoint(**POSITIVE, wanted=wanted, level=level), scores, target)["positive"]
        assert found[wanted] >= level
        assert found[other] == pytest.approx(best[wanted])
        fixed = {"thresholds": {"positive": min(found["threshold"], 1.0)}}
        if found["threshold"] <= 1:  # carried over to another metric it says the same
            assert measured(Sensitivity(**POSITIVE, **fixed), scores, target)["positive"] == found["sensitivity"]
            assert measured(PPV(**POSITIVE, **fixed), scores, target)["positive"] == pytest.approx(
                found["ppv"], nan_ok=True
            )


def test_a_threshold_needs_both_classes() -> None:
    scores, target = classification(20, 2)
    assert np.isnan(figures(measured(OperatingPoint(**KEYS), scores, torch.zeros_like(target)))).all()
    scores[3] = float("nan")
    assert np.isnan(figures(measured(OperatingPoint(**KEYS), scores, target))).all()


@pytest.mark.parametrize("decimals", [1, 6])
def test_the_roc_curve_is_that_of_sklearn(decimals: int) -> None:
    scores, target = classification(150, 3, decimals)
    metric = ROC(**KEYS, names=["a", "b", "c"], specificities=[0.5, 0.9])
    rows = metric.collect(scores, target)
    curve = metric.curves(rows)["b"]
    fpr, tpr, thresholds = sk.roc_curve(target == 1, scores[:, 1], drop_intermediate=False)
    points = {tuple(point) for point in np.stack([fpr, tpr, thresholds], 1)[1:].round(9)}
    assert {tuple(point) for point in np.stack(list(curve.values()), 1)[1:].round(9)} <= points
    assert len(curve["threshold"]) < len(points) or decimals == 1
    found = metric.result(rows)["b"]
    assert found["sensitivity_at_specificity_0.9"] == pytest.approx(tpr[fpr <= 0.1 + 1e-12].max())
    assert sk.auc(curve["false_positive_rate"], curve["true_positive_rate"]) == pytest.approx(
        sk.roc_auc_score(target == 1, scores[:, 1])
    )


def test_a_class_without_samples_has_no_curve() -> None:
    scores, target = classification(40, 3)
    metric = ROC(**KEYS)
    rows = metric.collect(scores, target.clamp(max=1))
    assert set(metric.curves(rows)) == {"0", "1"}
    assert np.isnan(list(metric.result(rows)["2"].values())).all()
    with pytest.raises(ValueError, match="expected one or more specificities from 0 to 1"):
        ROC(**KEYS, specificities=[2.0])
