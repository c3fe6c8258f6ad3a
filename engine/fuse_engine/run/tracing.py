"""What a model costs and how far its features look, seen in a forward pass without weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fuse_engine.core.batch import NestedDict
from fuse_engine.models.base import FEATURES, BatchModule
from fuse_engine.run.reach import ReachMode, reach_of


@dataclass(frozen=True)
class Cost:
    """What a part of a model holds, and what one sample takes to go through it."""

    parameters: int = 0
    flops: int | None = None
    """Floating-point operations of one sample's forward pass; a product and a sum are two."""


@dataclass(frozen=True)
class Sight:
    """The part of an image that one value of the coarsest features depends on."""

    voxels: tuple[int, ...]
    """Pixels along ([z,] y, x); those of the input where it depends on all of it."""
    stride: tuple[float, ...]
    """Pixels between two values of the features."""
    whole: bool
    """The value depends on the whole input, as with attention."""


@dataclass
class Traced:
    """What a forward pass on the meta device showed."""

    costs: dict[str, Cost] = field(default_factory=dict)
    """By name of the part."""
    whole: Cost = Cost()
    """Of the whole model."""
    sight: Sight | None = None
    features: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Shape of what each part gives, without the batch axis; of the coarsest level where it gives several."""


class Tracer:
    """Watches the forward pass of a module; `traced` holds what it saw."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.traced = Traced()

    @contextmanager
    def __call__(self, module: BatchModule, batch: NestedDict) -> Iterator[None]:
        """Watch while the block lasts."""
        images = [value for key, value in batch.items() if key.startswith("data.input.") and value.ndim > 2]
        samples = len(next(iter(batch.values())))
        outputs: dict[str, Any] = {}
        reach, counter = ReachMode(images), FlopCounterMode(display=False)
        with ExitStack() as stack:
            watched = dict(module.parts)
            if module.last_features:
                watched[FEATURES] = module.get_submodule(module.last_features)
            for name, part in watched.items():
                stack.callback(part.register_forward_hook(_keeping(outputs, name)).remove)
            stack.enter_context(counter)
            stack.enter_context(reach)
            yield
        self.traced = Traced(
            _costs(module, counter, samples), Cost(_weights(module), counter.get_total_flops() // samples),
            _sight(reach, outputs.get(FEATURES), images),
            {name: tuple(shape[1:]) for name, value in outputs.items() if (shape := _shape(value))},
        )  # fmt: skip


def _keeping(outputs: dict[str, Any], name: str) -> Any:
    def keep(module: nn.Module, arguments: Any, output: Any) -> None:
        outputs[name] = output

    return keep


def _shape(value: Any) -> tuple[int, ...]:
    last = value[-1] if isinstance(value, list | tuple) and value else value
    return tuple(last.shape) if isinstance(last, Tensor) else ()


def _weights(part: nn.Module) -> int:
    return sum(weight.numel() for weight in part.parameters())


def _costs(module: BatchModule, counter: FlopCounterMode, samples: int) -> dict[str, Cost]:
    names = {id(part): name for name, part in module.named_modules()}
    counts, root = counter.get_flop_counts(), type(module).__name__
    found = {}
    for name, part in module.parts.items():
        flops = sum(counts.get(f"{root}.{names.get(id(part), '')}", {}).values())
        found[name] = Cost(_weights(part), flops // samples)
    return found


def _sight(reach: ReachMode, features: Any, images: list[Tensor]) -> Sight | None:
    last = features[-1] if isinstance(features, list | tuple) and features else features
    if not isinstance(last, Tensor) or not images:
        return None
    size, known = tuple(images[0].shape[2:]), reach.of(last)
    if known is None:
        return None
    found = reach_of(reach, last)
    if found is not None:
        return Sight(tuple(found[0]), tuple(found[1]), False)
    coarse = tuple(last.shape[2:])
    stride = tuple(a / b for a, b in zip(size, coarse, strict=True)) if len(coarse) == len(size) else ()
    return Sight(size, stride, True)
