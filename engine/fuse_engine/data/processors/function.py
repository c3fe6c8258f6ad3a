"""The step that calls a function of the user."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.functions import functions
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image, label_array
from fuse_engine.data.processor import Processor, Value, image_of
from fuse_engine.data.source import Row


@register
class Function(Processor):
    """Calls a function of your own, from a file of components or an installed package."""

    spatial: ClassVar[bool] = True
    function: str
    """Name of the function: one with `@function` above it, or an entry point of `fuse_engine.functions`."""
    arguments: dict[str, float] = Field({})
    """Numbers that the function takes by name, e.g. `{sigma: 2}`."""
    files: list[str] = Field([])
    """Columns that name files the function reads, so that a changed file counts."""
    moves: bool = False
    """The function moves pixels or changes the grid, so label maps need it too; it leaves their values."""

    @model_validator(mode="after")
    def _known(self) -> Function:
        try:
            found = functions.find(self.function)
        except FuseError as error:
            raise ValueError(str(error)) from None
        signature = _signature(found)
        if signature is None:
            return self
        try:
            signature.bind(None, **self.arguments, **({"row": None} if "row" in signature.parameters else {}))
        except TypeError as error:
            raise ValueError(f"expected arguments that fit {self.function}{signature}: {error}") from None
        return self

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return what the function returns."""
        found = functions.find(self.function)
        signature = _signature(found)
        extra = {"row": row} if signature and "row" in signature.parameters else {}
        result = _plain(found(_read_only(value), **extra, **self.arguments), value)
        self._require(result, value)
        return result

    def move(self, image: Image, like: Image, row: Row) -> Image:
        """Return the image as it is, unless the function moves pixels."""
        return image_of(self(image, row), "Function") if self.moves else image

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the files, and every cell where the function takes the row."""
        signature = _signature(functions.find(self.function))
        cells = dict(row.columns) if signature and "row" in signature.parameters else {}
        return {**cells, **{f"file of {column}": row.path(column) for column in self.files}}

    def sources(self) -> tuple[object, ...]:
        """Name the function."""
        return (functions.find(self.function),)

    def _require(self, result: Value, value: Value | None) -> None:
        array = result.array if isinstance(result, Image) else result
        if isinstance(array, np.ndarray | float) and not np.isfinite(array).all():
            raise SampleError(f"{self.function} returned values that are not finite", got="NaN or infinity")
        if self.moves or not (isinstance(result, Image) and isinstance(value, Image)):
            return
        if not result.geometry.near(value.geometry):
            raise SampleError(
                f"{self.function} changed the grid of the image", expected="`moves: true` for such a function"
            )


def _signature(found: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(found)
    except (TypeError, ValueError):  # written in C, without a signature
        return None


def _read_only(value: Value | None) -> Value | None:
    """Return the value so that nobody can change what a cache may hold."""
    array = value.array if isinstance(value, Image) else value
    if not isinstance(array, np.ndarray):
        return value
    shown = array.view()
    shown.flags.writeable = False
    return Image(shown, value.geometry) if isinstance(value, Image) else shown


def _plain(result: Any, value: Value | None) -> Value:
    """Return what a function made as a value that a sample can hold."""
    if isinstance(result, np.ndarray) and isinstance(value, Image):
        if result.shape != value.array.shape:
            raise SampleError(
                "the function returned an array of another shape",
                expected=f"{value.array.shape}, or an Image with its geometry", got=str(result.shape),
            )  # fmt: skip
        return Image(_pixels(result), value.geometry)
    if isinstance(result, Image):
        return Image(_pixels(result.array), result.geometry)
    if isinstance(result, np.ndarray):
        return np.asarray(result, np.float32)
    return result.item() if isinstance(result, np.generic) else result  # type: ignore[no-any-return]


def _pixels(array: NDArray[Any]) -> NDArray[Any]:
    whole = np.issubdtype(array.dtype, np.integer) or array.dtype == bool
    return label_array(array) if whole else np.asarray(array, np.float32)
