from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import Dice, IoU
from fuse_engine.metrics.base import Rows

KEYS: dict[str, Any] = {"pred": "model.output.head", "target": "data.gt.target"}


def together(*rows: Rows) -> Rows:
    return {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


def segmentation(size: tuple[int, ...], classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = stream("overlap", *size)
    target = torch.from_numpy(rng.integers(0, classes, (4, 1, *size)))
    noise = torch.from_numpy(rng.normal(size=(4, classes, *size)))
    return noise + 1.5 * torch.nn.functional.one_hot(target[:, 0], classes).movedim(-1, 1), target


@pytest.mark.parametrize("size", [(16, 12), (6, 8, 7)])
def test_overlap_is_counted_over_the_pixels_of_all_samples(size: tuple[int, ...]) -> None:
    logits, target = segmentation(size)
    truth, found = target.flatten(), logits.argmax(1).flatten()
    for metric, reference in ((IoU(**KEYS), sk.jaccard_score), (Dice(**KEYS), sk.f1_score)):
        rows = together(metric.collect(logits[:3], target[:3]), metric.collect(logits[3:], target[3:]))
        result = metric.result(rows)
        assert [result[name] for name in "012"] == pytest.approx(reference(truth, found, average=None).tolist())
        assert result["macro_avg"] == pytest.approx(reference(truth, found, average="macro"))
        each = [reference(target[i].flatten(), logits[i].argmax(0).flatten(), average="macro") for i in range(4)]
        assert metric.per_sample(rows).tolist() == pytest.approx(each)


def test_labels_are_told_apart() -> None:
    """Where the original gave 0.8 for both classes (fuse-med-ml: labels never separated)."""
    target = torch.tensor([[[[0, 0, 1, 1, 2, 2]]]])
    found = torch.tensor([[[[0, 0, 1, 2, 2, 2]]]])
    pred = torch.nn.functional.one_hot(found[:, 0], 3).movedim(-1, 1).float()
    metric = IoU(**KEYS, names=["background", "liver", "tumour"])
    result = metric.result(metric.collect(pred, target))
    assert result["liver"] == pytest.approx(1 / 2)
    assert result["tumour"] == pytest.approx(2 / 3)


def test_an_empty_truth_is_zero_when_something_is_predicted_and_nan_when_not() -> None:
    target = torch.zeros(2, 1, 4, 4, dtype=torch.int64)
    pred = torch.zeros(2, 2, 4, 4)
    pred[:, 0] = 1
    pred[0, 1, 1, 1] = 2
    for metric in (IoU(**KEYS, ignore=[0]), Dice(**KEYS, ignore=[0])):
        rows = metric.collect(pred, target)
        assert metric.per_sample(rows)[0] == 0
        assert np.isnan(metric.per_sample(rows)[1])
        assert metric.result(rows)["1"] == 0
        alone = metric.result(metric.collect(pred[1:], target[1:]))
        assert alone["0"] == 1
        assert np.isnan(alone["1"])
        assert np.isnan(alone["macro_avg"])


def test_overlap_is_measured_on_the_grid_of_the_truth() -> None:
    target = torch.zeros(1, 1, 8, 8, dtype=torch.int64)
    target[..., 4:, :6] = 1
    small = torch.nn.functional.one_hot(target[:, 0, ::2, ::2], 2).movedim(-1, 1).float()
    metric = Dice(**KEYS)
    assert metric.result(metric.collect(small, target))["macro_avg"] == 1


def test_what_does_not_fit_is_named() -> None:
    logits, target = segmentation((4, 4))
    with pytest.raises(FuseError, match=r"data\.gt\.target' holds the class 3, the model predicts 3 classes"):
        IoU(**KEYS).collect(logits, target + 1)
    with pytest.raises(
        FuseError, match=r"data\.gt\.target' holds no classes; expected whole numbers; got torch\.float32"
    ):
        IoU(**KEYS).collect(logits, target.float())
    with pytest.raises(FuseError, match="one name for each class is needed; expected 3 names; got 1"):
        IoU(**KEYS, names=["lesion"]).collect(logits, target)
    with pytest.raises(FuseError, match="ignored classes do not fit"):
        Dice(**KEYS, ignore=[7]).collect(logits, target)
    with pytest.raises(FuseError, match=r"got \(4, 3, 4, 4\) and \(4, 4, 4\)"):
        Dice(**KEYS).collect(logits, target[:, 0])


def test_predictions_that_are_no_numbers_are_no_success() -> None:
    maps, truth = segmentation((6, 5))
    maps[1, 2, 3, 3] = float("nan")
    overlap = Dice(**KEYS)
    rows = overlap.collect(maps, truth)
    assert np.isnan(list(overlap.result(rows).values())).all()
    assert np.isnan(overlap.per_sample(rows)).tolist() == [False, True, False, False]
