"""How the operations of torch change what part of an image their results depend on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Span:
    """What the values along one axis of a tensor depend on, in pixels of the image."""

    stride: Fraction = Fraction(1)
    """Pixels between neighbours."""
    low: Fraction = Fraction(0)
    """First pixel that the value at 0 depends on."""
    high: Fraction = Fraction(0)
    """Last pixel that the value at 0 depends on."""

    @property
    def size(self) -> int:
        """Pixels that a value depends on."""
        return floor(self.high - self.low) + 1

    def window(self, kernel: int, stride: int, padding: int, dilation: int) -> Span:
        """Return the span behind a convolution or pooling."""
        return Span(
            self.stride * stride, self.low - padding * self.stride,
            self.high + (dilation * (kernel - 1) - padding) * self.stride,
        )  # fmt: skip

    def spread(self, kernel: int, stride: int, padding: int, dilation: int) -> Span:
        """Return the span behind a transposed convolution."""
        step = self.stride / stride
        return Span(
            step, self.low + (padding - dilation * (kernel - 1)) * step, self.high + padding * step
        )  # fmt: skip

    def moved(self, by: int, step: int = 1) -> Span:
        """Return the span behind a crop from `by` on, every `step` values; negative for padding."""
        shift = by * self.stride
        return Span(self.stride * step, self.low + shift, self.high + shift)

    def joined(self, other: Span) -> Span:
        """Return the span of what depends on both."""
        return replace(self, low=min(self.low, other.low), high=max(self.high, other.high))


Factor = tuple[int, int]
"""Axis of the image, -1 for channels and samples, and its length within a dimension of a tensor."""
Layout = tuple[tuple[Factor, ...], ...]
"""For each dimension of a tensor the axes it runs over, slow to fast."""


@dataclass(frozen=True)
class Reach:
    """What the values of a tensor depend on."""

    layout: Layout
    spans: tuple[Span, ...]
    """By axis of the image."""
    whole: bool = False
    """They depend on the whole image."""

    def along(self, dim: int) -> int:
        """Return the image's axis that a dimension runs along, -1 for none, -2 for several."""
        axes = [axis for axis, _ in self.layout[dim] if axis >= 0]
        return axes[0] if len(axes) == 1 else (-2 if axes else -1)

    def at(self, layout: Layout) -> Reach:
        """Return the same for a tensor of another layout."""
        return replace(self, layout=layout)


class Everywhere(Exception):
    """An operation mixes places in a way that is not followed."""


Rule = Callable[[tuple[Any, ...], list[tuple[Tensor, Reach]], Tensor], Reach]


