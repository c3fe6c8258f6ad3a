from __future__ import annotations

import os

import pytest
import torch
from torch import nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.models import GlobalPoolingClassifier, MultiHead, ResNet
from fuse_engine.run.compute import Compute, channels_may_be_last
from fuse_engine.run.device import Choice

IMAGE = "data.input.image"
CPU = Choice("cpu", "32-true", "")


def network(width: float) -> MultiHead:
    backbone = ResNet(depth=10, width=width, stem="small")
    return MultiHead(inputs=[IMAGE], backbone=backbone, heads={"a": GlobalPoolingClassifier(classes=2)})


def train(model: MultiHead) -> None:
    torch.set_num_threads(1)
    module = model.build({IMAGE: (1, 64, 64)})
    compute = Compute(CPU, module, torch.optim.SGD(module.parameters(), 0.01))
    for _ in range(3):
        result = compute(NestedDict({IMAGE: torch.randn(2, 1, 64, 64)}))
        compute.fabric.backward(result["model.logits.a"].sum())


@pytest.mark.parametrize(
    ("layer", "may"),
    [
        (nn.Conv2d(8, 16, 1, stride=2), False),
        (nn.Conv2d(16, 32, 1, stride=2), True),
        (nn.Conv2d(32, 32, 1, stride=2, groups=4), False),
        (nn.Conv2d(4, 8, 3, stride=2), True),
        (nn.Conv2d(4, 8, 1), True),
        (nn.Conv3d(4, 8, 1, stride=2), True),
    ],
)
def test_convolutions_that_skip_pixels_of_few_channels_keep_channels_first(layer: nn.Module, may: bool) -> None:
    module = nn.Sequential(nn.ReLU(), layer)
    assert channels_may_be_last(module, "cpu") is may
    assert channels_may_be_last(module, "cuda")


@pytest.mark.parametrize("width", [4 / 64, 16 / 64])
def test_a_narrow_network_survives_its_training(width: float) -> None:
    """In a process of its own: with channels last, the library that computes the slope dies."""
    child = os.fork()
    if not child:
        code = 1
        try:
            train(network(width))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("width", "last"), [(4 / 64, False), (16 / 64, True)])
def test_images_are_laid_out_as_the_weights_are(width: float, last: bool) -> None:
    compute = Compute(CPU, network(width).build({IMAGE: (2, 64, 64)}))
    image = compute.tensors(NestedDict({IMAGE: torch.zeros(3, 2, 64, 64)}))[IMAGE]
    weights = [part.weight for part in compute.module.modules() if isinstance(part, nn.Conv2d)]
    for tensor in (image, weights[1]):
        assert tensor.is_contiguous(memory_format=torch.channels_last) is last
