"""The table of samples as the panels see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fuse_engine.core.errors import Problem
from fuse_engine.core.sections import Data
from fuse_gui.models.columns import Column

PART = "part"
"""The column that says what a sample is used for."""
PARTS = ("train", "validation", "test", "unused", "excluded")
"""What a sample can be used for, by the engine's number."""
FEW = 16
"""Ids that are looked up faster one by one than by an index of all."""
REASON = "excluded"
"""The column that says why a sample is left out; there while one is."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """The samples of the open experiment, one row each, every cell text."""

    columns: Mapping[str, Column]
    """The id column first, then `part`, then the columns of the table."""
    id: str = "id"
    """Name of the id column."""
    group: str = ""
    """Name of the column whose equal values stay together; empty where there is none."""
    fold: str = ""
    """Name of the column that says the fold; empty where there is none."""
    excluded: Mapping[str, str] = field(default_factory=dict)
    """Reason by the id of each sample that is left out."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the table: duplicate ids, leaks."""
    left_out: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """Which samples are left out (row,)."""

    @classmethod
    def from_reply(cls, reply: Mapping[str, Any]) -> Cohort:
        """Return what the engine's `cohort` described; what each sample is used for follows with `with_parts`."""
        table = pa.ipc.open_file(pa.py_buffer(np.ascontiguousarray(reply["table"]))).read_all()
        name = str(reply["id"])
        # a column of the table that is called as one of ours keeps its cells under another name
        found = {_title(title, name): Column.from_arrow(table[title]) for title in table.column_names}
        problems = tuple(Problem(**problem) for problem in reply["problems"])
        ids = found[_title(name, name)]
        unknown = Column.coded(np.zeros(len(ids)), [""])
        columns = {name: ids, PART: unknown, **found}
        group, fold = (str(reply.get(role) or "") for role in ("group", "fold"))
        made = cls(columns, name, group and _title(group, name), fold and _title(fold, name), {}, problems)
        return made.with_excluded(reply["excluded"])

    def with_parts(self, parts: NDArray[np.int8]) -> Cohort:
        """Return the cohort with what each sample is used for (row,), an index of `PARTS`.

        Raises:
            ValueError: when there is not one for each sample.
        """
        if parts.shape != (len(self),):
            raise ValueError(f"{len(self)} samples, but parts for {len(parts)}")
        column = Column.coded(parts, PARTS)
        return replace(self, columns={**self.columns, PART: column})

    def with_excluded(self, excluded: Mapping[str, str]) -> Cohort:
        """Return the cohort with other samples left out, each with its reason."""
        columns = {name: column for name, column in self.columns.items() if name != REASON}
        out, codes = np.zeros(len(self), bool), np.zeros(len(self), np.int32)
        if excluded:
            rows = self.rows_of(list(excluded))
            known = rows >= 0
            texts = list(dict.fromkeys(["", *excluded.values()]))
            place = {text: code for code, text in enumerate(texts)}
            codes[rows[known]] = np.array([place[text] for text in excluded.values()], np.int32)[known]
            out[rows[known]] = True
            columns[REASON] = Column.coded(codes, texts)
        return replace(self, columns=columns, excluded=dict(excluded), left_out=out)

    @property
    def ids(self) -> list[str]:
        """Ids of all samples, in the order of the table; slow for a million."""
        column = self.columns[self.id]
        found: list[str] = column.texts.take(pa.array(column.codes)).to_pylist()
        return found

    def rows_of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each id, -1 for one that is not there."""
        column = self.columns[self.id]
        if not len(column) or not ids:
            return np.full(len(ids), -1)
        if len(ids) <= FEW:
            found = [column.rows_of(name) for name in ids]
            return np.array([int(rows[0]) if len(rows) else -1 for rows in found])
        codes = pc.index_in(pa.array(ids, pa.string()), value_set=column.texts).fill_null(-1).to_numpy()
        row_of = np.empty(len(column.texts), np.int64)
        row_of[column.codes] = np.arange(len(column))
        return np.where(codes >= 0, row_of[codes], -1)

    def __contains__(self, sample_id: object) -> bool:
        """Say whether there is a sample of that id."""
        return isinstance(sample_id, str) and self.columns[self.id].code_of(sample_id) >= 0

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.columns[self.id])

    def counts(self, column: str) -> dict[str, int]:
        """Return how often each text stands in a column, the texts in order."""
        found = self.columns[column]
        counts = found.counts()
        return {found.texts[int(code)].as_py(): int(counts[code]) for code in found.listed if counts[code]}


def listing(data: Data) -> dict[str, Any]:
    """Return what decides which samples there are, and what each is used for."""
    return data.model_dump(include={"source", "split", "excluded"})


def _title(name: str, own: str) -> str:
    return f"table.{name}" if name in (PART, REASON) and name != own else name


EMPTY = Cohort({"id": Column.of([]), PART: Column.of([])})
"""What there is before an experiment is open."""
