"""The rules of models and their parts: shapes, slopes, and weights that go through a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.keys import key_fields
from fuse_engine.core.random import stream
from fuse_engine.models.base import Backbone, Head, Model, Network
from fuse_engine.testing.contract.rules import expect

M = TypeVar("M", bound=nn.Module)


def check_backbone(backbone: Backbone) -> None:
    """Features fine to coarse, with the channels that are promised, in all its numbers of axes and on meta."""
    cls = type(backbone)
    for dims in backbone.dims:
        size = [max(16 if dims > 2 else 32, backbone.smallest)] * dims
        with torch.device("meta"), torch.no_grad():
            module = backbone.build(2, dims).eval()
            features = module(torch.zeros(2, 2, *size))
        sizes = [tuple(level.shape[2:]) for level in features]
        expect(sizes == sorted(sizes, reverse=True), cls, f"does not go from fine to coarse: {sizes}")
        expect([level.shape[1] for level in features] == module.channels, cls, "promises other channels")
        module.get_submodule(module.last_features)
        found = _learns(cls, partial(backbone.build, 2, dims), partial(_called, _made_up(2, 2, *size)))
        shapes = [level.shape for level in features]
        expect([level.shape for level in found] == shapes, cls, "gives features of other shapes on meta")


def check_network(network: Network) -> None:
    """Logits of the image's size, in all its numbers of axes, odd sizes included, one image at a time."""
    cls = type(network)
    for size in [size for size in ((32, 27), (8, 20, 13)) if len(size) in network.dims]:
        build = partial(network.build, 2, 3, len(size))
        (logits,) = _learns(cls, build, partial(_called, _made_up(1, 2, *size)))
        shape = tuple(logits.shape)
        expect(shape == (1, 3, *size), cls, f"gives {shape} for an image of size {size}")
        with torch.device("meta"):
            module = build()
        module.get_submodule(module.last_features)


def check_head(head: Head) -> None:
    """Logits of its width, from features of any number of levels, in 2-D and 3-D."""
    cls, image = type(head), "data.input.image"
    for dims in (2, 3):
        vectors = [key for name in key_fields(cls) for key in _keys(getattr(head, name))]
        shapes: dict[str, tuple[int, ...]] = {**dict.fromkeys(vectors, (3,)), image: (1, *[16] * dims)}
        batch = NestedDict({key: _made_up(2, *shape) for key, shape in shapes.items()})
        features = [_made_up(2, 4, *[8] * dims), _made_up(2, 8, *[4] * dims)]
        (logits,) = _learns(
            cls, partial(head.build, [4, 8], dims, shapes, [image]), partial(_answered, features, batch)
        )
        expect(logits.shape[:2] == (2, head.width), cls, f"gives {tuple(logits.shape)}")


def check_model(model: Model) -> None:
    """Adds the keys it promises to a copy of the batch, on the meta device too; names what can be frozen."""
    cls = type(model)
    shapes = dict.fromkeys(model.reads(), (1, 32, 32))
    for device in ("cpu", "meta"):
        with torch.device(device):
            module = model.build(shapes).eval()
            batch = NestedDict({key: torch.zeros(1, *shape) for key, shape in shapes.items()})
            result = module(batch)
        expect(set(result) == {*shapes, *model.outputs()}, cls, f"promises {model.outputs()}, adds {list(result)}")
        expect(set(batch) == set(shapes), cls, "changes the batch it is given")
        module.get_submodule(module.last_features)
        heads = {key.removeprefix("model.logits.") for key in model.outputs() if key.startswith("model.logits.")}
        expect(set(module.answers) == heads, cls, f"answers {list(module.answers)}, promises {sorted(heads)}")
        names = {name for name, _ in module.named_parameters()}
        within = {id(item) for part in module.parts.values() for item in part.parameters()}
        expect(
            bool(names) and within == {id(item) for item in module.parameters()}, cls, "has parts without a name"
        )
    pair = NestedDict({key: _made_up(2, *shape) for key, shape in shapes.items()})
    _learns(cls, partial(model.build, shapes), lambda module: [module(pair)[key] for key in model.outputs()])


def _learns(
    cls: type[Component], build: Callable[[], M], call: Callable[[M], Sequence[Tensor]]
) -> Sequence[Tensor]:
    """Return the answers of a module: forward, backward, and again by another one from the weights of a file."""
    with torch.random.fork_rng(devices=[]):
        first, second = _seeded(build), _seeded(build)
        pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
        expect(all(torch.equal(*pair) for pair in pairs), cls, "draws weights by chance of its own, not torch's")
        _backward(cls, first, call)
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    with torch.no_grad():
        found, again = call(first.eval()), call(second.eval())
    same = all(torch.equal(*pair) for pair in zip(found, again, strict=True))
    expect(same, cls, "answers otherwise after its weights went through a file")
    return found


def _seeded(build: Callable[[], M]) -> M:
    torch.manual_seed(1)
    return build()


def _backward(cls: type[Component], module: M, call: Callable[[M], Sequence[Tensor]]) -> None:
    """Give every weight that is to learn a slope, and change it a little."""
    learning = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    outputs = call(module.train())
    if learning:
        torch.stack([output.square().mean() for output in outputs]).sum().backward()  # type: ignore[no-untyped-call]
    unused = [name for name, weight in learning.items() if weight.grad is None]
    expect(not unused, cls, f"has weights that nothing comes of: {', '.join(unused[:3])}")
    slopes = {name: weight.grad for name, weight in learning.items() if weight.grad is not None}
    endless = [name for name, slope in slopes.items() if not bool(torch.isfinite(slope).all())]
    expect(not endless, cls, f"has no finite gradient at {', '.join(endless[:3])}")
    with torch.no_grad():
        for weight in learning.values():
            weight.mul_(1.01)
            weight.grad = None


def _made_up(*shape: int) -> Tensor:
    return torch.from_numpy(stream("check", *shape).normal(size=shape).astype(np.float32))


def _called(image: Tensor, module: nn.Module) -> list[Tensor]:
    found = module(image)
    return found if isinstance(found, list) else [found]


def _answered(features: list[Tensor], batch: NestedDict, head: nn.Module) -> list[Tensor]:
    return [head(features, batch)]


def _keys(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
