"""A column of a table as the panels hold it: every text once, and its number in each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fuse_gui.models.natural import natural_order, stable_order

NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"


@dataclass(frozen=True, eq=False)
class Column:
    """Texts without their repetitions, so that a filter, an order or a count looks at each of them once."""

    codes: NDArray[np.int32]
    """Number of the text of each row (row,)."""
    texts: pa.Array
    """The texts (text,), each once."""
    exact: NDArray[np.float64] | None = None
    """The numbers (text,) that the texts stand for, where they were rounded to be read."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Column:
        """Return the column of these texts."""
        return cls.from_arrow(pa.array(list(texts), pa.string()).dictionary_encode())

    @classmethod
    def from_arrow(cls, column: Any) -> Column:
        """Return a column of Arrow: dictionary<int32, string>, in one piece."""
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(array, pa.ChunkedArray):  # a column of no rows has no piece
            array = pa.array([], pa.dictionary(pa.int32(), pa.string()))
        return cls(array.indices.to_numpy(zero_copy_only=False), array.dictionary)

    @classmethod
    def coded(cls, codes: NDArray[Any], texts: Sequence[str]) -> Column:
        """Return the column of the texts (text,) with these numbers (row,)."""
        return cls(np.asarray(codes, np.int32), pa.array(texts, pa.string()))

    @classmethod
    def from_series(cls, series: pd.Series[Any]) -> Column:
        """Return a column of pandas; numbers are shown with four digits and keep their value."""
        if series.dtype.kind not in "if":
            return cls.of(map(as_text, series))
        codes, values = pd.factorize(series, use_na_sentinel=False)
        numbers = np.asarray(values, float)
        texts = pa.array([as_text(value) for value in numbers.tolist()] if series.dtype.kind == "f" else
                         [str(value) for value in values.tolist()], pa.string())  # fmt: skip
        return cls(codes.astype(np.int32), texts, numbers)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    def text(self, row: int) -> str:
        """Return the text of a row."""
        return cast(str, self.texts[int(self.codes[row])].as_py())

    def code_of(self, text: str) -> int:
        """Return the number of a text, -1 where no row has it."""
        return int(pc.index(self.texts, text).as_py())

    def rows_of(self, text: str) -> NDArray[np.int64]:
        """Return the rows that have a text."""
        code = self.code_of(text)
        return np.flatnonzero(self.codes == code) if code >= 0 else np.zeros(0, np.int64)

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """Which texts are empty (text,)."""
        return np.asarray(pc.equal(self.texts, "").to_numpy(zero_copy_only=False), bool)

    @cached_property
    def lower(self) -> pa.Array:
        """The texts in small letters (text,)."""
        return pc.utf8_lower(self.texts)

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The texts as numbers (text,), NaN where they are none."""
        if self.exact is not None:
            return self.exact
        found = np.full(len(self.texts), np.nan)
        like = np.asarray(pc.match_substring_regex(self.texts, NUMBER).to_numpy(zero_copy_only=False), bool)
        if like.any():
            chosen = pc.utf8_trim_whitespace(self.texts.filter(pa.array(like)))
            signless = pc.replace_substring_regex(chosen, r"^\+", "")
            found[like] = pc.cast(signless, pa.float64()).to_numpy()
        return found

    @cached_property
    def is_number(self) -> bool:
        """Whether every text that is not empty is a number, and there is one."""
        filled = ~self.empty if self.exact is None else ~np.isnan(self.exact)
        return bool(filled.any() and not np.isnan(self.numbers[filled]).any())

    @cached_property
    def listed(self) -> NDArray[np.int64]:
        """The texts in order (text,): by number where all are numbers, else as a person lists them."""
        return np.argsort(self.numbers, kind="stable") if self.is_number else natural_order(self.texts)

    @cached_property
    def ranks(self) -> NDArray[np.int32]:
        """Place of each text in the order (text,)."""
        ranks = np.empty(len(self.texts), np.int32)
        ranks[self.listed] = np.arange(len(self.texts), dtype=np.int32)
        return ranks

    def order(self, ascending: bool = True) -> NDArray[np.int64]:
        """Return the rows in order; rows without a text come last, equal ones keep their order."""
        size = np.int32(len(self.texts))
        ranks = self.ranks if ascending else size - 1 - self.ranks
        missing = self.empty if self.exact is None else np.isnan(self.exact)
        return stable_order(np.where(missing, size, ranks)[self.codes])

    def counts(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return how many of `rows`, or of all, have each text (text,)."""
        codes = self.codes if rows is None else self.codes[rows]
        return np.bincount(codes, minlength=len(self.texts))


def prepare(columns: Iterable[Column]) -> None:
    """Do now, on any thread, what the first order by these columns and the first search would have to wait for."""
    for column in columns:
        _ = column.ranks, column.lower


def of_frame(frame: pd.DataFrame) -> Mapping[str, Column]:
    """Return the columns of a DataFrame."""
    return {str(name): Column.from_series(frame[name]) for name in frame.columns}


def as_text(value: Any) -> str:
    """Return a cell as a person reads it: four significant digits, nothing for what is missing."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else str(value)
