"""Arrays of numpy from the bytes of a pickle, every size checked against them."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError
from fuse_engine.data.inert.records import Budget, is_call, unexpected

UNITS = ("s", "ms", "us", "ns", "D", "h", "m")
"""Units of dates and durations that pandas and numpy write."""

_CODE = re.compile(r"[?biufcmMSUO]\d{0,6}")
_AXES = 32


def is_array(record: Any) -> bool:
    """Say whether a record describes an array of numpy."""
    return is_call(record, "numpy", "_reconstruct", "_frombuffer")


def read_array(record: Any, budget: Budget) -> NDArray[Any]:
    """Return the array that a record describes; one of dtype object holds records.

    Raises:
        FuseError: when it is none, or its size, type and bytes do not agree.
    """
    if is_call(record, "numpy", "_frombuffer") and len(record.args) == 4:
        content, dtype, shape, order = record.args
        fortran = order == "F" if isinstance(order, str) else False
    elif is_call(record, "numpy", "_reconstruct") and isinstance(record.state, tuple) and len(record.state) == 5:
        _, shape, dtype, fortran, content = record.state
    else:
        raise unexpected(record, "an array")
    kind, size = read_dtype(dtype), _shape(shape)
    # an axis may be long although there are no values on it
    budget.spend(1 + max((math.prod(size), *size)), 16)
    flat = _objects(content) if kind.hasobject else _numbers(read_bytes(content), kind)
    if len(flat) != math.prod(size):
        raise FuseError("an array is damaged", expected=f"{math.prod(size)} values", got=str(len(flat)))
    return flat.reshape(size, order="F" if fortran is True else "C")


def read_scalar(record: Any) -> np.generic:
    """Return the scalar of numpy that a record describes.

    Raises:
        FuseError: when it is none, or its type and bytes do not agree.
    """
    if not is_call(record, "numpy", "scalar") or len(record.args) != 2:
        raise unexpected(record, "a number")
    kind = read_dtype(record.args[0])
    if kind.hasobject:
        raise unexpected(record, "a number")
    flat = _numbers(read_bytes(record.args[1]), kind)
    if len(flat) != 1:
        raise FuseError("a number is damaged", expected=f"{kind.itemsize} bytes")
    value: np.generic = flat[0]
    return value


def read_bytes(record: Any) -> bytes:
    """Return bytes, whichever way a protocol writes them.

    Raises:
        FuseError: when the record is none.
    """
    if is_call(record, "builtins", "bytes", "bytearray"):
        if not record.args:
            return b""
        record = record.args[0]
    if is_call(record, "_codecs", "encode") and len(record.args) == 2 and record.args[1] in ("latin1", "latin-1"):
        record = record.args[0]
    if isinstance(record, bytes):
        return record
    try:
        if isinstance(record, str):
            return record.encode("latin1")
    except UnicodeEncodeError:
        pass
    raise unexpected(record, "bytes")


def read_dtype(record: Any) -> np.dtype[Any]:
    """Return the type of an array's values: bool, numbers, dates, durations, text of fixed length, or object.

    Raises:
        FuseError: for any other, above all for records with fields, whose offsets can lie.
    """
    if not is_call(record, "numpy", "dtype") or not record.args or not isinstance(record.args[0], str):
        raise unexpected(record, "a type of values")
    code, state = record.args[0], record.state if isinstance(record.state, tuple) else ()
    # state: version, byte order, subarray, names, fields, size, alignment, flags[, (metadata, unit)]
    if not _CODE.fullmatch(code) or any(part is not None for part in state[2:5]):
        raise unexpected(record, "a plain type of values")
    if code[0] == "O":
        return np.dtype(object)
    order = ">" if len(state) > 1 and state[1] == ">" else "<"
    unit = f"[{_unit(state)}]" if code[0] in "mM" else ""
    try:
        found: np.dtype[Any] = np.dtype(f"{order}{code}{unit}")
    except TypeError:
        raise unexpected(record, "a plain type of values") from None
    if not found.itemsize:
        raise unexpected(record, "values of some length")
    return found


def _unit(state: tuple[Any, ...]) -> str:
    facts = state[8][1] if len(state) > 8 and isinstance(state[8], tuple) and len(state[8]) == 2 else ()
    if not isinstance(facts, tuple) or len(facts) < 2 or type(facts[1]) is not int or facts[1] != 1:
        raise unexpected(facts, "a unit of time")
    name = read_bytes(facts[0]).decode("latin1")
    if name not in UNITS:
        raise unexpected(facts, "a unit of time")
    return name


def _shape(record: Any) -> tuple[int, ...]:
    sizes = tuple(record) if isinstance(record, tuple | list) else None
    if sizes is None or len(sizes) > _AXES or not all(type(size) is int and 0 <= size < 2**48 for size in sizes):
        raise unexpected(record, "the size of an array")
    return sizes


def _numbers(content: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    if len(content) % dtype.itemsize:
        raise FuseError("an array is damaged", expected=f"values of {dtype.itemsize} bytes", got=str(len(content)))
    if dtype.kind == "b":  # a byte that is neither 0 nor 1 is no bool
        return np.asarray(np.frombuffer(content, np.uint8) != 0)
    found: NDArray[Any] = np.frombuffer(content, dtype).astype(dtype.newbyteorder("="), copy=False)
    if dtype.kind == "U" and found.size and int(found.view(np.uint32).max()) > sys.maxunicode:
        raise FuseError("an array is damaged", expected="letters")
    return found


def _objects(content: Any) -> NDArray[Any]:
    if not isinstance(content, list):  # bytes would be taken for pointers
        raise unexpected(content, "a list of objects")
    found = np.empty(len(content), object)
    for place, record in enumerate(content):  # at once, numpy would look into what is a list
        found[place] = record
    return found
