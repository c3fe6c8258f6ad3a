"""Random streams keyed by what they are for, so that chance does not depend on order or worker count."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*key: int | str) -> int:
    """Return 128 bits that depend on every part of `key`, e.g. (seed, epoch, sample id, step)."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def stream(*key: int | str) -> np.random.Generator:
    """Return the generator that belongs to `key`; the same key gives the same numbers everywhere."""
    return np.random.Generator(np.random.Philox(key=seed_of(*key)))


def torch_seed(*key: int | str) -> int:
    """Return 63 bits of `seed_of` for `torch.manual_seed`."""
    return seed_of(*key) & (2**63 - 1)