def tensors_in(values: Any) -> list[Tensor]:
    """Return the tensors of nested lists."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, tuple | list):
            found += tensors_in(value)
    return found


def plain_layout(shape: Sequence[int]) -> Layout:
    """Return the layout of an image (batch, channel, [z,] y, x)."""
    return tuple(((dim - 2 if dim > 1 else -1, size),) for dim, size in enumerate(shape))


def everywhere(output: Tensor, inputs: list[tuple[Tensor, Reach]]) -> Reach:
    """Return what depends on the whole image."""
    return Reach(tuple(((-1, size),) for size in output.shape), inputs[0][1].spans, whole=True)


def _sized(reach: Reach, shape: Sequence[int]) -> Layout:
    """Return the layout of a tensor whose dimensions run along the same axes at another length."""
    return tuple(((max(reach.along(dim), -1), size),) for dim, size in enumerate(shape))


def same_places(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    """Follow what works place by place, on tensors that broadcast against each other."""
    full = [reach for tensor, reach in inputs if tensor.shape == output.shape]
    if not full:
        raise Everywhere
    result = full[0]
    for tensor, reach in inputs:
        if tensor.shape == output.shape and reach.layout != result.layout:
            raise Everywhere
        result = _union(result, reach)
    return result


def _union(one: Reach, other: Reach) -> Reach:
    if any(a.stride != b.stride for a, b in zip(one.spans, other.spans, strict=True)):
        raise Everywhere
    return replace(one, spans=tuple(a.joined(b) for a, b in zip(one.spans, other.spans, strict=True)))


def _windows(reach: Reach, output: Tensor, change: Callable[[Span, int], Span], first: int = 2) -> Reach:
    """Change the span along each dimension from `first` on, which must run along one axis each."""
    spans = list(reach.spans)
    for dim in range(first, output.ndim):
        axis = reach.along(dim)
        if axis < 0:
            raise Everywhere
        spans[axis] = change(spans[axis], dim - first)
    return Reach(_sized(reach, output.shape), tuple(spans))


def _each(value: Any, count: int) -> list[int]:
    values = [int(item) for item in value] if isinstance(value, tuple | list) else [int(value)]
    return values * count if len(values) == 1 else values


def _convolution(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    kernel = args[1].shape[2:]
    stride, padding, dilation = (_each(value, len(kernel)) for value in args[3:6])

    def change(span: Span, at: int) -> Span:
        apply = span.spread if args[6] else span.window
        return apply(kernel[at], stride[at], padding[at], dilation[at])

    return _windows(inputs[0][1], output, change)


def _pool(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor, dilated: bool) -> Reach:
    count = output.ndim - 2
    kernel = _each(args[1], count)
    stride = _each(args[2], count) if len(args) > 2 and len(args[2]) else kernel
    padding = _each(args[3] if len(args) > 3 else 0, count)
    dilation = _each(args[4] if dilated and len(args) > 4 else 1, count)
    return _windows(
        inputs[0][1], output, lambda span, at: span.window(kernel[at], stride[at], padding[at], dilation[at])
    )


def _max_pool(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    return _pool(args, inputs, output, dilated=True)


def _mean_pool(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    return _pool(args, inputs, output, dilated=False)


def _resized(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    """Follow an interpolation: to either side it looks at most one value further."""
    tensor, reach = inputs[0]

    def change(span: Span, at: int) -> Span:
        ratio = Fraction(tensor.shape[2 + at], output.shape[2 + at])
        margin = span.stride if ratio != 1 else 0
        return Span(span.stride * ratio, span.low - margin, span.high + margin)

    return _windows(reach, output, change)


def _padded(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    reach, spans = inputs[0][1], list(inputs[0][1].spans)
    for place, before in enumerate(args[1][::2]):
        axis = reach.along(output.ndim - 1 - place)
        if axis >= 0:
            spans[axis] = spans[axis].moved(-int(before))
        elif axis == -2:
            raise Everywhere
    return Reach(_sized(reach, output.shape), tuple(spans))


def _sliced(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    tensor, reach = inputs[0]
    dim = (args[1] if len(args) > 1 else 0) % tensor.ndim
    start = args[2] if len(args) > 2 and args[2] is not None else 0
    step = args[4] if len(args) > 4 else 1
    if tensor.shape == output.shape:
        return reach
    axis, spans = reach.along(dim), list(reach.spans)
    if axis == -2:
        raise Everywhere
    if axis >= 0:
        spans[axis] = spans[axis].moved(start + tensor.shape[dim] if start < 0 else start, step)
    layout = list(reach.layout)
    layout[dim] = ((axis, output.shape[dim]),)
    return Reach(tuple(layout), tuple(spans))


def _divided(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    """Follow a split along something else than an axis of the image."""
    tensor, reach = inputs[0]
    dim = (args[2] if len(args) > 2 else 0) % tensor.ndim
    if reach.along(dim) != -1:
        raise Everywhere
    layout = list(reach.layout)
    layout[dim] = ((-1, output.shape[dim]),)
    return reach.at(tuple(layout))


def _joined(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    dim = (args[1] if len(args) > 1 else 0) % output.ndim
    result = inputs[0][1]
    if result.along(dim) != -1:
        raise Everywhere
    for _, reach in inputs[1:]:
        result = _union(result, reach)
    layout = list(result.layout)
    layout[dim] = ((-1, output.shape[dim]),)
    return result.at(tuple(layout))


def _viewed(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    """Follow a new shape: its dimensions must be made of whole old ones, or of a part of the channels."""
    reach = inputs[0][1]
    rest = [factor for dim in reach.layout for factor in dim if factor[1] != 1]
    layout: list[tuple[Factor, ...]] = []
    for size in output.shape:
        found: list[Factor] = []
        while size > 1:
            axis, length = rest.pop(0)
            if size % length == 0:
                found.append((axis, length))
                size //= length
            elif axis < 0 and length % size == 0:
                found.append((axis, size))
                rest.insert(0, (axis, length // size))
                size = 1
            else:
                raise Everywhere
        layout.append(tuple(found) or ((-1, 1),))
    return reach.at(tuple(layout))


def _permuted(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    reach = inputs[0][1]
    return reach.at(tuple(reach.layout[dim] for dim in args[1]))


def _transposed(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    layout = list(inputs[0][1].layout)
    one, other = (dim % len(layout) for dim in (args[1:3] if len(args) > 2 else (0, 1)))
    layout[one], layout[other] = layout[other], layout[one]
    return inputs[0][1].at(tuple(layout))


def _pooled_over(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    """Follow a sum or mean: over channels it stays where it is."""
    tensor, reach = inputs[0]
    given = args[1] if len(args) > 1 and args[1] is not None else []
    dims = {dim % tensor.ndim for dim in (given if isinstance(given, tuple | list) else [given])}
    if not dims or any(reach.along(dim) != -1 for dim in dims):
        raise Everywhere
    if output.ndim == tensor.ndim:
        return reach.at(tuple(((-1, 1),) if dim in dims else each for dim, each in enumerate(reach.layout)))
    return reach.at(tuple(each for dim, each in enumerate(reach.layout) if dim not in dims))


def _mixed(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    """Follow a product with weights, which mixes the last dimension."""
    tensor, reach = inputs[0]
    if len(inputs) > 1 or tensor.ndim != output.ndim or reach.along(tensor.ndim - 1) != -1:
        raise Everywhere
    return reach.at((*reach.layout[:-1], ((-1, output.shape[-1]),)))


def _nowhere(args: tuple[Any, ...], inputs: list[tuple[Tensor, Reach]], output: Tensor) -> Reach:
    raise Everywhere


_MIXING = ("roll", "flip", "index", "gather", "sort", "cumsum", "_softmax", "bmm", "baddbmm", "scatter", "take",
           "native_multi_head_attention")  # fmt: skip

RULES: dict[str, Rule] = {
    "convolution": _convolution,
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool3d_with_indices"), _max_pool),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), _mean_pool),
    **{f"upsample_{kind}": _resized for kind in (
        "nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d", "_nearest_exact2d",
    )},
    **{f"_upsample_nearest_exact{dims}d": _resized for dims in (1, 2, 3)},
    "constant_pad_nd": _padded,
    **{f"{kind}_pad{dims}d": _padded for kind in ("replication", "reflection") for dims in (1, 2, 3)},
    "slice": _sliced, "cat": _joined,
    **dict.fromkeys(("split", "split_with_sizes"), _divided),
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "_reshape_alias"), _viewed),
    "permute": _permuted, **dict.fromkeys(("transpose", "t"), _transposed),
    **dict.fromkeys(("mean", "sum", "amax", "amin", "var", "std", "linalg_vector_norm"), _pooled_over),
    **dict.fromkeys(("mm", "addmm", "linear"), _mixed),
    **dict.fromkeys(_MIXING, _nowhere),
}  # fmt: skip
"""How the operations of torch, by name, change what their results depend on; all others go place by place."""
