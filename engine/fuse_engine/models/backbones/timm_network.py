"""timm's networks, with random weights."""

from __future__ import annotations

from typing import Any

from torch import nn

from fuse_engine.libraries import library


def timm_network(model: str, channels: int, **options: Any) -> Any:
    """Return a network of timm by name, without its classifier; timm takes seconds to import."""
    network: nn.Module = library("timm").create_model(model, in_chans=channels, num_classes=0, **options)
    return network
