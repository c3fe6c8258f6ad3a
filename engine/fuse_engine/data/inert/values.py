"""Cells of a table from the records of a pickle: text, numbers, dates, and lists of them."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import uuid
import zoneinfo
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from fuse_engine.core.errors import FuseError
from fuse_engine.data.inert.arrays import is_array, read_array, read_bytes, read_scalar
from fuse_engine.data.inert.records import Budget, Call, Dict, Global, Set, fields, is_call, is_global, unexpected

_DIGITS = 256
_RESOLUTIONS = {7: "s", 8: "ms", 9: "us", 10: "ns"}
"""Units of pandas' time stamps by their number."""
_PLAIN = (str, int, float, bytes, type(None))
_DATA = "text, numbers, dates, or lists of them"


class Values:
    """Turns records into plain values, within a budget."""

    def __init__(self, budget: Budget) -> None:
        """Take what the values may cost."""
        self._budget = budget

    def text(self, record: Any) -> str | None:
        """Return a cell as text, lists and dicts as JSON; None where it is empty.

        Raises:
            FuseError: when it is no data.
        """
        if type(record) is str:
            return self._budget.text(record)
        value = self.value(record)
        if isinstance(value, list | dict):
            return json.dumps(value, default=str, ensure_ascii=False)
        return None if value is None else str(value)

    def value(self, record: Any, depth: int = 0) -> Any:
        """Return a plain value: None, bool, int, float, str, a date, a duration, or lists and dicts of them.

        Raises:
            FuseError: when it is no data, or lies too deep.
        """
        if depth > self._budget.depth:
            raise FuseError("a cell of the pickle is nested too deep")
        if isinstance(record, _PLAIN):
            return self._plain(record)
        self._budget.spend()
        if isinstance(record, list | tuple):
            return self._many(record, depth)
        if is_array(record):
            return self._array(record, depth)
        if isinstance(record, Call):
            return self._called(record, depth)
        if isinstance(record, Dict):
            return self._entries(record.pairs, depth)
        if isinstance(record, Set):
            return self._many(record.items, depth)
        if is_global(record, "pandas", "NA", "NaT"):
            return None
        raise unexpected(record, _DATA)

    def _plain(self, record: Any) -> Any:
        if isinstance(record, str):
            return self._budget.text(record)
        self._budget.spend()
        if isinstance(record, float):
            return None if math.isnan(record) else record
        if record is None or (isinstance(record, int) and record.bit_length() <= _DIGITS):
            return record
        if isinstance(record, bytes):
            return self._budget.text(_decoded(record))
        raise unexpected(record, _DATA)

    def _many(self, records: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        return [self.value(record, depth + 1) for record in records]

    def _entries(self, pairs: list[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        return {self._key(key, depth): self.value(record, depth + 1) for key, record in pairs}

    def _key(self, record: Any, depth: int) -> str:
        value = self.value(record, depth + 1)
        return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)

    def _array(self, record: Any, depth: int) -> Any:
        array = read_array(record, self._budget)
        if array.ndim > self._budget.depth - depth:
            raise FuseError("a cell of the pickle is nested too deep")
        if array.dtype.hasobject:
            return self._nested(array, depth)
        if array.dtype.kind in "mM":
            return array.astype(str).tolist()
        if array.dtype.kind == "S":
            array = np.char.decode(array, "latin1")
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), None, array.astype(object))  # type: ignore[call-overload]
        return array.tolist()

    def _nested(self, array: Any, depth: int) -> Any:
        if not array.ndim:
            return self.value(array.item(), depth + 1)
        deeper = depth + 1
        return [self._nested(part, deeper) if array.ndim > 1 else self.value(part, deeper) for part in array]

    def _called(self, record: Call, depth: int) -> Any:
        if is_call(record, "collections", "OrderedDict", "defaultdict"):
            return self._entries(record.pairs, depth)
        if is_call(record, "builtins", "set", "frozenset", "list", "tuple"):
            return self._many(record.args[0] if record.args and isinstance(record.args[0], list) else (), depth)
        if is_call(record, "numpy", "scalar"):
            return _number(read_scalar(record))
        if is_call(record, "pandas", "__nat_unpickle", "_nat_unpickle"):
            return None
        if is_call(record, "_codecs", "encode") or is_call(record, "builtins", "bytes", "bytearray"):
            return self._plain(read_bytes(record))
        make = _MAKERS.get(record.function) if isinstance(record.function, Global) else None
        if make is None:
            raise unexpected(record, _DATA)
        try:
            return make(record)
        except (ValueError, ArithmeticError, TypeError, LookupError) as error:
            name = record.function.name
            raise FuseError("a value of the pickle is damaged", expected=name, got=str(error)) from None


