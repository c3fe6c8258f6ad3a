from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, KeyMissing
from fuse_engine.core.keys import Key
from fuse_engine.core.random import stream
from fuse_engine.losses import CrossEntropy, Dice, Focal, Loss, SegmentationCrossEntropy

KEYS: dict[str, Any] = {"pred": "model.logits.head", "target": "data.gt.target"}


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def example(*size: int, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = stream("losses", *size)
    logits = torch.from_numpy(rng.normal(0, 2, (4, classes, *size)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, classes, (4, 1, *size) if size else (4,)))
    return logits, labels


def of_truth(logits: torch.Tensor, labels: torch.Tensor) -> NDArray[Any]:
    """Return the probability of the true class of every sample or pixel."""
    index = labels.numpy()[:, None] if labels.ndim == 1 else labels.numpy()
    return np.take_along_axis(softmax(logits.double().numpy()), index, 1)[:, 0]


def test_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[0.0, np.log(3)], [0.0, 0.0]])
    loss = CrossEntropy(**KEYS)(logits, torch.tensor([1, 0]))
    assert float(loss) == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)


def test_cross_entropy_is_weighted_by_the_true_class() -> None:
    logits, labels = example()
    weights = np.array([1.0, 2.0, 5.0])
    own = weights[labels.numpy()]
    expected = -(own * np.log(of_truth(logits, labels))).sum() / own.sum()
    loss = CrossEntropy(**KEYS, class_weights=weights.tolist())(logits, labels)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_label_smoothing_spreads_the_truth() -> None:
    logits, labels = example()
    truth = 0.7 * np.eye(3)[labels.numpy()] + 0.3 / 3
    expected = -(truth * np.log(softmax(logits.double().numpy()))).sum(1).mean()
    assert float(CrossEntropy(**KEYS, label_smoothing=0.3)(logits, labels)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [(6, 5), (3, 6, 5)])
def test_segmentation_cross_entropy_is_the_mean_over_pixels(size: tuple[int, ...]) -> None:
    logits, labels = example(*size)
    expected = -np.log(of_truth(logits, labels)).mean()
    assert float(SegmentationCrossEntropy(**KEYS)(logits, labels)) == pytest.approx(expected, rel=1e-5)


def test_inverse_pixel_weights_give_every_class_the_same_say() -> None:
    logits, labels = example(8, 8)
    labels[labels == 2] = 1  # a class that this batch lacks has no say
    surprise, truth = -np.log(of_truth(logits, labels)), labels.numpy()[:, 0]
    expected = np.mean([surprise[truth == index].mean() for index in (0, 1)])
    loss = SegmentationCrossEntropy(**KEYS, class_weights="ipw")(logits, labels)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_a_target_of_another_size_is_resized_by_its_nearest_pixels() -> None:
    logits, _ = example(4, 4, classes=2)
    small = torch.tensor([[0, 1], [1, 0]]).expand(4, 1, 2, 2)
    grown = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for loss in (SegmentationCrossEntropy(**KEYS), Dice(**KEYS), Focal(**KEYS)):
        assert torch.equal(loss(logits, small), loss(logits, grown))
    large = grown.repeat_interleave(3, 2).repeat_interleave(3, 3)
    assert torch.equal(Dice(**KEYS)(logits, large), Dice(**KEYS)(logits, grown))


