"""What the client and the worker say to each other: one line of JSON a message, arrays by name.

To the worker: `{"id", "method", "args", "background"}`, `{"cancel": id}`. To the client: `{"running": id}`,
`{"reading": path or None}`, `{"id", "progress", "text"}`, and one of `{"id", "value"}`, `{"id", "error"}`,
`{"id", "dropped"}` for each request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core import errors
from fuse_engine.core.errors import FuseError, Problem

ARRAY = "__array__"

_ERRORS: dict[str, type[FuseError]] = {
    cls.__name__: cls
    for cls in (FuseError, errors.ExperimentError, errors.KeyMissing, errors.SampleError, errors.RunError)
}


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line.

    Raises:
        TypeError: for a value that is not plain data, an array's name or a path.
    """
    return json.dumps(message, default=_plain, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the message of one line."""
    message: dict[str, Any] = json.loads(line)
    return message


def pack(value: Any, put: Callable[[NDArray[Any]], str]) -> Any:
    """Return `value` with every array replaced by the name that `put` gave it."""
    if isinstance(value, np.ndarray):
        return {ARRAY: put(value)}
    if isinstance(value, Mapping):
        return {str(key): pack(item, put) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [pack(item, put) for item in value]
    return value


def unpack(value: Any, take: Callable[[str], NDArray[Any]]) -> Any:
    """Return `value` with every array in its place."""
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            return take(value[ARRAY])
        return {key: unpack(item, take) for key, item in value.items()}
    if isinstance(value, list):
        return [unpack(item, take) for item in value]
    return value


def array_names(value: Any) -> Iterator[str]:
    """Go over the names of the arrays in a packed value."""
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            yield value[ARRAY]
        else:
            for item in value.values():
                yield from array_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from array_names(item)


def error_to_json(error: FuseError) -> dict[str, Any]:
    """Return an error as plain data."""
    name = next(cls.__name__ for cls in type(error).__mro__ if cls.__name__ in _ERRORS)
    return {"type": name, "problems": [problem.to_json() for problem in error.problems]}


def error_from_json(value: Mapping[str, Any]) -> FuseError:
    """Return the error that `error_to_json` described."""
    return _ERRORS[value["type"]](*(Problem(**problem) for problem in value["problems"]))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent between processes")
