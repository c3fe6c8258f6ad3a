from __future__ import annotations

import numpy as np
import pytest
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import BoxDetection, MaskDetection
from fuse_engine.metrics.detection.matching import Pairs, matched
from tests.engine.metrics.maps import KEYS, Map, outputs, truth


def lesions(*places: tuple[slice, ...], size: tuple[int, ...] = (20, 20)) -> Map:
    found = np.zeros(size, np.uint8)
    for place in places:
        found[place] = 1
    return found


def square(y: int, x: int, side: int = 4) -> tuple[slice, ...]:
    return slice(y, y + side), slice(x, x + side)


def test_findings_are_the_connected_parts_of_a_mask() -> None:
    label = lesions(square(0, 0), square(10, 10), square(16, 0))
    found = lesions(square(0, 1), square(10, 16), square(15, 0, 5))  # 12 of 20, apart, 16 of 25 pixels
    metric = MaskDetection(**KEYS)
    rows = metric.collect(outputs(found), truth(label))
    result = metric.result(rows)
    assert result["precision"] == {"1": pytest.approx(2 / 3), "macro_avg": pytest.approx(2 / 3)}
    assert result["recall"]["1"] == result["f1"]["1"] == pytest.approx(2 / 3)
    strict = MaskDetection(**KEYS, iou=0.62)
    assert strict.result(strict.collect(outputs(found), truth(label)))["recall"]["1"] == pytest.approx(1 / 3)


def test_pixels_that_touch_at_a_corner_are_one_finding_or_two() -> None:
    label = lesions(square(0, 0), square(4, 4))
    for touching, count in (("corners", 1), ("faces", 2)):
        metric = MaskDetection(**KEYS, touching=touching)
        assert metric.collect(outputs(label), truth(label))["truth"][0, 1] == count


def test_findings_of_several_classes_in_volumes_are_matched_by_class() -> None:
    label, found = np.zeros((6, 12, 12), np.uint8), np.zeros((6, 12, 12), np.uint8)
    label[1:4, 1:4, 1:4], label[1:4, 7:11, 7:11] = 1, 2
    found[1:4, 1:4, 1:4], found[1:4, 7:11, 7:11], found[5, :2, :2] = 2, 2, 1
    metric = MaskDetection(**KEYS, names=["background", "cyst", "stone"])
    result = metric.result(metric.collect(outputs(found, 3), truth(label)))
    assert result["precision"] == {"cyst": 0, "stone": 0.5, "macro_avg": 0.25}
    assert result["recall"] == {"cyst": 0, "stone": 1, "macro_avg": 0.5}


def test_one_finding_over_two_true_ones_is_matched_once() -> None:
    label = lesions(square(0, 0), (slice(0, 4), slice(5, 7)))
    found = lesions((slice(0, 4), slice(0, 7)))
    metric = MaskDetection(**KEYS, iou=0.25)
    rows = metric.collect(outputs(found), truth(label))
    assert [int(rows[name][0, 1]) for name in ("tp", "found", "truth")] == [1, 1, 2]


def test_what_is_empty_is_undefined_and_a_false_finding_lowers_the_precision() -> None:
    there, nothing = lesions(square(3, 3)), lesions()
    pairs = [(there, there), (nothing, nothing), (nothing, there), (there, nothing)]
    metric = MaskDetection(**KEYS)
    rows = metric.collect(
        torch.cat([outputs(found) for _, found in pairs]), torch.cat([truth(label) for label, _ in pairs])
    )
    assert metric.per_sample(rows).tolist() == pytest.approx([1, np.nan, 0, 0], nan_ok=True)
    result = metric.result(rows)
    assert [result[name]["1"] for name in ("precision", "recall", "f1")] == [0.5, 0.5, 0.5]
    expected = {1: (np.nan, np.nan, np.nan), 2: (0, np.nan, 0), 3: (np.nan, 0, 0)}
    for index, figures in expected.items():
        alone = metric.result({name: row[index : index + 1] for name, row in rows.items()})
        assert tuple(alone[name]["1"] for name in ("precision", "recall", "f1")) == pytest.approx(
            figures, nan_ok=True
        )