def test_dice_by_hand() -> None:
    logits = torch.log(torch.tensor([[[[0.9, 0.2]], [[0.1, 0.8]]]]))
    labels = torch.tensor([[[[0, 1]]]])
    scores = [(2 * 0.9 + 1) / (0.9 + 0.2 + 1 + 1), (2 * 0.8 + 1) / (0.1 + 0.8 + 1 + 1)]
    assert float(Dice(**KEYS)(logits, labels)) == pytest.approx(1 - np.mean(scores))
    assert float(Dice(**KEYS, ignore=[0])(logits, labels)) == pytest.approx(1 - scores[1])


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("ignore", [[], [0]])
@pytest.mark.parametrize("size", [(6, 5), (3, 6, 5)])
def test_dice_agrees_with_monai(size: tuple[int, ...], ignore: list[int], squared: bool) -> None:
    from monai.losses import DiceLoss

    logits, labels = example(*size)
    reference = DiceLoss(
        include_background=not ignore,
        to_onehot_y=True,
        softmax=True,
        squared_pred=squared,
        smooth_nr=2,
        smooth_dr=2,
    )
    loss = Dice(**KEYS, ignore=ignore, squared=squared, smooth=2)(logits, labels)
    assert float(loss) == pytest.approx(float(reference(logits, labels)), rel=1e-5)


def test_an_absent_class_that_is_not_predicted_costs_nothing() -> None:
    logits = torch.zeros(1, 3, 4, 4)
    logits[:, 0] = 100
    assert float(Dice(**KEYS)(logits, torch.zeros(1, 1, 4, 4, dtype=torch.int64))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("size", [(), (6, 5), (3, 6, 5)])
@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (0.5, None), (0.0, None)])
def test_focal_agrees_with_its_definition(size: tuple[int, ...], gamma: float, alpha: float | None) -> None:
    logits, labels = example(*size)
    p, truth = of_truth(logits, labels), labels.numpy() if not size else labels.numpy()[:, 0]
    factor = 1.0 if alpha is None else np.where(truth == 0, 1 - alpha, alpha)
    expected = -(factor * (1 - p) ** gamma * np.log(p)).mean()
    assert float(Focal(**KEYS, gamma=gamma, alpha=alpha)(logits, labels)) == pytest.approx(expected, rel=1e-4)


def test_focal_agrees_with_monai() -> None:
    from monai.losses import FocalLoss

    logits, labels = example(6, 5)
    reference = FocalLoss(to_onehot_y=True, use_softmax=True, gamma=2.0, alpha=0.25, reduction="none")
    expected = reference(logits, labels).sum(1).mean()  # MONAI also averages over the classes that are not true
    assert float(Focal(**KEYS)(logits, labels)) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_has_a_finite_slope_where_it_is_sure(gamma: float) -> None:
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0], [0.5, -0.5]], requires_grad=True)
    Focal(**KEYS, gamma=gamma)(logits, torch.tensor([0, 0, 1])).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())
    assert bool(logits.grad[1:].abs().sum() > 0.1)


@pytest.mark.parametrize(
    "loss", [Dice(**KEYS), Focal(**KEYS), SegmentationCrossEntropy(**KEYS, class_weights="ipw")]
)
def test_slopes_agree_with_differences(loss: Loss) -> None:
    logits, labels = example(3, 2)
    logits.requires_grad_()
    loss(logits, labels).backward()  # type: ignore[no-untyped-call]
    step = torch.zeros_like(logits)
    step[2, 1, 1, 0] = 0.05
    plain = logits.detach()
    difference = (loss(plain + step, labels) - loss(plain - step, labels)) / 0.1
    assert logits.grad is not None
    assert float(logits.grad[2, 1, 1, 0]) == pytest.approx(float(difference), rel=2e-2)


def test_half_precision_logits_are_summed_in_single() -> None:
    logits, labels = example(64, 64)
    rough = logits.bfloat16()
    for loss in (Dice(**KEYS), Focal(**KEYS), SegmentationCrossEntropy(**KEYS)):
        assert loss(rough, labels).dtype == torch.float32
        assert float(loss(rough, labels)) == pytest.approx(float(loss(rough.float(), labels)))


@pytest.mark.parametrize("value", [3, -1])
@pytest.mark.parametrize("size", [(), (4, 4)])
def test_a_class_out_of_range_is_named(size: tuple[int, ...], value: int) -> None:
    logits, labels = example(*size)
    labels.view(-1)[1] = value
    losses = [Dice(**KEYS), Focal(**KEYS), SegmentationCrossEntropy(**KEYS)] if size else [CrossEntropy(**KEYS)]
    for loss in losses:
        with pytest.raises(FuseError, match=rf"data\.gt\.target' holds the class {value}.*predicts 3 classes"):
            loss(logits, labels)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.uint16, torch.uint32, torch.bool])
