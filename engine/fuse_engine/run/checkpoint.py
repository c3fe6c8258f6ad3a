"""Checkpoints: plain tensors and data, whole or not there, verified whenever they are read (rules S2, S3)."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from fuse_engine.core.errors import RunError
from fuse_engine.core.files import atomic_write
from fuse_engine.run.folder import CHECKPOINT, RunFolder

State = dict[str, Any]
"""Tensors, text, numbers, lists and dicts, nothing else."""
ROOM = 2.2
"""Free space that must be there before a checkpoint is written, in checkpoints."""
KEEP = 2
"""Last checkpoints that are kept."""


class NoSpace(RunError):
    """The disk is too full for a checkpoint."""


def save(run: RunFolder, kind: str, step: int, state: State) -> Path:
    """Write a checkpoint (`last`, `best0`, ...), verify it, then remove the older ones of its kind.

    Raises:
        NoSpace: with nothing changed, when the disk is too full.
        RunError: with the older ones kept, when what was written does not read back.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    free = shutil.disk_usage(run.checkpoints).free
    if free < ROOM * len(content):
        needed = f"{ROOM * len(content) / 1e6:.1f} MB free"
        raise NoSpace("no room for a checkpoint", expected=needed, got=f"{free / 1e6:.1f} MB")
    path = run.checkpoints / f"{kind}-{step:08d}-{_digest(content)}.pt"
    try:
        atomic_write(path, content)
    except OSError as error:
        raise NoSpace("a checkpoint could not be written", got=error.strerror or type(error).__name__) from None
    if not _verified(path.read_bytes(), path):
        raise RunError(f"checkpoint {path.name} does not read back as it was written", expected="a sound disk")
    older = [old for old in run.every_checkpoint(kind) if old.name < path.name]
    redone = [old for old in run.every_checkpoint(kind) if old.name > path.name]
    for old in [*redone, *older[KEEP - 1 if kind == "last" else 0 :]]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path, device: str | torch.device = "cpu") -> State:
    """Read one checkpoint.

    Raises:
        RunError: when it is damaged, or holds more than tensors and plain data.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"cannot read checkpoint {path.name}", got=error.strerror or "") from None
    if not _verified(content, path):
        raise RunError(f"checkpoint {path.name} is damaged", expected="content that fits the digest in its name")
    try:
        state: State = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except Exception as error:  # noqa: BLE001 torch raises anything from UnpicklingError to KeyError for foreign content
        raise RunError(f"checkpoint {path.name} is not ours", got=type(error).__name__) from None
    return state


def load_newest(run: RunFolder, kind: str, say: Callable[[str], None]) -> State | None:
    """Read the newest sound checkpoint of a kind, or None; each damaged one that was passed over is said."""
    for path in run.every_checkpoint(kind):
        try:
            return load(path)
        except RunError as error:
            say(f"{error}; taking the one before")
    return None


def weights_of(state: State) -> dict[str, torch.Tensor]:
    """Return the weights to predict with: the moving average where there is one."""
    return dict(state.get("average") or state["model"])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _verified(content: bytes, path: Path) -> bool:
    match = CHECKPOINT.fullmatch(path.name)
    return match is not None and match["digest"] == _digest(content)
