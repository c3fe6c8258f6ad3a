"""The moving average of the weights: often better than the last ones, at the price of a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Follows the weights and running statistics of a module."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Start from the module as it is."""
        self._module, self._decay = module, decay
        self.state: dict[str, Tensor] = {name: value.clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take a step towards the module, a larger one early on, so that the random start is soon forgotten.

        Whole numbers (counters) are taken over.
        """
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, value in self._module.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved average."""
        for name, value in state.items():
            self.state[name].copy_(value)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the module hold the average inside the `with` block, and its own weights again after it."""
        own = {name: value.clone() for name, value in self._module.state_dict().items()}
        self._module.load_state_dict(self.state)
        try:
            yield
        finally:
            self._module.load_state_dict(own)
