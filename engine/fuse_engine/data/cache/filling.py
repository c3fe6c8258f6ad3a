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


def fill(
    cache: Cache, pipeline: Pipeline, row: Row, marks: Sequence[str], inputs: Inputs, tuned: int = 0
) -> Filled:
    """Return the value of a row and keep it, and results between steps where that pays.

    A first pass keeps little more than the ends of pipelines. Who changes step `tuned` will change it again: then
    the result before it is kept, so that from the second change on only that step and those after it are done.
    Where a file of `inputs` was changed while it was read, nothing is kept.

    Raises:
        SampleError: naming the sample and the step.
    """
    done, value = deepest(cache, marks[:-1])
    entries = list(marks[done - 1 : done]) if done else []
    between, seconds = list[tuple[str, Value]](), 0.0
    for index, traced in enumerate(pipeline.trace(row, done, value), done + 1):
        value, seconds = traced.value, seconds + traced.seconds
        if index < len(marks) and cache.pays(value, seconds, index == tuned):
            between.append((marks[index - 1], value))
            seconds = 0.0
    made = pipeline.finished(value, row)
    if not unchanged(inputs):
        return Filled(made, ())
    for mark, item in (*between, (marks[-1], made)):
        cache.keep(mark, item)
        entries.append(mark)
    return Filled(made, tuple(entries))
