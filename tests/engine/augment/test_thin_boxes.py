"""Planes across the rows are read along another axis, which must not show."""

from __future__ import annotations

import numpy as np
import pytest

from fuse_engine.augment import Affine, Augmenter, Blur, Elastic, Flip
from fuse_engine.core.batch import NestedDict

IMAGE, MASK = "data.input.image", "data.gt.mask"
SHAPE = (64, 72, 40)


@pytest.mark.parametrize("at", [0, 17, 39])
def test_a_plane_across_the_rows_is_that_of_the_whole(at: int) -> None:
    rng, keys = np.random.default_rng(1), [IMAGE, MASK]
    image, mask = rng.random((1, *SHAPE), np.float32), rng.integers(0, 9, (1, *SHAPE), np.uint8)
    sample = NestedDict({"data.id": "a", IMAGE: image, MASK: mask})
    steps = [
        Flip(keys=keys, axes=["x", "z"], each=1), Affine(keys=keys, rotate=17, scale=1.1), Elastic(keys=keys),
        Blur(keys=[IMAGE], sigma=0.7),
    ]  # fmt: skip
    augmenter = Augmenter(steps, 3)
    applied, box = augmenter.draw(sample, 0), (slice(0, 64), slice(0, 72), slice(at, at + 1))
    plane, whole = augmenter.render(sample, applied), augmenter.apply(sample, applied)
    np.testing.assert_allclose(plane.image(IMAGE, box), whole[IMAGE][(slice(None), *box)], atol=1e-4)
    differ = plane.image(MASK, box) != whole[MASK][(slice(None), *box)]
    assert differ.mean() < 1e-3, "only where a place lies between two voxels to within rounding"
