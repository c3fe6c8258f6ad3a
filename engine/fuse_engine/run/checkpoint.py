"""Checkpoints: plain tensors and data, whole or not there, verified whenever they are read (rules S2, S3)."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from fuse_engine.core.checkpoints import digest, verified
from fuse_engine.core.errors import RunError
from fuse_engine.core.files import atomic_write
from fuse_engine.models.checkpoint import State, load
from fuse_engine.run.folder import RunFolder

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
    path = run.checkpoints / f"{kind}-{step:08d}-{digest(content)}.pt"
    try:
        atomic_write(path, content)
    except OSError as error:
        raise NoSpace("a checkpoint could not be written", got=error.strerror or type(error).__name__) from None
    if not verified(path.read_bytes(), path):
        raise RunError(f"checkpoint {path.name} does not read back as it was written", expected="a sound disk")
    older = [old for old in run.every_checkpoint(kind) if old.name < path.name]
    redone = [old for old in run.every_checkpoint(kind) if old.name > path.name]
    for old in [*redone, *older[KEEP - 1 if kind == "last" else 0 :]]:
        old.unlink(missing_ok=True)
    return path


def load_newest(run: RunFolder, kind: str, say: Callable[[str], None]) -> State | None:
    """Read the newest sound checkpoint of a kind, or None; each damaged one that was passed over is said."""
    for path in run.every_checkpoint(kind):
        try:
            return load(path)
        except RunError as error:
            say(f"{error}; taking the one before")
    return None
