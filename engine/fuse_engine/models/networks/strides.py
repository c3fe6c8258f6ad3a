"""How much coarser each level of a network is than the one before, along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated

from pydantic import AfterValidator

from fuse_engine.core.errors import FuseError


def _positive(strides: list[list[int]]) -> list[list[int]]:
    if any(step < 1 for stride in strides for step in stride):
        raise ValueError("expected numbers from 1 up")
    return strides


PerLevel = Annotated[list[list[int]], AfterValidator(_positive)]
"""For each level one number along each axis, (z, y, x) or (y, x)."""


def whole_strides(strides: PerLevel, levels: int, dims: int) -> list[list[int]]:
    """Return the strides of so many levels, 2 along every axis where none are given.

    Raises:
        FuseError: at `strides`, when their number, or that of their axes, is another.
    """
    if not strides:
        return [[2] * dims] * levels
    if len(strides) != levels:
        raise FuseError(
            "the strides do not fit the channels", where="strides",
            expected=f"{levels} entries, one for each level below the first", got=f"{len(strides)}",
        )  # fmt: skip
    refuse_other_axes(strides, dims, "strides")
    return strides


def refuse_other_axes(given: Sequence[Sequence[int]], dims: int, where: str) -> None:
    """Refuse an entry of another number of axes than the images have.

    Raises:
        FuseError: at the first such entry.
    """
    for index, entry in enumerate(given):
        if len(entry) != dims:
            axes = "(z, y, x)" if dims == 3 else "(y, x)"
            raise FuseError(
                f"{entry} does not fit {dims}-D images", where=f"{where}.{index}",
                expected=f"{dims} numbers {axes}", got=f"{len(entry)}",
            )  # fmt: skip


def products(strides: Sequence[Sequence[int]]) -> list[int]:
    """Return how much coarser the last level is than the image along each axis."""
    return [prod(steps) for steps in zip(*strides, strict=True)]
