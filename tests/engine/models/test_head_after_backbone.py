"""Every head after every backbone, in each number of axes: the answer has the shape that is announced."""

from __future__ import annotations

import pytest
import torch

from fuse_engine.core import registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.models import Backbone, Head, MultiHead
from tests.engine.models.test_heads import make

HEADS: list[type[Head]] = list(registry.every("head").values())  # type: ignore[arg-type]
BACKBONES: list[type[Backbone]] = list(registry.every("backbone").values())  # type: ignore[arg-type]
PAIRS = [(cls, dims) for cls in BACKBONES for dims in cls.dims]


@pytest.mark.parametrize(("cls", "dims"), PAIRS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_head_after_any_backbone_gives_the_announced_shape(cls: type[Backbone], dims: int) -> None:
    backbone = cls()
    size = [max(32, backbone.smallest) + 3 * axis for axis in range(dims)]
    shapes = {"data.input.image": (3, *size), "data.input.clinical": (5,)}
    fitting = [head for head in HEADS if dims > 1 or head.__name__ != "DenseSegmentation"]
    heads = {head.__name__: make(head) for head in fitting}
    with torch.device("meta"):
        model = MultiHead(inputs=["data.input.image"], backbone=backbone, heads=heads)
        batch = NestedDict({key: torch.zeros(2, *shape) for key, shape in shapes.items()})
        result = model.build(shapes).eval()(batch)
    for name, head in heads.items():
        space = size if name == "DenseSegmentation" else []
        for side in ("logits", "output"):
            assert tuple(result[f"model.{side}.{name}"].shape) == (2, head.width, *space)
    assert result["model.backbone_features"].ndim == 2 + dims
