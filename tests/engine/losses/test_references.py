"""Losses against torch, MONAI, or their definition in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from fuse_engine.core.errors import FuseError
from fuse_engine.losses import (
    L1,
    MSE,
    BinaryCrossEntropy,
    CrossEntropy,
    Dice,
    DiceCrossEntropy,
    Focal,
    Huber,
    Lovasz,
    SegmentationCrossEntropy,
    Tversky,
)
from fuse_engine.losses.class_weights import powers
from tests.engine.losses.made import KEYS, example, marks

SIZES = [(6, 5), (3, 6, 5)]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("size", SIZES)
def test_weighted_pixels_as_torch_has_them(size: tuple[int, ...], smoothing: float) -> None:
    logits, labels = example(*size)
    weights = [0.5, 2.0, 0.0]
    expected = F.cross_entropy(logits, labels[:, 0], torch.tensor(weights), label_smoothing=smoothing)
    loss = SegmentationCrossEntropy(**KEYS, class_weights=weights, label_smoothing=smoothing)
    assert float(loss(logits, labels)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_power_of_innereye_is_its_definition(power: float) -> None:
    logits, labels = example(6, 5)
    labels[labels == 2] = 1  # a class that this batch lacks has no say
    counts = np.array([(labels == index).sum() for index in range(2)], float)
    own = torch.from_numpy((counts**-power)[labels.numpy()[:, 0]])
    surprise = F.cross_entropy(logits.double(), labels[:, 0], reduction="none")
    loss = SegmentationCrossEntropy(**KEYS, class_weight_power=power)(logits, labels)
    assert float(loss) == pytest.approx(float((own * surprise).sum() / own.sum()), rel=1e-5)


def test_a_high_power_of_many_pixels_leaves_the_rarest_class() -> None:
    counts = torch.tensor([4e6, 1e6, 0, 1e6])
    assert powers(counts, 9.0).tolist() == pytest.approx([3 / (2 * 4**9), 1.5, 0, 1.5], rel=1e-4)


def test_inverse_frequency_is_the_power_of_one() -> None:
    logits, labels = example()
    one, other = CrossEntropy(**KEYS, class_weights="ipw"), CrossEntropy(**KEYS, class_weight_power=1)
    assert torch.equal(one(logits, labels), other(logits, labels))
    each = [F.cross_entropy(logits[labels == index], labels[labels == index]) for index in labels.unique()]
    assert float(one(logits, labels)) == pytest.approx(float(torch.stack(each).mean()), rel=1e-5)
    with pytest.raises(ValidationError, match="class_weight_power"):
        CrossEntropy(**KEYS, class_weights="ipw", class_weight_power=1)


@pytest.mark.parametrize("size", [(), *SIZES])
def test_binary_cross_entropy_as_torch_has_it(size: tuple[int, ...]) -> None:
    logits, truth = marks(*size)
    weights = torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, *[1] * len(size))
    expected = F.binary_cross_entropy_with_logits(logits, truth, pos_weight=weights)
    loss = BinaryCrossEntropy(**KEYS, positive_weights=[1, 2, 4])
    assert float(loss(logits, truth)) == pytest.approx(float(expected), rel=1e-5)
    assert torch.equal(loss(logits, truth), loss(logits, truth.long()))


def test_binary_cross_entropy_draws_marks_to_the_middle() -> None:
    logits, truth = marks()
    expected = F.binary_cross_entropy_with_logits(logits, truth * 0.9 + 0.05)
    loss = BinaryCrossEntropy(**KEYS, label_smoothing=0.1)(logits, truth)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_one_logit_is_a_yes_or_no() -> None:
    logits, truth = marks(labels=1)
    loss = BinaryCrossEntropy(**KEYS)
    assert torch.equal(loss(logits, truth), loss(logits, truth[:, 0]))
    expected = F.cross_entropy(torch.cat([torch.zeros_like(logits), logits], 1), truth[:, 0].long())
    assert float(loss(logits, truth)) == pytest.approx(float(expected), rel=1e-5)


def test_classes_and_labels_are_not_taken_for_each_other() -> None:
    logits, labels = example(classes=2)
    with pytest.raises(
        FuseError, match="target: the target holds one class, the prediction 2 labels.*CrossEntropy"
    ):
        BinaryCrossEntropy(**KEYS)(logits, labels)
    with pytest.raises(FuseError, match="pred: the prediction has one logit.*BinaryCrossEntropy"):
        CrossEntropy(**KEYS)(logits[:, :1], labels)
    maps, classes = example(4, 4)
    with pytest.raises(FuseError, match="target holds one class, the prediction 3 labels"):
        Dice(**KEYS, activation="sigmoid")(maps, classes)
    with pytest.raises(FuseError, match="one logit, which names no class"):
        Dice(**KEYS)(maps[:, :1], torch.zeros_like(classes))


@pytest.mark.parametrize("size", [(), *SIZES])
@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (0.5, None)])
def test_focal_of_labels_as_torchvision_defines_it(
    size: tuple[int, ...], gamma: float, alpha: float | None
) -> None:
    logits, truth = marks(*size)
    p = logits.double().sigmoid()
    right = truth * p + (1 - truth) * (1 - p)
    factor = 1.0 if alpha is None else truth * alpha + (1 - truth) * (1 - alpha)
    expected = -(factor * (1 - right) ** gamma * right.log()).mean()
    loss = Focal(**KEYS, activation="sigmoid", gamma=gamma, alpha=alpha)(logits, truth)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sigmoid", [False, True])
def test_tversky_agrees_with_monai(size: tuple[int, ...], sigmoid: bool) -> None:
    from monai.losses import TverskyLoss

    logits, truth = marks(*size) if sigmoid else example(*size)
    kinds: dict[str, Any] = {"sigmoid": sigmoid, "softmax": not sigmoid, "to_onehot_y": not sigmoid}
    reference = TverskyLoss(alpha=0.3, beta=0.7, smooth_nr=2, smooth_dr=2, **kinds)
    loss = Tversky(**KEYS, alpha=0.3, beta=0.7, smooth=2, activation="sigmoid" if sigmoid else "softmax")
    assert float(loss(logits, truth)) == pytest.approx(float(reference(logits, truth)), rel=1e-5)


def test_tversky_is_dice_or_jaccard_and_has_a_power() -> None:
    from monai.losses import DiceLoss

    logits, labels = example(6, 5)
    half = Tversky(**KEYS, smooth=0.5)(logits, labels)
    assert float(half) == pytest.approx(float(Dice(**KEYS, smooth=1)(logits, labels)), rel=1e-5)
    jaccard = DiceLoss(jaccard=True, softmax=True, to_onehot_y=True, smooth_nr=1e-5, smooth_dr=1e-5)
    whole = Tversky(**KEYS, alpha=1, beta=1, smooth=1e-5)(logits, labels)
    assert float(whole) == pytest.approx(float(jaccard(logits, labels)), rel=1e-5)
    one = logits[:1], labels[:1]
    classes = [Tversky(**KEYS, ignore=list({0, 1, 2} - {index}))(*one) for index in range(3)]
    expected = (torch.stack(classes) ** 0.75).mean()
    assert float(Tversky(**KEYS, exponent=0.75)(*one)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_dice_over_the_batch_is_innereyes(size: tuple[int, ...]) -> None:
    logits, labels = example(*size)
    p = logits.double().softmax(1)
    t = F.one_hot(labels[:, 0], 3).movedim(-1, 1).double()
    axes = (0, *range(2, p.ndim))
    expected = 1 - 2 * (((p * t).sum(axes) + 1e-5) / ((p * p).sum(axes) + (t * t).sum(axes) + 1e-5)).mean()
    loss = Dice(**KEYS, squared=True, batch=True, smooth=2e-5)(logits, labels)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_dice_weighs_classes_and_agrees_with_monai_for_labels() -> None:
    from monai.losses import DiceLoss

    logits, labels = example(6, 5)
    each = torch.stack([Dice(**KEYS, ignore=list({0, 1, 2} - {index}))(logits, labels) for index in range(3)])
    weights = torch.tensor([0.5, 1.0, 2.0])
    loss = Dice(**KEYS, class_weights=weights.tolist())(logits, labels)
    assert float(loss) == pytest.approx(float((weights * each).sum() / weights.sum()), rel=1e-5)
    reference = DiceLoss(sigmoid=True, smooth_nr=1, smooth_dr=1)
    several = marks(6, 5)
    expected = float(reference(*several))
    assert float(Dice(**KEYS, activation="sigmoid")(*several)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sigmoid", [False, True])
def test_dice_and_cross_entropy_are_added_as_in_monai(sigmoid: bool) -> None:
    from monai.losses import DiceCELoss

    # of several labels MONAI takes the softmax all the same
    logits, truth = marks(6, 5, labels=1) if sigmoid else example(6, 5)
    kinds: dict[str, Any] = {"sigmoid": sigmoid, "softmax": not sigmoid, "to_onehot_y": not sigmoid}
    reference = DiceCELoss(smooth_nr=1, smooth_dr=1, lambda_dice=0.5, lambda_ce=2, **kinds)
    loss = DiceCrossEntropy(
        **KEYS, dice_weight=0.5, cross_entropy_weight=2, activation="sigmoid" if sigmoid else "softmax"
    )
    assert float(loss(logits, truth)) == pytest.approx(float(reference(logits, truth)), rel=1e-5)


def lovasz(errors: np.ndarray, truth: np.ndarray) -> float:
    """Return the Lovasz extension by its definition: every set of the largest errors in turn."""
    order = np.argsort(-errors, kind="stable")
    before = total = 0.0
    for count in range(1, len(order) + 1):
        wrong = np.zeros(len(errors), bool)
        wrong[order[:count]] = True
        jaccard = wrong.sum() / (truth.astype(bool) | wrong).sum()
        total += errors[order[count - 1]] * (jaccard - before)
        before = jaccard
    return float(total)


@pytest.mark.parametrize("size", SIZES)
def test_lovasz_by_its_definition(size: tuple[int, ...]) -> None:
    logits, labels = example(*size)
    labels[0][labels[0] == 2] = 0  # a class that a sample lacks has no say in it
    p = logits.double().softmax(1).flatten(2).numpy()
    t = labels.flatten(1).numpy()
    expected = [
        np.mean([lovasz(np.abs((t[b] == c) - p[b, c]), t[b] == c) for c in range(3) if (t[b] == c).any()])
        for b in range(4)
    ]
    assert float(Lovasz(**KEYS)(logits, labels)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_lovasz_hinge_by_its_definition() -> None:
    logits, truth = marks(6, 5)
    truth[1] = 0  # nothing is there: what is predicted costs all the same
    errors = (1 - logits * (2 * truth - 1)).clamp(min=0).double().flatten(2).numpy()
    t = truth.flatten(2).numpy()
    expected = np.mean([lovasz(errors[b, c], t[b, c]) for b in range(4) for c in range(3)])
    assert float(Lovasz(**KEYS, activation="sigmoid")(logits, truth)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", [(4, 1), (4, 3), (4, 2, 5, 6), (4, 1, 3, 5, 6)])
def test_numbers_as_torch_has_them(shape: tuple[int, ...]) -> None:
    pred, target = torch.randn(shape), 3 * torch.randn(shape)
    for loss, expected in (
        (MSE(**KEYS), F.mse_loss(pred, target)),
        (L1(**KEYS), F.l1_loss(pred, target)),
        (Huber(**KEYS, delta=0.7), F.huber_loss(pred, target, delta=0.7)),
    ):
        assert float(loss(pred, target)) == pytest.approx(float(expected), rel=1e-5)
        if shape == (4, 1):
            assert torch.equal(loss(pred, target), loss(pred, target[:, 0]))


def test_numbers_of_another_shape_are_refused() -> None:
    with pytest.raises(FuseError, match=r"target: shapes do not fit.*got \(4, 3\) and \(4,\)"):
        MSE(**KEYS)(torch.zeros(4, 3), torch.zeros(4))
    with pytest.raises(FuseError, match=r"'data\.gt\.target' holds nan.*missing: nan"):
        L1(**KEYS)(torch.zeros(2, 1), torch.tensor([1.0, torch.nan]))
