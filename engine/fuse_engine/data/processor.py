"""The steps that turn a row of the source into a value of the sample dict."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data.code import is_typed
from fuse_engine.data.fingerprint import START, Inputs, StepPart, chain, identities
from fuse_engine.data.image import Image
from fuse_engine.data.source import Row

Value = Image | NDArray[np.float32] | int | float | str
"""What a step may return: an image or label map, a vector, a class, a number, a text."""


class Processor(Component):
    """One step of a pipeline; the first one reads the row, every other one the value so far."""

    kind: ClassVar[str] = "processor"
    spatial: ClassVar[bool] = False
    """Whether the step moves pixels: turns, crops, pads or resamples."""
    opens: ClassVar[bool] = False
    """Whether the step opens what neither its cells nor its files show, e.g. an item of a torch dataset."""

    @abstractmethod
    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the new value; the old one is left as it is.

        Raises:
            SampleError: saying what is wrong with this sample.
        """

    def move(self, image: Image, like: Image, row: Row) -> Image:
        """Return `image` after exactly what the step does to `like`, which lies on the same grid.

        A step whose new grid depends on the pixels of `like` has its own.

        Raises:
            SampleError: as for `like` itself.
        """
        return image_of(self(image, row), self.name())

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cells, by their column, and the files of the row that the result depends on."""
        return {}

    def sources(self) -> tuple[object, ...]:
        """Return functions and classes that decide the result though the step's module does not import them."""
        return ()

    @property
    def unfitted(self) -> bool:
        """Whether `fit` has to be called before the step can be used."""
        return False

    def fit(self, rows: Sequence[Row], before: Pipeline) -> Self:
        """Return the step with what it learns from the training samples, and from no others.

        `before` holds the steps before this one: it makes the value that each row brings here.
        """
        return self


def image_of(value: Value | None, step: str) -> Image:
    """Return the value as an image or label map.

    Raises:
        SampleError: when it is none.
    """
    if not isinstance(value, Image):
        raise SampleError(
            f"{step} works on an image", expected="a step such as LoadImage before it",
            got="nothing" if value is None else type(value).__name__,
        )  # fmt: skip
    return value


def intensities(value: Value | None, step: str) -> Image:
    """Return the value as an image whose numbers may be changed.

    Raises:
        SampleError: when it is none, or a label map.
    """
    image = image_of(value, step)
    if image.label:
        raise SampleError(f"{step} changes intensities", expected="an image", got="a label map")
    return image


@dataclass(frozen=True)
class Traced:
    """One step's name, result and duration."""

    name: str
    value: Value
    seconds: float


@dataclass(frozen=True)
class Pipeline:
    """Steps one after the other; `where` is their place in the experiment, for messages."""

    steps: tuple[Processor, ...]
    where: str = ""

    def run(self, row: Row) -> Value:
        """Return the value that the last step makes; its array is read-only.

        Raises:
            SampleError: naming the sample and the step.
        """
        value: Value | None = None
        for traced in self.trace(row):
            value = traced.value
        return self.finished(value, row)

    def finished(self, value: Value | None, row: Row) -> Value:
        """Return what the last step made, after a last look at it.

        Raises:
            SampleError: when there were no steps, or it holds what is not a number.
        """
        if value is None:
            raise SampleError("there are no steps", where=self.where, sample=row.id, expected="at least one")
        array = value.array if isinstance(value, Image) else value
        if not isinstance(array, str) and not np.isfinite(array).all():
            raise SampleError(f"'{self.where}' holds values that are not finite", sample=row.id, where=self.where)
        return value

    def trace(self, row: Row, done: int = 0, value: Value | None = None) -> Iterator[Traced]:
        """Yield the result of each step; the first `done` steps are taken to have made `value`.

        Raises:
            SampleError: naming the sample and the step.
        """
        for index, step in enumerate(self.steps[done:], done):
            start = time.perf_counter()
            with self._blamed(index, row):
                value = _checked(step(value, row))
            yield Traced(step.name(), value, time.perf_counter() - start)

    def reads_files(self, row: Row) -> bool:
        """Say whether the result depends on any file.

        Raises:
            SampleError: naming the sample and the step.
        """
        return any(isinstance(item, Path) for reads in self._reads(row) for item in reads.values())

    def fingerprint(self, row: Row) -> str:
        """Return a text that changes with the steps, their code, and the cells and files they read.

        Raises:
            SampleError: naming the sample and the step.
        """
        return (START, *chain(self.parts(), self.inputs(row)))[-1]

    def parts(self) -> tuple[StepPart, ...]:
        """Return what each step adds to a fingerprint, whatever the row."""
        return self._now() if self._typed else self._parts

    def inputs(self, row: Row) -> Inputs:
        """Return what each step reads of a row: no file is opened.

        Raises:
            SampleError: naming the sample and the step.
        """
        found = []
        for index, step in enumerate(self.steps):
            with self._blamed(index, row):
                found.append(identities(step.reads(row)))
        return tuple(found)

    @cached_property
    def _typed(self) -> bool:
        """Whether a step was typed into a shell, where what it calls may be typed anew."""
        return any(is_typed(item) for step in self.steps for item in (type(step), *step.sources()))

    @cached_property
    def _parts(self) -> tuple[StepPart, ...]:
        return self._now()

    def _now(self) -> tuple[StepPart, ...]:
        return tuple(StepPart.of(step, step.sources()) for step in self.steps)

    def _reads(self, row: Row) -> Iterator[dict[str, str | Path]]:
        for index, step in enumerate(self.steps):
            with self._blamed(index, row):
                reads = step.reads(row)
            yield reads

    @contextmanager
    def _blamed(self, index: int, row: Row) -> Iterator[None]:
        """Name the sample and the step in whatever goes wrong inside."""
        step = f"{index}.{self.steps[index].name()}"
        where = f"{self.where}.{step}" if self.where else step
        try:
            yield
        except FuseError as error:
            raise SampleError(*error.placed(sample=row.id, where=where).problems) from error
        except Exception as error:  # the boundary: a step may be anyone's code, and the sample must be named
            problem = f"{type(error).__name__}: {error}"
            raise SampleError(problem, sample=row.id, where=where) from error


def _checked(value: Value) -> Value:
    if not isinstance(value, Image | np.ndarray | int | float | str):
        raise SampleError(
            "the step returned nothing that a sample can hold",
            expected="an Image, an array, an int, a float or a text", got=type(value).__name__,
        )  # fmt: skip
    array = value.array if isinstance(value, Image) else value
    if isinstance(array, np.ndarray):
        # what comes from a cache cannot be written to either: a step that does so fails at once, not some day
        array.flags.writeable = False
    return value
