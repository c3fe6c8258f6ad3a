"""Which rows of a table are seen and in what order: filter, sort, look up; fast for a million rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.columns import Column
from fuse_gui.models.filter import Condition, Mask, Meaning, parse

LONGEST = 300
"""Letters of a cell that are shown: contours in a cell would slow down every move of the table."""
HEAD = 50
"""Rows that the widths of the columns are judged by."""


class Rows:
    """A table with a filter and an order; positions count the rows that are seen, rows those of the table."""

    changed = Signal()
    """Other rows are seen, or in another order."""
    repainted = Signal()
    """The same rows are seen, some of their cells are others."""

    def __init__(self, columns: Mapping[str, Column] | None = None, id: str = "") -> None:  # noqa: A002 its name
        """Take the columns by name, and the name of the one that holds the ids."""
        self._columns: Mapping[str, Column] = {}
        self._list: list[Column] = []
        self._flags: Mapping[str, Mask] = {}
        self._id, self._total = id, 0
        self._filter, self._error = "", ""
        self._condition: Condition | None = None
        self._sort: tuple[str, bool] | None = None
        self._sorted: NDArray[np.int64] | None = None
        self._order: NDArray[np.int64] = np.arange(0)
        self._found: tuple[str | None, int | None] = (None, None)
        self._known: tuple[str | None, int | None] = (None, None)
        self._take(columns or {}, id)

    def set_table(self, columns: Mapping[str, Column], id: str) -> None:  # noqa: A002 the column's name
        """Show another table; the filter stays, the order stays where its column is still there."""
        self._take(columns, id)
        if self._sort and self._sort[0] not in columns:
            self._sort = None
        self._arrange()

    def update(self, columns: Mapping[str, Column], flags: Mapping[str, Mask]) -> None:
        """Take other columns and flags (row,), e.g. `is:excluded`, of the same rows; what is seen stays."""
        changed = {name for name, column in columns.items() if column is not self._columns.get(name)}
        changed |= {name for name, mask in flags.items() if not np.array_equal(mask, self._flags.get(name, ()))}
        alike = list(columns) == list(self._columns)
        self._columns, self._flags, self._list = dict(columns), dict(flags), list(columns.values())
        used = self._condition.names if self._condition else frozenset()
        if self._sort and self._sort[0] in changed | ({self._sort[0]} - set(columns)):
            self._sort, self._sorted = (self._sort if self._sort[0] in columns else None), None
            alike = False
        if not alike or self._error or changed & used or ("*" in used and changed & set(columns)):
            self._arrange()
        elif changed:
            self.repainted.emit()

    # -- the table ------------------------------------------------------------------------------------------------

    @property
    def by_name(self) -> Mapping[str, Column]:
        """The columns of the whole table."""
        return self._columns

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    @property
    def total(self) -> int:
        """Number of rows of the whole table."""
        return self._total

    def flag(self, name: str, position: int) -> bool:
        """Say whether a row that is seen has a flag."""
        return name in self._flags and bool(self._flags[name][self._order[position]])

    # -- what is seen ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of rows that are seen."""
        return len(self._order)

    @property
    def seen(self) -> NDArray[np.int64]:
        """The rows that are seen, in their order; not to be changed."""
        return self._order

    @property
    def filter(self) -> str:
        """The filter as it was typed."""
        return self._filter

    @property
    def error(self) -> str:
        """Why the filter cannot be used; the rows stay as they were."""
        return self._error

    @property
    def order(self) -> tuple[str, bool] | None:
        """The column that orders the rows and whether it ascends; None for the order of the table."""
        return self._sort

    def set_filter(self, text: str) -> None:
        """Show the rows that meet the filter; see `FILTER_HELP`."""
        if text.strip() != self._filter:
            self._filter = text.strip()
            self._arrange()

    def sort(self, column: str, ascending: bool = True) -> None:
        """Order the rows by a column, by value where all its texts are numbers; rows without a value come last."""
        if column in self._columns and self._sort != (column, ascending):
            self._sort, self._sorted = (column, ascending), None
            self._arrange()

    def cell(self, position: int, column: int) -> str:
        """Return one cell as text; a longer one is cut off."""
        return cut(self._list[column].text(int(self._order[position])), LONGEST)

    def text(self, position: int, column: str) -> str:
        """Return one cell of a column by its name."""
        return self._columns[column].text(int(self._order[position]))

    def id_at(self, position: int) -> str:
        """Return the id of a row that is seen."""
        return self.text(position, self._id)

    def ids(self, start: int, stop: int) -> list[str]:
        """Return the ids of the rows from `start` to before `stop`, where they are seen."""
        return [self.id_at(position) for position in range(max(start, 0), min(stop, len(self)))]

    def position(self, sample_id: str) -> int | None:
        """Return where a sample is seen, or None where it is not."""
        if sample_id != self._found[0]:
            row = self.row(sample_id)
            hits = np.flatnonzero(self._order == (-1 if row is None else row))
            self._found = sample_id, int(hits[0]) if len(hits) else None
        return self._found[1]

    def row(self, sample_id: str) -> int | None:
        """Return the row of the table that a sample stands in, seen or not, or None where there is none."""
        if sample_id != self._known[0]:
            rows = self._columns[self._id].rows_of(sample_id) if self._id in self._columns else np.arange(0)
            self._known = sample_id, int(rows[0]) if len(rows) else None
        return self._known[1]

    def neighbour(self, sample_id: str, step: int) -> str:
        """Return the id `step` rows away, the first where none is chosen, and the same at either end."""
        if not len(self):
            return sample_id
        at = self.position(sample_id)
        return self.id_at(0 if at is None else min(max(at + step, 0), len(self) - 1))

    def widths(self, limit: int = 28) -> list[int]:
        """Return how many characters each column needs, judged by its first rows, at most `limit`."""
        head = range(min(HEAD, self._total))
        texts = [[name, *(column.text(row) for row in head)] for name, column in self._columns.items()]
        return [min(max(map(len, column)), limit) for column in texts]

    # -- inside ---------------------------------------------------------------------------------------------------

    def _take(self, columns: Mapping[str, Column], id: str) -> None:  # noqa: A002 the column's name
        self._columns, self._id, self._list = dict(columns), id, list(columns.values())
        self._total = len(next(iter(columns.values()), ()))
        self._order, self._sorted = np.arange(self._total), None
        self._found = None, None
        self._known = None, None
        self._flags = {}

    def _arrange(self) -> None:
        try:
            self._condition = parse(self._filter)
            meaning = Meaning(self._columns, self._flags, self._total, self._filter)
            seen = meaning.mask(self._condition if self._total else None)
            self._error = ""
        except FuseError as error:
            self._error = str(error)
            seen = np.zeros(self._total, bool)
            seen[self._order] = True
        if self._sorted is None:
            self._sorted = self._columns[self._sort[0]].order(self._sort[1]) if self._sort else None
        self._order = np.flatnonzero(seen) if self._sorted is None else self._sorted[seen[self._sorted]]
        self._found = None, None
        self.changed.emit()


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` letters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
