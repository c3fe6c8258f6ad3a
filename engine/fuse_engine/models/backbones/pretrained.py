"""Backbones that can start from weights of other trainings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from pydantic import model_validator
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from fuse_engine.core.errors import FuseError
from fuse_engine.models.backbones.hub import fetch
from fuse_engine.models.backbones.weights import adapt, fitting, put_in, read_weights
from fuse_engine.models.base import Backbone, Pyramid

_restored: ContextVar[bool] = ContextVar("restored", default=False)


@contextmanager
def restored() -> Iterator[None]:
    """Build modules whose weights are put in afterwards: no other weights are read or downloaded for them."""
    token = _restored.set(True)
    try:
        yield
    finally:
        _restored.reset(token)


class PretrainedBackbone(Backbone):
    """A published network; its weights are random, ImageNet's or those of a file."""

    pretrained: bool = False
    """Start from ImageNet weights of timm's hub (2-D); they expect images of mean 0 and standard deviation 1."""
    weights: Path | None = None
    """File of weights to start from: .safetensors, or what torch saved; names as published or of our own runs."""
    copy_weights: bool = False
    """Where images have more channels than the weights: begin the further ones as copies of the last, not at 0."""

    @model_validator(mode="after")
    def _one_origin(self) -> PretrainedBackbone:
        if self.pretrained and self.weights:
            raise ValueError("expected pretrained or weights, got both")
        return self

    def located(self, folder: Path) -> PretrainedBackbone:
        """Return the backbone with its paths starting from `folder`, the experiment's."""
        return self.model_copy(update={"weights": folder / self.weights}) if self.weights else self

    def build(self, channels: int, dims: int) -> Pyramid:
        """Return the module for inputs of that many channels and one of `dims` spatial axes.

        On the meta device no weights are read or downloaded.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
        model = self.published(dims) if self.pretrained else ""
        wanted = not _restored.get() and (self.pretrained or self.weights is not None)
        if wanted and self.weights and not self.weights.is_file():
            raise FuseError("there is no such file", where="weights", expected="a file", got=str(self.weights))
        pyramid, network = self.assemble(channels, dims)
        if wanted and not next(pyramid.parameters()).is_meta:
            try:
                self._load(pyramid, network, self.weights or fetch(model))
            except FuseError as error:
                raise error.placed(where="weights" if self.weights else "pretrained") from None
        return pyramid

    @abstractmethod
    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the module with random weights, and the library's own one that it shares its weights with."""

    @abstractmethod
    def published(self, dims: int) -> str:
        """Return timm's name of the network.

        Raises:
            FuseError: when there are no ImageNet weights of the network as it is set.
        """

    def published_names(self, network: nn.Module) -> Mapping[str, Tensor]:
        """Return the tensors of a network by the names they are published under."""
        return network.state_dict(keep_vars=True)

    def reshaped(self, name: str, tensor: Tensor, target: Tensor) -> Tensor:
        """Return a tensor of a file made to fit `target`, or as it is."""
        return tensor

    def _load(self, pyramid: Pyramid, network: nn.Module, path: Path) -> None:
        found = read_weights(path)
        own = pyramid.state_dict(keep_vars=True)
        kept = {id(tensor) for tensor in own.values()}
        published = {name: item for name, item in self.published_names(network).items() if id(item) in kept}
        first = next(module.weight for module in pyramid.modules() if isinstance(module, _ConvNd))

        def reshape(name: str, tensor: Tensor, target: Tensor) -> Tensor:
            if target is first and tensor.ndim == target.ndim:
                return adapt(tensor, target.shape[1], self.copy_weights)
            return self.reshaped(name, tensor, target)

        both = [(fitting(found, wanted, reshape), wanted) for wanted in (published, own)]
        fitted, wanted = max(both, key=lambda pair: len(pair[0].taken))
        put_in(fitted, wanted, path.name)


def only_in_2d(dims: int) -> None:
    """Refuse ImageNet weights for other than two axes.

    Raises:
        FuseError: saying so at `pretrained`.
    """
    if dims != 2:
        raise FuseError(
            "ImageNet weights are for images of 2 axes", where="pretrained",
            expected="false, or a file of weights for this number of axes as `weights`, e.g. MedicalNet's",
            got=f"{dims} axes",
        )  # fmt: skip
