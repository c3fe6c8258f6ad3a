"""Every loss has a finite slope where logits are extreme, classes are absent, and numbers are short."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fuse_engine.losses import (
    L1,
    MSE,
    BinaryCrossEntropy,
    Composite,
    CrossEntropy,
    Dice,
    DiceCrossEntropy,
    Focal,
    Huber,
    Lovasz,
    SampleLoss,
    SegmentationCrossEntropy,
    Tversky,
)
from tests.engine.losses.made import KEYS, example, marks, slope

SIGMOID: dict[str, Any] = {**KEYS, "activation": "sigmoid"}
LOSSES: dict[str, tuple[SampleLoss, Any]] = {
    "cross-entropy": (CrossEntropy(**KEYS, class_weights="ipw", label_smoothing=0.1), example),
    "segmentation": (SegmentationCrossEntropy(**KEYS, class_weight_power=0.5), lambda: example(4, 5)),
    "binary": (BinaryCrossEntropy(**KEYS, class_weights="ipw"), lambda: marks(4, 5)),
    "focal": (Focal(**KEYS, gamma=0.5), lambda: example(4, 5)),
    "focal-labels": (Focal(**SIGMOID, gamma=0.5), lambda: marks(3, 4, 5)),
    "dice": (Dice(**KEYS, class_weights="ipw", smooth=1e-5), lambda: example(4, 5)),
    "dice-labels": (Dice(**SIGMOID, squared=True, batch=True), lambda: marks(4, 5)),
    "both": (DiceCrossEntropy(**KEYS), lambda: example(3, 4, 5)),
    "tversky": (Tversky(**KEYS, exponent=0.5), lambda: example(4, 5)),
    "lovasz": (Lovasz(**KEYS), lambda: example(4, 5)),
    "hinge": (Lovasz(**SIGMOID), lambda: marks(4, 5)),
    "composite": (
        Composite(**KEYS, expression="categorical_crossentropy+0.5*jaccard_loss"),
        lambda: example(4, 5),
    ),
    "mse": (MSE(**KEYS), marks),
    "l1": (L1(**KEYS), marks),
    "huber": (Huber(**KEYS), marks),
}
every = pytest.mark.parametrize("name", LOSSES)


@every
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_slopes_are_finite_for_sure_right_and_wrong_logits(name: str, size: float) -> None:
    loss, made = LOSSES[name]
    logits, truth = made()
    for sure in (size * logits.sign(), -size * logits.sign(), torch.zeros_like(logits)):
        found = slope(loss, sure, truth)
        assert bool(torch.isfinite(found).all())
        assert bool(torch.isfinite(loss(sure, truth)))


@every
def test_one_class_alone_has_a_finite_slope(name: str) -> None:
    loss, made = LOSSES[name]
    logits, truth = made()
    for value in (0, 1):
        gradient = slope(loss, logits, torch.full_like(truth, value))
        assert bool(torch.isfinite(gradient).all())
        assert bool(gradient.any())


@every
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_short_numbers_give_the_same_loss(name: str, kind: torch.dtype) -> None:
    loss, made = LOSSES[name]
    logits, truth = made()
    rough = logits.to(kind).requires_grad_()
    with torch.autocast("cpu", dtype=kind):
        found = loss(rough, truth)
    found.backward()  # type: ignore[no-untyped-call]
    assert found.dtype == torch.float32
    expected = loss(rough.detach().float(), truth)
    assert float(found.detach()) == pytest.approx(float(expected), rel=1e-5)
    assert rough.grad is not None
    assert bool(torch.isfinite(rough.grad).all())


@every
def test_slopes_agree_with_differences(name: str) -> None:
    loss, made = LOSSES[name]
    logits, truth = made()
    direction = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1))
    rise = float((slope(loss, logits, truth) * direction).sum())
    step = 2e-3
    difference = float(loss(logits + step * direction, truth) - loss(logits - step * direction, truth)) / (
        2 * step
    )
    assert rise == pytest.approx(difference, rel=2e-2, abs=1e-3)
