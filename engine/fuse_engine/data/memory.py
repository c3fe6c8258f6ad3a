"""Whether something fits into the memory, asked before it is made."""

from __future__ import annotations

import psutil

from fuse_engine.core.errors import SampleError


class TooLarge(SampleError):
    """What does not fit into the memory that is free just now."""


def require_memory(what: str, needed: float) -> None:
    """Refuse what would take more than half of the free memory, in bytes.

    Raises:
        TooLarge: saying how large it would be.
    """
    free = psutil.virtual_memory().available
    if needed > free / 2:
        raise TooLarge(
            f"{what} is too large for the memory", expected=f"less than {free / 2e9:.1f} GB",
            got=f"{needed / 1e9:.1f} GB",
        )  # fmt: skip
