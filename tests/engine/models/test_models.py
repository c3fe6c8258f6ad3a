from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from fuse_engine.models import ResNet


@pytest.mark.parametrize(("stem", "coarser"), [("large", [2, 4, 8, 16, 32]), ("small", [1, 1, 2, 4, 8])])
@pytest.mark.parametrize("dims", [2, 3])
def test_features_go_from_fine_to_coarse(stem: Any, coarser: list[int], dims: int) -> None:
    module = ResNet(depth=10, width=0.0625, stem=stem).build(1, dims).eval()
    sizes = [level.shape[2] for level in module(torch.zeros(1, 1, *[64] * dims))]
    assert sizes == [64 // factor for factor in coarser]


def test_the_published_networks_are_the_published_ones() -> None:
    with torch.device("meta"):
        counts = {
            depth: sum(p.numel() for p in ResNet(depth=depth).build(3, 2).parameters()) for depth in (18, 34, 50)
        }
    # torchvision's figures without the last layer
    assert counts == {18: 11_176_512, 34: 21_284_672, 50: 23_508_032}


def test_the_depth_may_come_as_text_from_a_file() -> None:
    assert ResNet.model_validate({"depth": "34", "width": "0.5"}) == ResNet(depth=34, width=0.5)
    with pytest.raises(ValidationError, match="10, 18, 34, 50, 101 or 152"):
        ResNet.model_validate({"depth": "19"})
