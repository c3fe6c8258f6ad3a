"""Checkpoint files: named by their step and the start of their SHA-256, which is compared whenever one is read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from fuse_engine.core.errors import RunError

CHECKPOINT = re.compile(r"(?P<kind>last|best\d+)-(?P<step>\d+)-(?P<digest>[0-9a-f]{16})\.pt")
"""The name of a checkpoint carries its step and the start of its SHA-256."""


def digest(content: bytes) -> str:
    """Return the part of a checkpoint's name that says what is in it."""
    return hashlib.sha256(content).hexdigest()[:16]


def verified(content: bytes, path: Path) -> bool:
    """Say whether the content of a checkpoint is what its name says."""
    match = CHECKPOINT.fullmatch(path.name)
    return match is not None and match["digest"] == digest(content)


def read_verified(path: Path) -> bytes:
    """Return the content of a checkpoint.

    Raises:
        RunError: when it cannot be read, or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"cannot read checkpoint {path.name}", got=error.strerror or "") from None
    if not verified(content, path):
        raise RunError(f"checkpoint {path.name} is damaged", expected="content that fits the digest in its name")
    return content


def every_checkpoint(folder: Path, kind: str = "") -> list[Path]:
    """Return the checkpoints of a kind (`last`, `best0`, ...; all where empty) in a folder, highest step first."""
    names = [(CHECKPOINT.fullmatch(path.name), path) for path in folder.glob("*.pt")]
    fit = [(int(match["step"]), path) for match, path in names if match and kind in ("", match["kind"])]
    return [path for _, path in sorted(fit, reverse=True)]
