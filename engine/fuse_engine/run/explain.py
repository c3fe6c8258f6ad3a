"""Where a network looks: heatmaps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, RunError, nearest
from fuse_engine.core.registry import register
from fuse_engine.data.collate import collate
from fuse_engine.data.image import Image
from fuse_engine.models.base import BatchModule
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.infer import network_grid, one, predictor_of, source_key

LOGITS = "model.logits."
Score = Callable[[NestedDict], Tensor]
"""From a predicted batch of one sample to the number that is explained."""


class Heatmap(Component):
    """Says which places of an image speak for an answer."""

    kind: ClassVar[str] = "heatmap"

    @abstractmethod
    def __call__(self, module: BatchModule, batch: NestedDict, score: Score) -> Tensor:
        """Return heat of one sample ([z,] y, x), 0 or more, on a grid that may be coarser than the image's."""


@register
class GradCAM(Heatmap):
    """Features of one layer, weighted by how much each speaks for the answer (Grad-CAM)."""

    layer: str | None = None
    """Name of the layer as torch names submodules; the model's last features where empty."""

    def __call__(self, module: BatchModule, batch: NestedDict, score: Score) -> Tensor:
        """Return the part of the weighted features that speaks for the answer.

        Raises:
            FuseError: for an unknown layer, or one that the answer does not depend on.
        """
        layer, kept = self._layer(module), list[Tensor]()

        def cut(part: torch.nn.Module, inputs: object, output: Tensor) -> Tensor:
            if output.ndim < 4:
                raise FuseError(
                    "this layer has no places in an image", where="layer",
                    expected="features (batch, channel, [z,] y, x)", got=str(tuple(output.shape)),
                )  # fmt: skip
            # from here on only: the way back through the layers before costs half the time and is not needed
            kept.append(output.detach().requires_grad_())
            return kept[-1]

        handle = layer.register_forward_hook(cut)
        try:
            with torch.enable_grad():
                value = score(module(batch))
                (slope,) = torch.autograd.grad(value, kept[-1], allow_unused=True)
        finally:
            handle.remove()
        if slope is None:
            raise FuseError("the answer does not depend on this layer", where="layer", got=self.layer or "")
        weights = slope.flatten(2).mean(2)[0]
        heat = torch.einsum("c,c...->...", weights, kept[-1][0].detach())
        return heat.clamp(min=0)

    def _layer(self, module: BatchModule) -> torch.nn.Module:
        name = self.layer or module.last_features
        if not name:
            raise FuseError(
                "the model names no features with places in an image", where="layer", expected="a layer"
            )
        known: dict[str, torch.nn.Module] = dict(module.named_modules())
        if name not in known:
            raise FuseError(f"the model has no layer '{name}'", where="layer", nearest=nearest(name, known))
        return known[name]


@dataclass(frozen=True, eq=False)
class Heat:
    """A heatmap on the grid that the network sees."""

    image: Image
    """(1, [z,] y, x) float32 from 0 to 1; all 0 when nothing speaks for the answer."""
    cell_mm: tuple[float, ...]
    """Size of one cell of the layer in mm, [z,] y, x: no detail below it means anything."""
    head: str
    target: int


def explain(
    folder: RunFolder,
    id: str,  # noqa: A002
    head: str | None = None,
    target: int | None = None,
    heatmap: Heatmap | None = None,
    checkpoint: str = "best",
) -> Heat:
    """Return where the network sees class `target` in a sample; its own answer, and the first head, where empty.

    Raises:
        RunError: for an unknown head or class.
        SampleError: when the sample cannot be read.
    """
    predictor = predictor_of(folder, checkpoint)
    module, assembly = predictor.compute.module, predictor.assembly
    data = collate([assembly.tensors(id)])
    tensors = predictor.compute.tensors(data)
    with torch.no_grad():
        found = module.eval()(tensors)
    name = _head(found, head)
    logits = found[LOGITS + name]
    chosen = _target(logits, target)
    cells = (heatmap or GradCAM())(module, tensors, lambda batch: _score(batch[LOGITS + name], chosen))
    source = source_key(assembly, data)
    grid = network_grid(one(data, 0), source, tuple(data[source].shape[2:]))
    heat = upsampled(cells, grid.shape)
    cell_mm = tuple(
        step * size / count
        for step, size, count in zip(reversed(grid.spacing), grid.shape, cells.shape, strict=True)
    )
    return Heat(Image(heat[None].cpu().numpy(), grid), cell_mm, name, chosen)


def upsampled(cells: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return cells at the size of the image, from 0 to 1; a cell's value is at the middle of what it covers."""
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    heat = F.interpolate(cells[None, None].float(), size=shape, mode=mode, align_corners=False)[0, 0]
    return heat / heat.max() if bool(heat.max() > 0) else heat


def _head(found: NestedDict, head: str | None) -> str:
    names = [key.removeprefix(LOGITS) for key in found if key.startswith(LOGITS)]
    if head is None:
        return names[0]
    if head not in names:
        raise RunError(f"no head '{head}'", expected=f"one of {', '.join(names)}", nearest=nearest(head, names))
    return head


def _target(logits: Tensor, target: int | None) -> int:
    classes = logits.shape[1]
    if target is None:
        return int(logits[0].max(0).indices) if logits.ndim == 2 else classes - 1
    if not 0 <= target < classes:
        raise RunError(f"no class {target}", expected=f"0 to {classes - 1}")
    return target


def _score(logits: Tensor, target: int) -> Tensor:
    """Return the logit of a class; over label maps its mean where it wins, or everywhere if it wins nowhere."""
    if logits.ndim == 2:
        return logits[0, target]
    wins = (logits[0].detach().max(0).indices == target).to(logits.dtype)
    return (logits[0, target] * wins).sum() / wins.sum() if bool(wins.any()) else logits[0, target].mean()