def read_zone(record: Any) -> datetime.tzinfo | None:
    """Return a time zone; None for one that is not known here.

    Raises:
        FuseError: when the record is none.
    """
    if is_call(record, "pytz", "_UTC", "UTC") or is_call(record, "dateutil", "tzutc"):
        return datetime.UTC
    if is_call(record, "datetime", "timezone") and record.args:
        return datetime.timezone(_duration(record.args[0]))
    name = record.args[0] if isinstance(record, Call) and record.args else None
    if not (is_call(record, "pytz", "_p") or _is_zoneinfo(record)) or not isinstance(name, str):
        raise unexpected(record, "a time zone")
    # a name of the file's own making would be looked for among files and modules
    return zoneinfo.ZoneInfo(name) if name in _zones() else None


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _is_zoneinfo(record: Call) -> bool:
    # pickled as `getattr(ZoneInfo, "_unpickle")(name, from_cache)`
    made = record.function
    named = is_call(made, "builtins", "getattr") and made.args and is_global(made.args[0], "zoneinfo", "ZoneInfo")
    return bool(named) or is_call(record, "zoneinfo", "ZoneInfo", "_unpickle", "ZoneInfo._unpickle")


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise FuseError("the pickle holds bytes that are no text", expected=_DATA) from None


def _number(value: np.generic) -> Any:
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        return None if np.isnat(value) else pd.Timedelta(value)
    if isinstance(value, np.floating):
        # through its own text, so that 0.1 in 32 bits stays 0.1
        return None if np.isnan(value) else float(str(value))
    return _decoded(value) if isinstance(value, np.bytes_) else value.item()


def _date(record: Call) -> datetime.date:
    high, low, month, day = read_bytes(record.args[0])
    return datetime.date(high * 256 + low, month, day)


def _moment(record: Call) -> datetime.datetime:
    high, low, month, day, hour, minute, second, *micro = read_bytes(record.args[0])
    zone = read_zone(record.args[1]) if len(record.args) > 1 and record.args[1] is not None else None
    return datetime.datetime(
        high * 256 + low, month & 0x7F, day, hour, minute, second, int.from_bytes(bytes(micro)), zone
    )


def _clock(record: Call) -> datetime.time:
    hour, minute, second, *micro = read_bytes(record.args[0])
    return datetime.time(hour & 0x7F, minute, second, int.from_bytes(bytes(micro)))


def _duration(record: Any) -> datetime.timedelta:
    if not is_call(record, "datetime", "timedelta"):
        raise unexpected(record, "a duration")
    days, seconds, micro = (_whole(part) for part in record.args)
    return datetime.timedelta(days, seconds, micro)


def _stamp(record: Call) -> Any:
    value, _, zone, *unit = record.args
    moment: np.datetime64 = np.int64(_whole(value)).view(f"M8[{_resolution(unit)}]")
    if np.isnat(moment):
        return None
    known = read_zone(zone) if zone is not None else None
    plain = pd.Timestamp(moment)
    return plain if zone is None else plain.tz_localize("UTC").tz_convert(known or "UTC")


def _span(record: Call) -> Any:
    value, *unit = record.args
    return pd.Timedelta(np.int64(_whole(value)).view(f"m8[{_resolution(unit)}]"))


def _resolution(unit: list[Any]) -> str:
    return _RESOLUTIONS[_whole(unit[0])] if unit else "ns"


def _whole(record: Any) -> int:
    if type(record) is not int or not -(2**63) <= record < 2**63:
        raise unexpected(record, "a whole number")
    return record


def _decimal(record: Call) -> decimal.Decimal:
    if not isinstance(record.args[0], str) or len(record.args[0]) > _DIGITS:
        raise unexpected(record.args[0], "a decimal number")
    return decimal.Decimal(record.args[0])


def _file(record: Call) -> str:
    if not all(isinstance(part, str) for part in record.args):
        raise unexpected(record, "a path")
    return "/".join(record.args).replace("//", "/")


def _identity(record: Call) -> uuid.UUID:
    return uuid.UUID(int=fields(record.state)["int"])


_MAKERS: dict[Global, Callable[[Call], Any]] = {
    Global("datetime", "date"): _date, Global("datetime", "datetime"): _moment, Global("datetime", "time"): _clock,
    Global("datetime", "timedelta"): _duration, Global("decimal", "Decimal"): _decimal,
    Global("uuid", "UUID"): _identity,
    Global("pandas._libs.tslibs.timestamps", "_unpickle_timestamp"): _stamp,
    Global("pandas._libs.tslibs.timedeltas", "_timedelta_unpickle"): _span,
    **{Global(module, name): _file for module in ("pathlib", "pathlib._local")
       for name in ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath", "Path")},
}  # fmt: skip
