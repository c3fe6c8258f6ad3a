"""NASNet-A: networks of cells that were searched for."""

from __future__ import annotations

from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.libraries import library
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid

Map = Float[Tensor, " b _ _ _"]


class _NASNet(PretrainedBackbone):
    dims: ClassVar[tuple[int, ...]] = (2,)

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 3


@register
class NASNetLarge(_NASNet):
    """NASNet-A Large (6 @ 4032), five levels from 2 to 32 times coarser (timm's)."""

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        network = timm_network(self.published(dims), channels)
        return _Cells(network, 6, before_reduction=True), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return "nasnetalarge"


@register
class NASNetMobile(_NASNet):
    """NASNet-A Mobile (4 @ 1056), five levels from 2 to 32 times coarser, made of timm's NASNet-A cells."""

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network: four cells of each width where the large one has six."""
        make = library("timm", "models.nasnet").NASNetALarge
        network = make(in_chans=channels, num_classes=0, stem_size=32, num_features=1056)
        return _Cells(network, 4, before_reduction=False), network

    def published(self, dims: int) -> str:
        """Refuse: timm's hub lacks them."""
        raise FuseError(
            "timm's hub has no weights of NASNet Mobile", where="pretrained",
            expected="false, NASNetLarge, or a file with the names of Cadene's pretrained-models as `weights`",
        )  # fmt: skip


class _Cells(Pyramid):
    """Cells that each take what the last two gave.

    After a reduction the cell before is, in the large network, the last but one of the finer level
    (skip_reduction of the original), in the mobile one the last.
    """

    last_features = "activations.4"

    def __init__(self, network: Any, count: int, before_reduction: bool) -> None:
        super().__init__()
        normal = [[getattr(network, f"cell_{first + index}") for index in range(count)] for first in (0, 6, 12)]
        self.levels = nn.ModuleList(
            nn.ModuleList(cells)
            for cells in (
                [network.conv0], [network.cell_stem_0], [network.cell_stem_1, *normal[0]],
                [network.reduction_cell_0, *normal[1]], [network.reduction_cell_1, *normal[2]],
            )
        )  # fmt: skip
        self.activations = nn.ModuleList([nn.Identity(), *(nn.ReLU() for _ in range(4))])
        self.before_reduction = before_reduction
        width = network.num_features // 24
        self.channels = [network.stem_size, width, 6 * width, 12 * width, 24 * width]

    def forward(self, image: Map) -> list[Tensor]:
        """Return the features, fine to coarse, as the next cells take them: activated."""
        (stem,), (second,), (third, *cells), *reduced = (list(level.children()) for level in self.levels)
        before = stem(image)
        last = second(before)
        found = [before, last]
        last, before = _through(cells, third(before, last), last)
        found.append(last)
        for reduction, *cells in reduced:
            finer = before if self.before_reduction else last
            last, before = _through(cells, reduction(last, before), finer)
            found.append(last)
        return [activation(item) for activation, item in zip(self.activations, found, strict=True)]


def _through(cells: list[nn.Module], last: Map, before: Map) -> tuple[Map, Map]:
    for cell in cells:
        last, before = cell(last, before), last
    return last, before
