"""Computes what a cache does not hold, from the last result between steps that it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fuse_engine.data.cache.base import Cache
from fuse_engine.data.fingerprint import Inputs, unchanged
from fuse_engine.data.processor import Pipeline, Value
from fuse_engine.data.source import Row


@dataclass(frozen=True)
class Filled:
    """A value, and the fingerprints that it and results on the way to it are kept under."""

    value: Value
    entries: tuple[str, ...]


def deepest(cache: Cache, marks: Sequence[str]) -> tuple[int, Value | None]:
    """Return how many steps need not be done, and the result so far; `marks` are the fingerprints after each."""
    for done in range(len(marks), 0, -1):
        value = cache.find(marks[done - 1])
        if value is not None:
            return done, value
    return 0, None


def fill(cache: Cache, pipeline: Pipeline, row: Row, marks: Sequence[str], inputs: Inputs) -> Filled:
    """Return the value of a row and keep it, and results between steps where that pays.

    Where a file of `inputs` was changed while it was read, nothing is kept.

    Raises:
        SampleError: naming the sample and the step.
    """
    done, value = deepest(cache, marks[:-1])
    entries = list(marks[done - 1 : done]) if done else []
    between, seconds = list[tuple[str, Value]](), 0.0
    for mark, traced in zip(marks[done:], pipeline.trace(row, done, value), strict=True):
        value, seconds = traced.value, seconds + traced.seconds
        if mark != marks[-1] and cache.pays(value, seconds):
            between.append((mark, value))
            seconds = 0.0
    made = pipeline.finished(value, row)
    if not unchanged(inputs):
        return Filled(made, ())
    for mark, item in (*between, (marks[-1], made)):
        cache.keep(mark, item)
        entries.append(mark)
    return Filled(made, tuple(entries))