def test_a_prediction_that_is_no_number_finds_nothing_that_can_be_counted() -> None:
    pred = outputs(lesions(square(3, 3)))
    pred[0, 0, 0, 0] = float("nan")
    metric = MaskDetection(**KEYS)
    rows = metric.collect(pred, truth(lesions(square(3, 3))))
    assert np.isnan([metric.result(rows)[name]["1"] for name in ("precision", "recall", "f1")]).all()
    assert np.isnan(metric.per_sample(rows)).all()


def test_boxes_with_scores_choose_in_their_order_as_in_coco() -> None:
    true = [[0, 0, 10, 10], [20, 0, 30, 10]]
    found = [[1, 0, 11, 10, 0.4], [2, 0, 12, 10, 0.9], [20, 0, 30, 10, 0.8], [50, 50, 60, 60, 0.1]]
    metric = BoxDetection(**KEYS)
    rows = metric.collect([found], [true])
    assert {name: row.tolist() for name, row in rows.items()} == {"tp": [2], "found": [4], "truth": [2]}
    assert metric.result(rows) == {"precision": 0.5, "recall": 1, "f1": pytest.approx(2 / 3)}
    sure = BoxDetection(**KEYS, score=0.5)
    assert sure.result(sure.collect([found], [true])) == {"precision": 1, "recall": 1, "f1": 1}


def test_scores_decide_who_is_matched() -> None:
    """The sure box takes the one truth that the other one would have needed."""
    pairs = Pairs(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0.9, 0.6, 0.7, 0.1]))
    assert matched(pairs, 0.5) == 1  # the pair of 0.9 first
    assert matched(pairs, 0.5, np.array([0.2, 0.8])) == 2


def test_a_prediction_of_noise_has_as_many_findings_as_pixels() -> None:
    """A table of all pairs would be 250 GB."""
    speckle = np.zeros((900, 800), np.uint8)
    speckle[::2, ::2] = 1
    metric = MaskDetection(**KEYS)
    rows = metric.collect(outputs(speckle), truth(speckle))
    assert [int(rows[name][0, 1]) for name in ("tp", "found", "truth")] == [180_000] * 3


def test_boxes_of_volumes_fill_up_with_nan() -> None:
    rng = stream("boxes")
    low = rng.uniform(0, 50, (2, 3, 3))
    boxes = torch.from_numpy(np.concatenate([low, low + rng.uniform(5, 9, (2, 3, 3))], 2))
    boxes[1, 2] = float("nan")
    metric = BoxDetection(**KEYS)
    rows = metric.rows(NestedDict({"model.output.head": boxes, "data.gt.target": boxes.flip(1)}))
    assert rows["tp"].tolist() == rows["found"].tolist() == rows["truth"].tolist() == [3, 2]
    apart = metric.collect(boxes + 100, boxes)
    assert metric.result(apart) == {"precision": 0, "recall": 0, "f1": 0}


def test_samples_without_boxes_count() -> None:
    metric = BoxDetection(**KEYS)
    rows = metric.collect([[], [[0, 0, 2, 2]], []], [[], [], [[0, 0, 2, 2]]])
    assert metric.per_sample(rows).tolist() == pytest.approx([np.nan, 0, 0], nan_ok=True)
    assert metric.result(rows) == {"precision": 0, "recall": 0, "f1": 0}
    assert np.isnan(metric.result({name: row[:0] for name, row in rows.items()})["f1"])


def test_boxes_that_are_none_are_refused() -> None:
    with pytest.raises(FuseError, match=r"boxes do not fit; expected \(n, 4 or 6\) numbers"):
        BoxDetection(**KEYS).collect([[[0, 0, 1, 1]]], [[[0, 0, 1]]])
    with pytest.raises(FuseError, match=r"boxes do not fit; expected \(n, 4 or 5\) numbers"):
        BoxDetection(**KEYS).collect([[[0, 0, 0, 1, 1, 1]]], [[[0, 0, 1, 1]]])
    with pytest.raises(FuseError, match="differ in batch size; expected 1 samples; got 2"):
        BoxDetection(**KEYS).collect([[]], [[], []])
