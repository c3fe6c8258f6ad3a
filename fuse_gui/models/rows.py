"""Which rows of a table are seen and in what order: filter, sort, look up; fast for a million rows."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.errors import FuseError, nearest

_CLAUSE = re.compile(r"^\s*(?P<column>.+?)\s*(?P<sign>==|!=|>=|<=|>|<|=)\s*(?P<value>.*?)\s*$")
FILTER_HELP = (
    "Rows that contain a text, or meet conditions: part==test & age>60 & left. Signs: == != > >= < <=, joined by &"
)


class Rows:
    """A table of text or numbers with a filter and an order; positions count the rows that are seen."""

    changed = Signal()

    def __init__(self, frame: pd.DataFrame | None = None, id: str = "") -> None:  # noqa: A002 the column's name
        """Take the table and the name of its id column."""
        self._frame = pd.DataFrame() if frame is None else frame
        self._id = id
        self._filter, self._error = "", ""
        self._sort: tuple[str, bool] | None = None
        self._numbers: dict[str, pd.Series[float]] = {}
        self._order: NDArray[np.intp] = np.arange(len(self._frame))

    def set_table(self, frame: pd.DataFrame, id: str) -> None:  # noqa: A002 the column's name
        """Show another table; the filter stays, the order stays where its column is still there."""
        self._frame, self._id, self._numbers = frame, id, {}
        if self._sort and self._sort[0] not in frame.columns:
            self._sort = None
        self._arrange()

    @property
    def frame(self) -> pd.DataFrame:
        """The whole table."""
        return self._frame

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [str(column) for column in self._frame.columns]

    @property
    def total(self) -> int:
        """Number of rows of the whole table."""
        return len(self._frame)

    def __len__(self) -> int:
        """Return the number of rows that are seen."""
        return len(self._order)

    @property
    def filter(self) -> str:
        """The filter as it was typed."""
        return self._filter

    @property
    def error(self) -> str:
        """Why the filter cannot be used; the rows stay as they were."""
        return self._error

    def set_filter(self, text: str) -> None:
        """Show the rows that meet the filter; see `FILTER_HELP`."""
        if text.strip() != self._filter:
            self._filter = text.strip()
            self._arrange()

    def sort(self, column: str, ascending: bool = True) -> None:
        """Order the rows by a column, by value where all its texts are numbers; rows without a value come last."""
        if column in self._frame.columns and self._sort != (column, ascending):
            self._sort = (column, ascending)
            self._arrange()

    def cell(self, position: int, column: int) -> str:
        """Return one cell as text."""
        return as_text(self._frame.iloc[:, column].array[self._order[position]])

    def widths(self, limit: int = 28) -> list[int]:
        """Return how many characters each column needs, judged by its first rows, at most `limit`."""
        head = self._frame.head(50)
        texts = [[str(name), *map(as_text, head[name])] for name in self._frame.columns]
        return [min(max(map(len, column)), limit) for column in texts]

    def value(self, position: int, column: str) -> Any:
        """Return one cell as it is."""
        return self._frame[column].array[self._order[position]]

    def id_at(self, position: int) -> str:
        """Return the id of a row that is seen."""
        return str(self.value(position, self._id))

    def position(self, sample_id: str) -> int | None:
        """Return where a sample is seen first, or None where it is not."""
        if self._id not in self._frame.columns:
            return None
        hits = np.flatnonzero((self._frame[self._id] == sample_id).to_numpy(bool)[self._order])
        return int(hits[0]) if len(hits) else None

    def neighbour(self, sample_id: str, step: int) -> str:
        """Return the id `step` rows away, the first where none is chosen, and the same at either end."""
        if not len(self):
            return sample_id
        at = self.position(sample_id)
        return self.id_at(0 if at is None else min(max(at + step, 0), len(self) - 1))

    def _arrange(self) -> None:
        try:
            seen, self._error = self._mask(), ""
        except FuseError as error:
            self._error = str(error)
            seen = np.zeros(len(self._frame), bool)
            seen[self._order[self._order < len(seen)]] = True
        order = np.arange(len(self._frame))
        if self._sort:
            values, order = self._sortable(self._sort[0]), order
            order = values.sort_values(ascending=self._sort[1], kind="stable").index.to_numpy()
        self._order = order[seen[order]]
        self.changed.emit()

    def _sortable(self, column: str) -> pd.Series[Any]:
        series = self._frame[column].reset_index(drop=True)
        numbers = self._as_numbers(column)
        empty = (series == "").to_numpy(bool) | series.isna().to_numpy(bool)
        return numbers if bool((numbers.notna() | empty).all()) else series

    def _as_numbers(self, column: str) -> pd.Series[float]:
        if column not in self._numbers:
            series = self._frame[column].reset_index(drop=True)
            self._numbers[column] = pd.to_numeric(series, errors="coerce")
        return self._numbers[column]

    def _mask(self) -> NDArray[np.bool_]:
        seen = np.ones(len(self._frame), bool)
        for clause in filter(None, (part.strip() for part in self._filter.split("&"))):
            condition = _CLAUSE.match(clause)
            seen &= self._meets(**condition.groupdict()) if condition else self._contains(clause)
        return seen

    def _contains(self, text: str) -> NDArray[np.bool_]:
        found = np.zeros(len(self._frame), bool)
        for column in self._frame.columns:
            texts = self._frame[column].astype("str")
            found |= texts.str.contains(text, case=False, regex=False).fillna(False).to_numpy(bool)
        return found

    def _meets(self, column: str, sign: str, value: str) -> NDArray[np.bool_]:
        if column not in self._frame.columns:
            raise FuseError(
                f"no column '{column}'", nearest=nearest(column, self.columns),
                expected=f"one of {', '.join(self.columns)}",
            )  # fmt: skip
        if sign in ("==", "=", "!="):
            equal = (self._frame[column].astype("str") == value).to_numpy(bool) | self._equal_number(column, value)
            return ~equal if sign == "!=" else equal
        try:
            limit = float(value)
        except ValueError:
            raise FuseError(f"'{column} {sign}' needs a number", got=repr(value)) from None
        numbers = self._as_numbers(column)
        if len(numbers) and not numbers.notna().any():
            raise FuseError(f"column '{column}' holds no numbers to compare", expected=f"{column}==text")
        compare = {">": numbers.gt, ">=": numbers.ge, "<": numbers.lt, "<=": numbers.le}[sign]
        return compare(limit).to_numpy(bool)

    def _equal_number(self, column: str, value: str) -> NDArray[np.bool_]:
        if self._frame[column].dtype.kind not in "if":
            return np.zeros(len(self._frame), bool)
        try:
            return self._as_numbers(column).eq(float(value)).to_numpy(bool)
        except ValueError:
            return np.zeros(len(self._frame), bool)


def as_text(value: Any) -> str:
    """Return a cell as a person reads it: four significant digits, nothing for what is missing."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else str(value)
