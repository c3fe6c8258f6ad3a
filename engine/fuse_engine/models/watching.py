"""What a part of a module gives while the whole is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn


@contextmanager
def outputs_of(part: nn.Module) -> Iterator[list[Tensor]]:
    """Give a list that takes in what `part` returns, call by call, as long as the block lasts."""
    found: list[Tensor] = []
    handle = part.register_forward_hook(lambda module, inputs, output: found.append(output))
    try:
        yield found
    finally:
        handle.remove()
