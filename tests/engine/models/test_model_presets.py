"""Every template builds on the components we ship and computes its losses."""

from __future__ import annotations

import pytest
import torch

import fuse_resources
from fuse_engine.core import registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import split_entry
from fuse_engine.core.model_presets import ModelKeys, model_preset

SHAPES = {"data.input.a": (1, 64, 64), "data.input.b": (1, 64, 64), "data.input.age": (2,)}
KEYS = ModelKeys(
    ("data.input.a", "data.input.b"), ("data.input.age",), {"data.gt.c": 3}, {"data.gt.m": 2}, ("data.gt.v",)
)


@pytest.mark.parametrize("name", fuse_resources.model_presets())
def test_a_template_trains_a_step(name: str) -> None:
    filled = model_preset(name).fill(KEYS)
    kind, args = split_entry(filled["model"])
    model = registry.get("model", kind).model_validate(args).build(SHAPES)  # type: ignore[attr-defined]
    batch = NestedDict({key: torch.randn(2, *shape) for key, shape in SHAPES.items()})
    batch["data.gt.c"], batch["data.gt.v"] = torch.tensor([0, 2]), torch.tensor([0.5, 1.0])
    batch["data.gt.m"] = torch.randint(0, 2, (2, 1, 64, 64))
    result = model(batch)
    losses = [split_entry(entry) for entry in filled["losses"].values()]
    values = [registry.get("loss", n).model_validate(a).compute(result) for n, a in losses]  # type: ignore[attr-defined]
    torch.stack(values).sum().backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in model.parameters())
    for entry in filled["metrics"].values():
        metric, given = split_entry(entry)
        registry.get("metric", metric).model_validate(given)
