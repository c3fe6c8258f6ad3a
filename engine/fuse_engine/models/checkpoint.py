"""What lies in a checkpoint: tensors and plain data, nothing that runs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fuse_engine.core.checkpoints import read_verified
from fuse_engine.core.errors import RunError

State = dict[str, Any]
"""Tensors, text, numbers, lists and dicts, nothing else."""


def load(path: Path, device: str | torch.device = "cpu") -> State:
    """Read one checkpoint.

    Raises:
        RunError: when it is damaged, or holds more than tensors and plain data.
    """
    content = read_verified(path)
    try:
        state: State = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except Exception as error:  # noqa: BLE001 torch raises anything from UnpicklingError to KeyError for foreign content
        raise RunError(f"checkpoint {path.name} is not ours", got=type(error).__name__) from None
    return state


def weights_of(state: State) -> dict[str, Tensor]:
    """Return the weights to predict with: the moving average where there is one."""
    return dict(state.get("average") or state["model"])
