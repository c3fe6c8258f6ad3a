"""Columns of a table from the arrays that numpy, pandas and pyarrow pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError
from fuse_engine.data.inert.arrays import UNITS, is_array, read_array, read_bytes
from fuse_engine.data.inert.records import Budget, Call, fields, is_call, unexpected
from fuse_engine.data.inert.values import Values, read_zone

_EXPECTED = "text, numbers, dates, durations, categories, or lists of them"
_MASKED = {
    "IntegerArray": pd.arrays.IntegerArray, "FloatingArray": pd.arrays.FloatingArray,
    "BooleanArray": pd.arrays.BooleanArray,
}  # fmt: skip
_BACKED = ("Categorical", "DatetimeArray", "TimedeltaArray", "StringArray", "PandasArray", "NumpyExtensionArray")
_ARROW = {
    **{name: getattr(pa, name)() for name in (
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "string", "large_string",
    )},
    "float": pa.float32(), "double": pa.float64(), "bool": pa.bool_(), "date32[day]": pa.date32(),
    "halffloat": pa.float16(),
}  # fmt: skip
"""Types of pyarrow under the names that it pickles."""


class Columns:
    """Turns the records of arrays and indexes into columns, within a budget."""

    def __init__(self, budget: Budget) -> None:
        """Take what the columns may cost."""
        self._budget = budget
        self._values = Values(budget)

    def block(self, record: Any) -> list[Any]:
        """Return the columns of a block, each as what `column` takes.

        Raises:
            FuseError: when it is damaged, or holds what is no data.
        """
        if is_array(record):
            array = read_array(record, self._budget)
            if array.ndim not in (1, 2):
                raise unexpected(record, "an array of one or two axes")
            return list(np.atleast_2d(array))
        name = _backed_name(record)
        return self._backed(record, name) if name in _BACKED else [record]

    def column(self, part: Any) -> pd.Series:
        """Return one column: numbers and dates as they are, anything else as text.

        Raises:
            FuseError: when it is damaged, or holds what is no data.
        """
        if isinstance(part, pd.Series):
            return part
        if isinstance(part, np.ndarray):
            return self._texts(part) if part.dtype.kind in "OSU" else pd.Series(_for_pandas(part))
        if is_call(part, "pandas", *_MASKED):
            return self._masked(part)
        if is_call(part, "pandas", "ArrowStringArray", "ArrowExtensionArray"):
            return pd.Series(pd.arrays.ArrowExtensionArray(self._arrow(_state(part, "_pa_array", "_data"))))
        if is_call(part, "pandas", "_new_Index", "_new_DatetimeIndex"):
            levels = self.index(part)
            if len(levels) == 1:
                return levels[0][1]
        raise unexpected(part.args[0] if _backed_name(part) else part, _EXPECTED)

    def index(self, record: Any) -> list[tuple[Any, pd.Series]]:
        """Return the name and the column of each level of an index.

        Raises:
            FuseError: when it is damaged, or holds what is no data.
        """
        if not is_call(record, "pandas", "_new_Index", "_new_DatetimeIndex") or len(record.args) != 2:
            raise unexpected(record, "an index of pandas")
        cls, facts = record.args[0], fields(record.args[1])
        if getattr(cls, "name", "") == "RangeIndex":
            return [(facts.get("name"), self._range(facts))]
        if getattr(cls, "name", "") == "MultiIndex":
            return self._levels(facts)
        parts = self.block(facts.get("data"))
        if len(parts) != 1:
            raise unexpected(facts.get("data"), "one column")
        found = self.column(parts[0])
        if facts.get("tz") is not None and found.dtype.kind == "M" and getattr(found.dt, "tz", None) is None:
            found = _in_zone(found, facts["tz"])
        return [(facts.get("name"), found)]

    def texts(self, column: pd.Series) -> list[str | None]:
        """Return the values of a column as text."""
        return [None if pd.isna(item) else str(item) for item in column.tolist()]

    def name(self, record: Any) -> str:
        """Return the text of a label."""
        return self._values.text(record) or ""

    def _texts(self, array: NDArray[Any]) -> pd.Series:
        if array.dtype.kind == "S":
            array = np.char.decode(array, "latin1")
        items = array.tolist() if array.dtype.kind == "U" else list(array)
        return pd.Series([self._values.text(item) for item in items], dtype=object)

    def _range(self, facts: Any) -> pd.Series:
        start, stop, step = (facts.get(name) for name in ("start", "stop", "step"))
        if not all(type(number) is int and abs(number) < 2**62 for number in (start, stop, step)) or not step:
            raise FuseError("an index of the pickle is damaged", expected="start, stop and step")
        numbers = range(start, stop, step)
        self._budget.spend(len(numbers), 16)
        return pd.Series(numbers, dtype="int64")

    def _levels(self, facts: Any) -> list[tuple[Any, pd.Series]]:
        lists = [facts.get(name) for name in ("levels", "codes", "names")]
        levels, codes, names = (list(part) if isinstance(part, list | tuple) else None for part in lists)
        if levels is None or codes is None or names is None or not len(levels) == len(codes) == len(names):
            raise FuseError("an index of the pickle is damaged", expected="as many codes as levels and names")
        found = []
        for level, code, name in zip(levels, codes, names, strict=True):
            ((_, values),) = self.index(level)
            found.append((name, self._coded(read_array(code, self._budget), values)))
        return found

    def _coded(self, codes: NDArray[Any], values: pd.Series) -> pd.Series:
        if codes.dtype.kind not in "iu" or codes.ndim != 1:
            raise FuseError("codes of the pickle are damaged", expected="whole numbers")
        if codes.size and not -1 <= int(codes.min()) <= int(codes.max()) < len(values):
            raise FuseError("codes of the pickle are damaged", expected=f"numbers from -1 to {len(values) - 1}")
        texts = np.array([*self.texts(values), None], object)
        for text in texts[:-1]:
            self._budget.text(text or "")
        found = texts[codes.astype(np.int64)]
        self._budget.spend(1, sum(len(text or "") for text in found))
        return pd.Series(found, dtype=object)

    def _masked(self, record: Call) -> pd.Series:
        data, mask = (read_array(_state(record, name), self._budget) for name in ("_data", "_mask"))
        name = record.function.name
        fits = data.dtype.kind in {"IntegerArray": "iu", "FloatingArray": "f", "BooleanArray": "b"}[name]
        if not fits or data.ndim != 1 or data.shape != mask.shape or mask.dtype != bool:
            raise FuseError("a column of the pickle is damaged", expected="values and a mask of one length")
        return pd.Series(_MASKED[name](data.copy(), mask.copy()))

    def _backed(self, record: Call, name: str) -> list[Any]:
        """Read what stands on an array of numpy: dates, durations, categories, texts."""
        parts = _parts(record.state)
        array = next((read_array(part, self._budget) for part in parts if is_array(part)), None)
        if array is None or array.ndim not in (1, 2):
            raise unexpected(record, "an array of one or two axes")
        rows = list(np.atleast_2d(array))
        if name in ("DatetimeArray", "TimedeltaArray"):
            return [self._dated(row, name, parts) for row in rows]
        if name == "Categorical":
            dtype = next((part for part in parts if is_call(part, "pandas", "CategoricalDtype")), None)
            ((_, categories),) = self.index(fields(getattr(dtype, "state", None)).get("categories"))
            return [self._coded(row, categories) for row in rows]
        return rows

    def _dated(self, row: NDArray[Any], name: str, parts: list[Any]) -> pd.Series:
        letter = "M" if name == "DatetimeArray" else "m"
        if row.dtype.kind == "i" and row.dtype.itemsize == 8:
            row = row.view(f"{letter}8[ns]")
        if row.dtype.kind != letter:
            raise FuseError("a column of the pickle is damaged", expected="dates or durations")
        found = pd.Series(_for_pandas(row))
        zoned = next((part for part in parts if is_call(part, "pandas", "DatetimeTZDtype")), None)
        return found if zoned is None else _in_zone(found, fields(zoned.state).get("tz"))

    def _arrow(self, record: Any) -> pa.Array | pa.ChunkedArray:
        if is_call(record, "pyarrow", "chunked_array") and record.args and isinstance(record.args[0], list):
            chunks = [self._arrow(part) for part in record.args[0]]
            if len({chunk.type for chunk in chunks}) != 1:
                raise unexpected(record, "parts of one type")
            return pa.chunked_array(chunks)
        facts = record.args[0] if is_call(record, "pyarrow", "_restore_array") and record.args else None
        if not isinstance(facts, tuple) or len(facts) != 7 or not isinstance(facts[4], list):
            raise unexpected(record, _EXPECTED)
        kind, length, _, offset, buffers, *_ = facts
        if not all(type(number) is int and 0 <= number < 2**48 for number in (length, offset)):
            raise unexpected(record, "an array of some length")
        self._budget.spend(1 + length, 16)
        contents = [None if part is None else pa.py_buffer(read_bytes(_buffer(part))) for part in buffers]
        try:
            found = pa.Array.from_buffers(_arrow_type(kind), length, contents, -1, offset)
            found.validate(full=True)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise FuseError("a column of the pickle is damaged", got=str(error)[:200]) from None
        return found


def _backed_name(record: Any) -> str:
    if is_call(record, "pandas", "__pyx_unpickle_NDArrayBacked") and record.args:
        return getattr(record.args[0], "name", "")
    return record.function.name if is_call(record, "pandas", *_BACKED) else ""


def _state(record: Call, *names: str) -> Any:
    state = fields(record.state)
    return next((state[name] for name in names if name in state), None)


def _parts(state: Any) -> list[Any]:
    """Return what the state of an array holds, in whichever of its layouts."""
    found: list[Any] = []
    for part in state if isinstance(state, tuple) else [state]:
        found += fields(part).values() if not is_array(part) and not isinstance(part, Call) and part else [part]
    return found


def _buffer(record: Any) -> Any:
    return record.args[0] if is_call(record, "pyarrow", "py_buffer") and record.args else record


def _arrow_type(record: Any) -> Any:
    if is_call(record, "pyarrow", "type_for_alias") and record.args and isinstance(record.args[0], str):
        name = record.args[0]
        if name in _ARROW:
            return _ARROW[name]
    if is_call(record, "pyarrow", "timestamp", "duration") and record.args and record.args[0] in UNITS[:4]:
        zone = record.args[1] if len(record.args) > 1 else None
        if record.function.name == "duration":
            return pa.duration(record.args[0])
        return pa.timestamp(record.args[0], None if zone is None else "UTC")
    raise unexpected(record, _EXPECTED)


def _in_zone(dates: pd.Series, zone: Any) -> pd.Series:
    found: pd.Series = dates.dt.tz_localize("UTC").dt.tz_convert(read_zone(zone) or "UTC")
    return found


def _for_pandas(array: NDArray[Any]) -> NDArray[Any]:
    """Return dates and durations in a unit that pandas knows."""
    if array.dtype.kind in "mM" and np.datetime_data(array.dtype)[0] not in ("s", "ms", "us", "ns"):
        return array.astype(f"{array.dtype.kind}8[s]")
    return array
