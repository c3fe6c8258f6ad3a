from __future__ import annotations

import pytest
from torch import nn

from fuse_engine.models import GlobalPoolingClassifier, MultiHead, ResNet
from fuse_engine.models.base import BatchModule
from fuse_engine.run.freezing import freeze, name_problems


@pytest.fixture
def module() -> BatchModule:
    model = MultiHead(
        inputs=["data.input.image"], backbone=ResNet(depth=10, width=0.0625, stem="small"),
        heads={"side": GlobalPoolingClassifier(classes=2)},
    )  # fmt: skip
    return model.build({"data.input.image": (1, 16, 16)}).train()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("backbone", {0, 1, 2, 3, 4}), ("backbone.levels.0", {0}), ("backbone.levels.[01]", {0, 1}),
        ("backbone.levels.?", {0, 1, 2, 3, 4}), ("backbone.*", {0, 1, 2, 3, 4}), ("heads.*", set()),
    ],
)  # fmt: skip
def test_names_and_patterns_freeze_weights_and_statistics(module: BatchModule, name: str, kept: set[int]) -> None:
    freeze(module, [name])
    levels = module.get_submodule("backbone.levels")
    assert isinstance(levels, nn.ModuleList)
    for index, level in enumerate(levels):
        assert {weight.requires_grad for weight in level.parameters()} == {index not in kept}
        statistics = {item.training for item in level.modules() if isinstance(item, nn.BatchNorm2d)}
        assert statistics == {index not in kept}
    head = module.parts["heads.side"]
    assert {weight.requires_grad for weight in head.parameters()} == {name != "heads.*"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bakbone", "no part 'bakbone'; expected one of backbone, heads.side, or a part of them such as "
                    "backbone.levels.0; did you mean 'backbone'"),
        ("backbone.levels.7", "did you mean 'backbone.levels.[0-4]'"),
        ("backbone.layer[12]", "no part 'backbone.layer"),
    ],
)  # fmt: skip
def test_a_name_without_a_part_is_said(module: BatchModule, name: str, message: str) -> None:
    (problem,) = name_problems(module, [name], "training.stages.0.freeze")
    assert problem.where == "training.stages.0.freeze"
    with pytest.raises(ValueError, match=message):
        raise ValueError(str(problem))
