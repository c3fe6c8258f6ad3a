"""A ground truth of another size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from fuse_engine.core.errors import FuseError
from fuse_engine.losses import Dice, DiceCrossEntropy, Focal, Lovasz, SegmentationCrossEntropy, Tversky
from fuse_engine.losses.resize import resized
from tests.engine.losses.made import KEYS, example, slope

LOSSES: list[Any] = [Dice, DiceCrossEntropy, Focal, Lovasz, SegmentationCrossEntropy, Tversky]


@pytest.mark.parametrize(
    ("old", "new"), [((12, 9), (4, 3)), ((13, 31), (4, 16)), ((8, 9, 10), (4, 3, 5)), ((9, 11, 7), (4, 11, 3))]
)
def test_max_pool_is_torchs_adaptive_one(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    truth = torch.randint(0, 5, (2, 1, *old))
    pool = F.adaptive_max_pool2d if len(old) == 2 else F.adaptive_max_pool3d
    found = resized(truth, new, "max-pool")
    assert found.dtype == truth.dtype
    assert torch.equal(found, pool(truth.float(), new).long())  # type: ignore[no-untyped-call]


def test_with_a_ratio_that_is_not_whole_the_truth_stays_where_it_is() -> None:
    truth = torch.zeros(1, 1, 31, 31, dtype=torch.int64)
    truth[0, 0, 0, 30] = 1  # FuseMedML would leave it out
    expected = torch.zeros(1, 1, 16, 16, dtype=torch.int64)
    expected[0, 0, 0, 15] = 1
    assert torch.equal(resized(truth, (16, 16), "max-pool"), expected)


def test_a_small_structure_survives_max_pool_only() -> None:
    truth = torch.zeros(1, 1, 16, 16, dtype=torch.int64)
    truth[0, 0, 7, 9] = 1
    assert resized(truth, (4, 4), "max-pool").sum() == 1
    assert resized(truth, (4, 4), "nearest").sum() == 0


@pytest.mark.parametrize("cls", LOSSES)
@pytest.mark.parametrize("how", ["nearest", "max-pool"])
@pytest.mark.parametrize("size", [(4, 5), (2, 4, 5)])
def test_every_loss_of_pixels_resizes(cls: Any, how: str, size: tuple[int, ...]) -> None:
    logits, labels = example(*size)
    large = labels
    for axis in range(2, labels.ndim):
        large = large.repeat_interleave(3, axis)
    loss = cls(**KEYS, resize=how)
    assert torch.equal(loss(logits, large), loss(logits, labels))


def test_what_has_no_label_gives_way_to_a_label() -> None:
    logits, labels = example(2, 2)
    large = labels.repeat_interleave(2, 2).repeat_interleave(2, 3)
    large[..., 0::2, :] = 255
    pooled = SegmentationCrossEntropy(**KEYS, resize="max-pool", missing=255)
    assert torch.equal(pooled(logits, large), pooled(logits, labels))
    large[:, :, :2] = 255  # the whole block, so nothing is known of the upper half
    for how in ("max-pool", "nearest"):
        loss = SegmentationCrossEntropy(**KEYS, resize=how, missing=255)
        assert not bool(slope(loss, logits, large)[:, :, 0].any())
    half = float(SegmentationCrossEntropy(**KEYS)(logits[:, :, 1:], labels[:, :, 1:]))
    assert float(pooled(logits, large)) == pytest.approx(half, rel=1e-6)


def test_max_pool_does_not_enlarge() -> None:
    logits, _ = example(8, 8)
    small = torch.zeros(4, 1, 4, 16, dtype=torch.int64)
    with pytest.raises(FuseError, match=r"resize: max-pool only makes a truth smaller.*got a truth of \(4, 16\)"):
        Dice(**KEYS, resize="max-pool")(logits, small)
