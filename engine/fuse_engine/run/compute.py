"""One forward pass on the chosen device and number format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.models.base import BatchModule
from fuse_engine.run.device import Choice

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def fabric_of(choice: Choice) -> Fabric:
    """Return Lightning Fabric for one device."""
    # takes a second to import, and who only checks an experiment does not need it
    from lightning_fabric import Fabric

    return Fabric(accelerator=choice.device, devices=1, precision=choice.precision)


_FEW = 16
"""Channels below which oneDNN 3.12 (torch 2.13) writes beyond its memory in the slope of a convolution that skips
pixels, where channels come last: it crashes, or may be wrong without a word."""


def tensors_on(batch: NestedDict, device: torch.device, channels_last: bool = True) -> NestedDict:
    """Return the tensors of a batch on a device, images (b, c, y, x) laid out as convolutions are fastest.

    Whole numbers, which come in the small type they are stored in, become int64 there.
    """
    found = NestedDict()
    for key, value in batch.items():
        if isinstance(value, Tensor):
            moved = value.to(device, non_blocking=True)
            if not moved.is_floating_point():
                moved = moved.long()
            image = channels_last and moved.ndim == 4 and moved.is_floating_point()
            found[key] = moved.contiguous(memory_format=torch.channels_last) if image else moved
    return found


def channels_may_be_last(module: nn.Module, device: str) -> bool:
    """Say whether the channels of images may come last, which is faster."""
    return device != "cpu" or not any(
        isinstance(part, nn.Conv2d)
        and part.in_channels // part.groups < _FEW
        and any(stride > size for stride, size in zip(part.stride, part.kernel_size, strict=True))
        for part in module.modules()
    )


def put_channels_last(module: nn.Module) -> None:
    """Lay the weights of 2-D convolutions out for `tensors_on`."""
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def snapshot(module: nn.Module) -> list[Tensor]:
    """Return copies of the running statistics, which a batch that is skipped must not change."""
    return [buffer.clone() for buffer in module.buffers()]


@torch.no_grad()
def put_back(module: nn.Module, copies: list[Tensor]) -> None:
    """Set the running statistics to the copies."""
    for buffer, copy in zip(module.buffers(), copies, strict=True):
        buffer.copy_(copy)


def finite(value: Any) -> bool:
    """Say whether a tensor holds only finite numbers."""
    return bool(torch.isfinite(value).all())


class Compute:
    """A module on its device, and its optimizer where it is trained."""

    def __init__(
        self, choice: Choice, module: BatchModule, optimizer: torch.optim.Optimizer | None = None
    ) -> None:
        """Move module and optimizer to the device."""
        self.fabric = fabric_of(choice)
        self.module = module
        self._channels_last = channels_may_be_last(module, choice.device)
        if self._channels_last:
            put_channels_last(module)
        self._trained = optimizer is not None
        if optimizer is None:
            self._forward = self.fabric.setup_module(module)
        else:
            self._forward, self.optimizer = self.fabric.setup(module, optimizer)

    def __call__(self, data: NestedDict) -> NestedDict:
        """Return the tensors of a batch with `model.*` added, float32."""
        found: NestedDict = self._forward(self.tensors(data))
        return found

    def unguarded(self, data: NestedDict) -> NestedDict:
        """Return the same where Fabric does not see it: which refuses gradients of mixed precision taken alone."""
        precision = self.fabric.strategy.precision
        with precision.forward_context():
            found = self.module(precision.convert_input(self.tensors(data)))
        result: NestedDict = precision.convert_output(found)
        return result

    def tensors(self, data: NestedDict) -> NestedDict:
        """Return the tensors of a batch on the device, laid out as the module is."""
        return tensors_on(data, self.fabric.device, self._channels_last)

    @property
    def scaled(self) -> bool:
        """Whether the number format scales gradients and skips overflowing steps by itself."""
        return getattr(self.fabric.strategy.precision, "scaler", None) is not None

    def scaler_state(self) -> dict[str, Any]:
        """Return the state of the gradient scaler; empty for formats without one."""
        return dict(self.fabric.strategy.precision.state_dict())

    def load_scaler(self, state: dict[str, Any]) -> None:
        """Go on from the saved state of the gradient scaler."""
        if state:
            self.fabric.strategy.precision.load_state_dict(state)

    def clip(self, limit: float | None) -> Tensor:
        """Return the norm of the gradient; larger ones are brought down to `limit`."""
        if limit is not None:
            norm = self.fabric.clip_gradients(
                self._forward, self.optimizer, max_norm=limit, error_if_nonfinite=False
            )
            return torch.as_tensor(norm)
        gradients = [weight.grad for weight in self.module.parameters() if weight.grad is not None]
        return nn.utils.get_total_norm(gradients)
