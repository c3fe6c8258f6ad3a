from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import AUCPerPixel
from tests.engine.metrics.maps import KEYS


def scored(classes: int, *size: int, sharp: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return probabilities and a label map of 3 samples."""
    rng = stream("pixels", classes, *size)
    target = torch.from_numpy(rng.integers(0, classes, (3, 1, *size)))
    logits = torch.from_numpy(rng.normal(size=(3, classes, *size)))
    logits = sharp * (logits + torch.nn.functional.one_hot(target[:, 0], classes).movedim(-1, 1))
    return logits.float().softmax(1), target


@pytest.mark.parametrize("sharp", [0.3, 1.0, 8.0])
@pytest.mark.parametrize("size", [(40, 30), (8, 20, 15)])
def test_the_area_is_that_of_all_pixels(size: tuple[int, ...], sharp: float) -> None:
    pred, target = scored(3, *size, sharp=sharp)
    metric = AUCPerPixel(**KEYS, names=["air", "bone", "fat"])
    parts = [metric.collect(pred[at : at + 2], target[at : at + 2]) for at in (0, 2)]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    result = metric.result(rows)
    for kind, name in enumerate(("air", "bone", "fat")):
        expected = roc_auc_score(target.flatten() == kind, pred[:, kind].flatten())
        assert result[name] == pytest.approx(expected, abs=5e-4)
    each = [
        np.mean([roc_auc_score(target[i].flatten() == k, pred[i, k].flatten()) for k in range(3)])
        for i in range(3)
    ]
    assert metric.per_sample(rows) == pytest.approx(each, abs=1e-3)


def test_two_classes_are_judged_by_the_second_and_overlapping_ones_by_themselves() -> None:
    pred, target = scored(2, 30, 30)
    expected = roc_auc_score(target.flatten(), pred[:, 1].flatten())
    metric = AUCPerPixel(**KEYS)
    assert metric.result(metric.collect(pred, target)) == pytest.approx(
        {"1": expected, "macro_avg": expected}, abs=5e-4
    )
    apart = AUCPerPixel(**KEYS, overlapping=True)
    assert apart.result(apart.collect(pred[:, 1:], target))["0"] == pytest.approx(expected, abs=5e-4)


def test_scores_near_0_and_1_are_told_apart() -> None:
    score = torch.tensor([1e-6, 2e-6, 1 - 2e-6, 1 - 1e-6, 1 - 1e-6, 1.0]).view(1, 1, 2, 3)
    target = torch.tensor([0, 1, 0, 1, 0, 1]).view(1, 1, 2, 3)
    metric = AUCPerPixel(**KEYS)
    result = metric.result(metric.collect(torch.cat([1 - score, score], 1), target))
    assert result["1"] == pytest.approx((1 + 2.5 + 3) / 9)


def test_memory_does_not_grow_with_the_pixels() -> None:
    metric = AUCPerPixel(**KEYS)
    small, large = (metric.collect(*scored(2, side, side))["counts"] for side in (8, 64))
    assert small.shape == large.shape
    assert large.sum() == 3 * 64 * 64


def test_what_is_undefined_is_nan() -> None:
    pred, target = scored(3, 12, 12)
    metric = AUCPerPixel(**KEYS)
    absent = metric.result(metric.collect(pred, target.clamp(max=1)))
    assert np.isnan(absent["2"])
    assert absent["macro_avg"] == pytest.approx((absent["0"] + absent["1"]) / 2)
    rows = metric.collect(pred, target)
    assert np.isnan(metric.result({name: row[:0] for name, row in rows.items()})["macro_avg"])
    pred[1, 0, 3, 3] = float("nan")
    rows = metric.collect(pred, target)
    assert np.isnan(list(metric.result(rows).values())).all()
    assert np.isnan(metric.per_sample(rows)).tolist() == [False, True, False]


def test_pixels_without_a_label_do_not_count() -> None:
    pred, target = scored(2, 30, 30)
    void = torch.from_numpy(stream("void").random(target.shape) < 0.4)
    metric = AUCPerPixel(**KEYS, missing=255)
    expected = roc_auc_score(target[~void], pred[:, 1:][~void])
    assert metric.result(metric.collect(pred, target.masked_fill(void, 255)))["1"] == pytest.approx(
        expected, abs=5e-4
    )


def test_logits_and_other_grids_are_refused() -> None:
    pred, target = scored(2, 12, 12)
    with pytest.raises(FuseError, match=r"'model\.output\.head' does not hold probabilities"):
        AUCPerPixel(**KEYS).collect(pred.log(), target)
    with pytest.raises(FuseError, match=r"compared on one grid; expected \(6, 6\); got \(12, 12\)"):
        AUCPerPixel(**KEYS).collect(pred[..., ::2, ::2], target)
