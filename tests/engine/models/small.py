"""Small parts and samples that the tests of models share."""

from __future__ import annotations

from pathlib import Path

import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.models import Head, Model, MultiHead, ResNet, Shapes
from fuse_engine.models.base import BatchModule
from fuse_engine.run import checkpoint
from fuse_engine.run.folder import RunFolder
from fuse_engine.testing import tiny_experiment

SMALL = ResNet(depth=10, width=0.125, stem="small")
SHAPES: dict[str, tuple[int, ...]] = {
    "data.input.image": (1, 28, 24), "data.input.other": (2, 28, 24), "data.input.coarse": (1, 14, 12),
    "data.input.clinical": (3,), "data.input.age": (), "data.input.ecg": (2, 64),
    "data.input.volume": (1, 8, 28, 24), "data.gt.segmentation": (1, 56, 36),
}  # fmt: skip


def make_batch(shapes: Shapes = SHAPES, size: int = 2) -> NestedDict:
    generator = torch.Generator().manual_seed(1)
    return NestedDict({key: torch.randn(size, *shape, generator=generator) for key, shape in shapes.items()})


def make(inputs: str = "image", backbone: ResNet = SMALL, **heads: Head) -> MultiHead:
    return MultiHead(inputs=keys(inputs), backbone=backbone, heads=heads)


def keys(names: str) -> list[str]:
    return [f"data.input.{name}" for name in names.split()]


def learns(module: BatchModule, batch: NestedDict) -> bool:
    """Say whether every weight gets a slope from the logits of all heads."""
    result = module.train()(batch)
    sum(result[f"model.logits.{name}"].square().sum() for name in module.answers).backward()
    return all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters())


def same_after_saving(model: Model, shapes: Shapes, batch: NestedDict, path: Path) -> bool:
    """Say whether another module of the same settings answers alike with the weights of a file."""
    first, second = model.build(shapes).eval(), model.build(shapes).eval()
    torch.save(first.state_dict(), path)
    second.load_state_dict(torch.load(path, weights_only=True))
    found, again = first(batch), second(batch)
    return all(torch.equal(found[key], again[key]) for key in model.outputs())


def saved_run(folder: Path, model: Model, seed: int, shapes: Shapes = SHAPES) -> RunFolder:
    """Write the folder of a run whose best weights are random."""
    experiment = tiny_experiment(folder, 1, 8).changed(("model",), model.to_entry())
    run = RunFolder.create(folder / "runs", experiment)
    torch.manual_seed(seed)
    checkpoint.save(run, "best0", 1, {"model": model.build(shapes).state_dict()})
    return run