def test_classes_may_be_any_whole_numbers(kind: torch.dtype) -> None:
    logits, labels = example(4, 4)
    labels = labels.clamp(max=1)
    loss = SegmentationCrossEntropy(**KEYS, resize="max-pool")
    large = labels.repeat_interleave(2, 3).to(kind)
    assert torch.equal(loss(logits, large), loss(logits, labels))


def test_a_batch_of_classes_without_weight_has_no_loss() -> None:
    logits, labels = torch.randn(4, 2), torch.zeros(4, dtype=torch.int64)
    assert float(CrossEntropy(**KEYS, class_weights=[0, 1])(logits, labels)) == 0


def test_class_weights_may_come_as_text_from_a_file() -> None:
    for weights in (["1", "2.5"], "ipw", None):
        loss = SegmentationCrossEntropy.model_validate({**KEYS, "class_weights": weights})
        assert loss.class_weights == ([1.0, 2.5] if isinstance(weights, list) else weights)


def test_shapes_that_do_not_fit_are_named() -> None:
    logits, labels = example(4, 4)
    with pytest.raises(FuseError, match=r"got \(4, 3, 4, 4\) and \(4, 4, 4\)"):
        SegmentationCrossEntropy(**KEYS)(logits, labels[:, 0])
    with pytest.raises(FuseError, match=r"logits \(batch, classes\) and a target \(batch,\)"):
        CrossEntropy(**KEYS)(logits, labels)
    with pytest.raises(FuseError, match=r"expected 4 samples; got 2"):
        Dice(**KEYS)(logits, labels[:2])
    with pytest.raises(FuseError, match="expected whole numbers"):
        Dice(**KEYS)(logits, labels.float())


def test_weights_and_ignored_classes_must_fit_the_classes() -> None:
    logits, labels = example(4, 4)
    with pytest.raises(FuseError, match="class_weights: one weight for each class is needed; expected 3 numbers"):
        SegmentationCrossEntropy(**KEYS, class_weights=[1, 2])(logits, labels)
    for ignore in ([3], [0, 1, 2], [-1]):
        with pytest.raises(FuseError, match="ignored classes do not fit"):
            Dice(**KEYS, ignore=ignore)(logits, labels)
    with pytest.raises(ValidationError):
        CrossEntropy(**KEYS, class_weights=[1, -1])


def test_a_batch_gives_the_weighted_share_of_the_total() -> None:
    logits, labels = example()
    batch = NestedDict({"model.logits.head": logits, "data.gt.target": labels})
    loss = CrossEntropy(**KEYS, weight=2.5)
    assert float(loss.compute(batch)) == pytest.approx(2.5 * float(loss(logits, labels)))
    with pytest.raises(KeyMissing, match=r"did you mean 'model\.logits\.haed"):
        loss.compute(NestedDict({"model.logits.haed": logits, "data.gt.target": labels}))


class Spread(Loss):
    """Distance between predictions, with a list of keys and one that may be empty."""

    preds: list[Key]
    """Predictions (b,)."""
    factor: Key | None = None
    """Factor of each sample (b,)."""

    def __call__(self, preds: list[torch.Tensor], factor: torch.Tensor | None) -> torch.Tensor:
        distance = (preds[0] - preds[1]).abs()
        return (distance if factor is None else factor * distance).mean()


def test_lists_of_keys_and_empty_keys_are_resolved() -> None:
    batch = NestedDict(
        {"model.a": torch.tensor([1.0, 2.0]), "model.b": torch.zeros(2), "data.f": torch.ones(2) * 3}
    )
    assert float(Spread(preds=["model.a", "model.b"]).compute(batch)) == 1.5
    assert float(Spread(preds=["model.a", "model.b"], factor="data.f").compute(batch)) == 4.5
