"""The class of every sample from the table alone, in one pass over what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data.processor import Pipeline, Value
from fuse_engine.data.source import Cohort, Row


@dataclass(frozen=True, eq=False)
class Classes:
    """The class of every sample."""

    numbers: NDArray[np.int64]
    """One for each sample, in the order of the source, (samples,)."""
    names: tuple[str, ...] = ()
    """What the numbers stand for, where the classes are texts."""


def classes_of_column(cohort: Cohort, column: str) -> Classes:
    """Return the texts of a column as classes, in natural order.

    Raises:
        FuseError: for an unknown column; names the nearest one.
    """
    coded = cohort.codes(column)
    return _numbered(coded.texts, coded.codes.astype(np.int64))


def classes_of(pipeline: Pipeline, cohort: Cohort) -> Classes:
    """Return the class that a pipeline makes of every sample; it runs once for each combination of cells it reads.

    Raises:
        FuseError: when the pipeline reads files, or makes no class; `SampleError` for a cell that does not fit.
    """
    columns: tuple[str, ...] = ()
    while True:
        combinations, firsts = _combinations(cohort, columns)
        seen = set(columns)
        values = _values(pipeline, cohort, firsts, seen)
        if seen == set(columns):
            break
        # a step may read more for some samples than for others: look again at all that it read
        columns = tuple(sorted(seen))
    if values and isinstance(values[0], str):
        return _numbered([str(value) for value in values], combinations)
    return Classes(np.asarray(values, np.int64)[combinations])


class _Cells(Mapping[str, str]):
    """The cells of a row that take note of which are read."""

    def __init__(self, cells: Mapping[str, str], seen: set[str]) -> None:
        self._cells, self._seen = cells, seen

    def __getitem__(self, column: str) -> str:
        self._seen.add(column)
        return self._cells[column]

    def __contains__(self, column: object) -> bool:
        return column in self._cells

    def __iter__(self) -> Iterator[str]:
        self._seen.update(self._cells)
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


@dataclass(frozen=True)
class _Watched(Row):
    """A row that takes note of what is read; no file may be."""

    seen: set[str]
    roles: Mapping[str, str | None]
    """Column of the id, the group and the fold."""

    def __getattribute__(self, name: str) -> object:
        if name in ("id", "group", "fold"):
            self.seen.add(self.roles[name] or self.roles["id"] or "")
        return super().__getattribute__(name)

    def path(self, column: str) -> Path:
        raise _made_from_files("a step")


def _values(pipeline: Pipeline, cohort: Cohort, firsts: NDArray[np.int64], seen: set[str]) -> list[int | str]:
    """Return the class of some samples; stops where more columns turn out to be read."""
    roles = {"id": cohort.id_column, "group": cohort.group_column, "fold": cohort.fold_column}
    before, found = set(seen), list[int | str]()
    few = replace(cohort, table=cohort.table.take(pa.array(firsts)))
    for row in few.rows(few.ids):
        if _reads_files(pipeline, row):
            raise _made_from_files(f"'{pipeline.where}'", " -> ".join(step.name() for step in pipeline.steps))
        cells = _Cells(row.columns, seen)
        found.append(_class(pipeline, _Watched(row.id, row.group, row.fold, cells, row.folder, seen, roles)))
        if seen != before:
            break
    if found and len({isinstance(value, str) for value in found}) > 1:
        raise FuseError(f"'{pipeline.where}' makes texts of some samples and numbers of others")
    return found


def _made_from_files(what: str, got: str = "") -> FuseError:
    return FuseError(
        f"{what} is made from files", expected="a class that stands in a column of the source", got=got
    )


def _reads_files(pipeline: Pipeline, row: Row) -> bool:
    if any(step.opens for step in pipeline.steps):
        return True
    try:
        return any(isinstance(item, Path) for step in pipeline.steps for item in step.reads(row).values())
    except SampleError:
        return False  # running it fails at the same step, and names it


def _class(pipeline: Pipeline, row: Row) -> int | str:
    value: Value = pipeline.run(row)
    if not isinstance(value, int | str):
        got = type(value).__name__
        raise FuseError(f"'{pipeline.where}' is no class", expected="a step such as Label", got=got)
    return value


def _combinations(cohort: Cohort, columns: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each sample's combination of cells, and where each combination first comes."""
    codes = np.zeros(len(cohort), np.int64)
    for number, name in enumerate(columns):
        coded = cohort.codes(name)
        codes = codes * len(coded.dictionary) + coded.codes
        if number:
            codes = np.unique(codes, return_inverse=True)[1]
    first = np.empty(codes.max(initial=-1) + 1, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, first


def _numbered(texts: list[str], codes: NDArray[np.int64]) -> Classes:
    """Number texts in natural order; `codes` are positions in `texts`."""
    names = sorted(set(texts), key=lambda text: (0, int(text), text) if text.isdecimal() else (1, 0, text))
    number = {name: index for index, name in enumerate(names)}
    return Classes(np.asarray([number[text] for text in texts], np.int64)[codes], tuple(names))
