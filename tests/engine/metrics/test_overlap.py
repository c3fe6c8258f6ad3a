from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn import metrics as sk

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import Dice, IoU, Overlap, PixelAccuracy
from fuse_engine.metrics.kernels.counts import joint_histogram
from fuse_engine.metrics.segmentation.overlap import OverlapMetric
from tests.engine.metrics.maps import KEYS, blob, outputs, truth


def random_maps(size: tuple[int, ...], classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = stream("overlap", *size)
    target = torch.from_numpy(rng.integers(0, classes, (4, 1, *size)))
    noise = torch.from_numpy(rng.normal(size=(4, classes, *size)))
    return noise + 1.5 * torch.nn.functional.one_hot(target[:, 0], classes).movedim(-1, 1), target


@pytest.mark.parametrize("length", [0, 7, 1001])
def test_pairs_of_labels_are_counted_like_one_by_one(length: int) -> None:
    rng = stream("pairs", length)
    first, second = (np.repeat(rng.integers(0, 4, length), 9)[:length].astype(np.uint8) for _ in range(2))
    expected = np.zeros((4, 4), np.int64)
    np.add.at(expected, (first, second), 1)
    counts = np.zeros((4, 4), np.int64)
    joint_histogram(first, second, counts)
    assert counts.tolist() == expected.tolist()


@pytest.mark.parametrize("size", [(16, 12), (6, 8, 7)])
def test_per_sample_is_the_mean_of_what_sklearn_says_of_each(size: tuple[int, ...]) -> None:
    logits, target = random_maps(size)
    pairs = [(target[i].flatten(), logits[i].argmax(0).flatten()) for i in range(4)]
    references: list[tuple[type[OverlapMetric], Any]] = [
        (IoU, sk.jaccard_score), (Dice, sk.f1_score), (PixelAccuracy, sk.recall_score)
    ]  # fmt: skip
    for metric, reference in references:
        result = metric(**KEYS, average="per_sample").result(metric(**KEYS).collect(logits, target))
        each = np.mean([reference(*pair, average=None) for pair in pairs], 0)
        assert [result[name] for name in "012"] == pytest.approx(each.tolist())
        assert result["undefined"] == {"0": 0, "1": 0, "2": 0}
        pooled = metric(**KEYS).result(metric(**KEYS).collect(logits, target))
        whole = reference(target.flatten(), logits.argmax(1).flatten(), average=None)
        assert [pooled[name] for name in "012"] == pytest.approx(whole.tolist())


def test_overlap_is_the_share_of_the_smaller_one() -> None:
    target, found = np.zeros((6, 6), np.uint8), np.zeros((6, 6), np.uint8)
    target[:2, :3], found[1:5, 1:5] = 1, 1
    for one, other in ((target, found), (found, target)):
        metric = Overlap(**KEYS, ignore=[0])
        assert metric.result(metric.collect(outputs(one), truth(other)))["macro_avg"] == pytest.approx(2 / 6)


def test_class_weights_are_shares_of_their_sum() -> None:
    """Where the original divided by the number of classes once more: 0.3 for 0.6."""
    target = np.array([[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]], np.uint8)
    found = np.array([[0, 0, 0, 0, 1, 1, 1, 0, 0, 0]], np.uint8)
    for weights in ([0.5, 0.5], [1.0, 1.0], [3.0, 1.0]):
        metric = PixelAccuracy(**KEYS, class_weights=weights)
        result = metric.result(metric.collect(outputs(found), truth(target)))
        expected = (weights[0] * 0.8 + weights[1] * 0.4) / sum(weights)
        assert result["macro_avg"] == pytest.approx(expected)
        assert metric.per_sample(metric.collect(outputs(found), truth(target))) == pytest.approx([expected])
    with pytest.raises(ValidationError, match="expected factors from 0 up, not all 0"):
        Dice(**KEYS, class_weights=[0, 0])
    with pytest.raises(FuseError, match="one factor for each class is needed; expected 2 factors; got 1"):
        Dice(**KEYS, class_weights=[1]).collect(outputs(found), truth(target))


@pytest.mark.parametrize("metric", [IoU, Dice, Overlap, PixelAccuracy])
def test_what_is_empty_is_0_where_one_map_holds_it_and_left_out_where_none_does(
    metric: type[OverlapMetric],
) -> None:
    there = blob((12, 12), "there")
    nothing = np.zeros_like(there)
    pairs = [(there, there), (nothing, nothing), (nothing, there), (there, nothing)]
    pred, target = (torch.cat(parts) for parts in zip(*((outputs(b), truth(a)) for a, b in pairs), strict=True))
    rows = metric(**KEYS).collect(pred, target)
    found = metric(**KEYS, average="per_sample", ignore=[0])
    assert found.per_sample(rows).tolist() == pytest.approx([1, np.nan, 0, 0], nan_ok=True)
    assert found.result(rows)["1"] == found.result(rows)["macro_avg"] == pytest.approx(1 / 3)
    assert found.result(rows)["undefined"] == {"0": 0, "1": 1}
    nowhere = {name: row[1:2] for name, row in rows.items()}
    for average in ("pooled", "per_sample"):
        assert np.isnan(metric(**KEYS, average=average, ignore=[0]).result(nowhere)["macro_avg"])
        none = {name: row[:0] for name, row in rows.items()}
        assert np.isnan(metric(**KEYS, average=average).result(none)["macro_avg"])


def test_pixels_without_a_label_do_not_count() -> None:
    logits, target = random_maps((16, 12))
    void = torch.from_numpy(stream("void").random(target.shape) < 0.3)
    metric = Dice(**KEYS, missing=255)
    result = metric.result(metric.collect(logits, target.masked_fill(void, 255)))
    expected = sk.f1_score(target[~void], logits.argmax(1, keepdim=True)[~void], average=None)
    assert [result[name] for name in "012"] == pytest.approx(expected.tolist())
    with pytest.raises(FuseError, match="holds the class 255, the model predicts 3 classes"):
        Dice(**KEYS).collect(logits, target.masked_fill(void, 255))


@pytest.mark.parametrize("classes", [1, 3])
def test_classes_may_overlap(classes: int) -> None:
    rng = stream("overlapping", classes)
    target = torch.from_numpy(rng.integers(0, 2, (2, classes, 9, 8)))
    scores = torch.from_numpy(rng.random((2, classes, 9, 8)))
    metric = Dice(**KEYS, overlapping=True, threshold=0.7)
    result = metric.result(metric.collect(scores, target))
    for kind in range(classes):
        expected = sk.f1_score(target[:, kind].flatten(), scores[:, kind].flatten() > 0.7)
        assert result[str(kind)] == pytest.approx(expected)
    with pytest.raises(FuseError, match=r"'data\.gt\.target' holds no masks; expected 0 and 1"):
        metric.collect(scores, target + 1)
    with pytest.raises(
        FuseError, match=rf"a target \(batch, classes, \[z,\] y, x\); got .* and \(2, {classes + 1}"
    ):
        metric.collect(scores, torch.cat([target, target[:, :1]], 1))


def test_a_prediction_that_is_no_number_makes_the_mean_none() -> None:
    logits, target = random_maps((6, 5))
    logits[1, 2, 3, 3] = float("nan")
    metric = Dice(**KEYS, average="per_sample")
    result = metric.result(metric.collect(logits, target))
    assert np.isnan([result[name] for name in ("0", "1", "2", "macro_avg")]).all()
    assert result["undefined"] == {"0": 0, "1": 0, "2": 0}


def test_labels_are_told_apart() -> None:
    """Where the original gave 0.8 for both classes (fuse-med-ml: labels never separated)."""
    target, found = np.array([[0, 0, 1, 1, 2, 2]], np.uint8), np.array([[0, 0, 1, 2, 2, 2]], np.uint8)
    metric = IoU(**KEYS, names=["background", "liver", "tumour"])
    result = metric.result(metric.collect(outputs(found, 3), truth(target)))
    assert result["liver"] == pytest.approx(1 / 2)
    assert result["tumour"] == pytest.approx(2 / 3)


def test_overlap_is_measured_on_the_grid_of_the_truth() -> None:
    target = np.zeros((8, 8), np.uint8)
    target[4:, :6] = 1
    metric = Dice(**KEYS)
    assert metric.result(metric.collect(outputs(target[::2, ::2]), truth(target)))["macro_avg"] == 1


def test_what_does_not_fit_is_named() -> None:
    logits, target = random_maps((4, 4))
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
