"""The samples of an experiment: one row of text for each, wherever the list comes from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, Problem, SampleError, nearest, short
from fuse_engine.core.exclusions import read_exclusions
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import nearest_file
from fuse_engine.core.resolve import component
from fuse_engine.data.cells import refuse_twins, text_table


@dataclass(frozen=True)
class Row:
    """What the source says about one sample; every cell is text."""

    id: str
    group: str
    """Samples of one group are never divided; the id where the source names no groups."""
    fold: str | None
    columns: Mapping[str, str]
    folder: Path
    """What relative paths in the cells start from."""

    def text(self, column: str) -> str:
        """Return a cell as it was written.

        Raises:
            SampleError: for an unknown column; names the nearest one.
        """
        if column not in self.columns:
            raise SampleError(
                f"no column '{column}'", sample=self.id,
                expected=f"one of {', '.join(self.columns)}", nearest=nearest(column, self.columns),
            )  # fmt: skip
        return self.columns[column]

    def path(self, column: str) -> Path:
        """Return the file that a cell names.

        Raises:
            SampleError: for an unknown column, an empty cell, or a file that is not there; names the nearest one.
        """
        text = self.text(column)
        if not text or "\0" in text:
            raise SampleError(f"column '{column}' names no file", sample=self.id, got=short(text), check="missing")
        path = self.folder / text
        try:
            found = path.is_file()
        except OSError:  # longer than a file name can be
            raise SampleError(
                f"column '{column}' names no file", sample=self.id, got=short(text), check="missing"
            ) from None
        if not found:
            raise SampleError(
                f"column '{column}': no file {path}", sample=self.id, nearest=nearest_file(path), check="missing"
            )
        return path


@dataclass(frozen=True, eq=False)
class Coded:
    """A column whose texts are numbered in the order in which they first come."""

    codes: NDArray[np.int32]
    """Number of the text of each sample, (samples,); read-only."""
    dictionary: pa.Array
    """The text of each number."""

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Coded:
        """Return a column of text with its texts numbered."""
        if _ascends(column):
            codes = np.arange(len(column), dtype=np.int32)
            codes.setflags(write=False)
            return cls(codes, column.combine_chunks())
        coded = column.dictionary_encode().combine_chunks()
        return cls(coded.indices.to_numpy(zero_copy_only=False), coded.dictionary)

    @cached_property
    def texts(self) -> list[str]:
        """The text of each number."""
        found: list[str] = self.dictionary.to_pylist()
        return found


def _ascends(column: pa.ChunkedArray, look: int = 1000) -> bool:
    """Say whether every text comes after the one before it, as ids often do: then none stands twice."""
    if len(column) > look and not _ascends(column[:look]):
        return False
    return len(column) > 1 and bool(pc.all(pc.less(column[:-1], column[1:])).as_py())


@dataclass(frozen=True, eq=False)
class Cohort:
    """All samples of a source, in its order; a million of them are no burden."""

    table: pa.Table
    """One row for each sample, every column text without nulls."""
    id_column: str
    group_column: str | None = None
    fold_column: str | None = None
    folder: Path = Path()
    """What relative paths in the cells start from."""
    place: InitVar[Callable[[int], str] | None] = None
    """Says where the row at a position was read, for messages, e.g. `line 5`."""
    remarks: tuple[Problem, ...] = ()
    """What the source found odd but can go on with; `where` is the name of the check."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """What relative paths start from for samples of another source, by their id."""
    left_out: frozenset[str] = frozenset()
    """Ids of the samples that the source lists and that were left out."""
    _coded: dict[str, Coded] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self, place: Callable[[int], str] | None) -> None:
        """Check that every cell is text, that the named columns are there and that every sample has its own id."""
        refuse_twins(self.table.column_names)
        for name, column in self._cells.items():
            if column.type != pa.string() or column.null_count:
                raise FuseError(
                    f"column '{name}' is not all text", expected="strings without nulls", got=str(column.type)
                )
        for role, wanted in (("id", self.id_column), ("group", self.group_column), ("fold", self.fold_column)):
            if wanted is not None:
                self._require(wanted, f"the {role} column")
        dictionary = self.codes(self.id_column).dictionary
        if len(dictionary) < len(self) or pc.any(pc.equal(dictionary, "")).as_py():
            self._refuse_ids(place or (lambda index: f"row {index + 1}"))

    def _refuse_ids(self, where: Callable[[int], str]) -> None:
        first: dict[str, int] = {}
        for index, name in enumerate(self.ids):
            if not name:
                raise FuseError(f"{where(index)} has no id", expected=f"text in column '{self.id_column}'")
            other = first.setdefault(name, index)
            if other != index:
                raise FuseError(f"the id '{name}' stands twice, in {where(other)} and in {where(index)}")

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        id: str = "id",  # noqa: A002 the name that the source's field has
        group: str | None = None,
        fold: str | None = None,
        folder: Path | None = None,
    ) -> Cohort:
        """Return the cohort that a DataFrame describes; numbers become text, missing values empty text.

        Raises:
            FuseError: for a column that is not there or named twice, and for ids that are empty or stand twice.
        """
        return cls(text_table(frame), id, group, fold, (folder or Path()).absolute())

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids in the order of the source."""
        return tuple(self.table[self.id_column].to_pylist())

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The table for pandas; made when it is first asked for, and not to be changed."""
        return pd.DataFrame({name: self.column(name) for name in self.table.column_names}, dtype="str")

    def __len__(self) -> int:
        """Return the number of samples."""
        count: int = self.table.num_rows
        return count

    def __contains__(self, id: object) -> bool:  # noqa: A002
        """Say whether there is a sample of that id."""
        return id in self._position

    def row(self, id: str) -> Row:  # noqa: A002
        """Return what the source says about a sample.

        Raises:
            FuseError: for an unknown id; names the nearest one.
        """
        index = self._index(id)
        return self._made({name: cells[index].as_py() for name, cells in self._cells.items()})

    def rows(self, ids: Iterable[str]) -> list[Row]:
        """Return the rows of several samples.

        Raises:
            FuseError: for an unknown id; names the nearest one.
        """
        chosen = self.table.take(self._indices(ids))
        names, lists = chosen.column_names, [column.to_pylist() for column in chosen.columns]
        return [self._made(dict(zip(names, cells, strict=True))) for cells in zip(*lists, strict=True)]

    def _made(self, columns: dict[str, str]) -> Row:
        name = columns[self.id_column]
        group = columns[self.group_column] if self.group_column else name
        fold = columns[self.fold_column] if self.fold_column else None
        return Row(name, group, fold, columns, self.folders.get(name, self.folder))

    def group(self, id: str) -> str:  # noqa: A002
        """Return the group of a sample; its id where the source names no groups."""
        return self.row(id).group

    def select(self, ids: Iterable[str]) -> Cohort:
        """Return the cohort of these samples only, in this order."""
        return replace(self, table=self.table.take(self._indices(ids)))

    def without(self, ids: Iterable[str]) -> Cohort:
        """Return the cohort of all other samples; ids that it does not hold make no difference."""
        out = pc.is_in(self.table[self.id_column], value_set=pa.array(list(ids), pa.string()))
        gone = self.table[self.id_column].filter(out).to_pylist()
        return replace(self, table=self.table.filter(pc.invert(out)), left_out=self.left_out.union(gone))

    def keep(self, mask: NDArray[np.bool_]) -> Cohort:
        """Return the cohort of the samples at which `mask` (samples,) is true."""
        return replace(self, table=self.table.filter(pa.array(mask)))

    def column(self, name: str, role: str = "the column") -> list[str]:
        """Return one column in the order of the source.

        Raises:
            FuseError: for an unknown column; names the nearest one.
        """
        self._require(name, role)
        texts: list[str] = self.table[name].to_pylist()
        return texts

    def codes(self, name: str, role: str = "the column") -> Coded:
        """Return one column with its texts numbered; a million cells take no loop.

        Raises:
            FuseError: for an unknown column; names the nearest one.
        """
        self._require(name, role)
        if name not in self._coded:
            self._coded[name] = Coded.of(self.table[name])
        return self._coded[name]

    @cached_property
    def _cells(self) -> dict[str, pa.ChunkedArray]:
        return dict(zip(self.table.column_names, self.table.columns, strict=True))

    @cached_property
    def _position(self) -> dict[str, int]:
        return dict(zip(self.ids, range(len(self)), strict=True))

    def _index(self, id: str) -> int:  # noqa: A002
        if id not in self._position:
            raise FuseError(f"no sample '{id}'", nearest=nearest(id, self._position))
        return self._position[id]

    def _indices(self, ids: Iterable[str]) -> pa.Array:
        return pa.array([self._index(name) for name in ids], pa.int64())

    def _require(self, column: str, role: str) -> None:
        known = self.table.column_names
        if column not in known:
            raise FuseError(
                f"{role} '{column}' is not there",
                expected=f"one of {', '.join(known)}",
                nearest=nearest(column, known),
            )


class Source(Component):
    """Lists the samples of an experiment."""

    kind: ClassVar[str] = "source"

    @abstractmethod
    def read(self, folder: Path) -> Cohort:
        """Return the samples; relative paths start from `folder`, the experiment's.

        Raises:
            FuseError: naming file, line and column.
        """


def read_cohort(experiment: Experiment, whole: bool = False) -> Cohort:
    """Return the samples that an experiment's source lists, without those that it excludes unless `whole`.

    Raises:
        FuseError: naming the source's place in the experiment, file, line and column.
    """
    place = ("data", "source")
    source = cast(Source, component("source", experiment.data.source, place, experiment))
    try:
        cohort = source.read(experiment.folder)
    except FuseError as error:
        raise error.placed(where=f"data.source.{source.name()}") from error
    return cohort if whole else without_excluded(cohort, experiment)


def excluded(experiment: Experiment) -> dict[str, str]:
    """Return the reason by the id of each sample that an experiment leaves out.

    Raises:
        FuseError: naming file and line.
    """
    path = experiment.data.excluded
    try:
        return {} if path is None else read_exclusions(experiment.folder / path)
    except FuseError as error:
        raise error.placed(where="data.excluded") from error


def without_excluded(cohort: Cohort, experiment: Experiment) -> Cohort:
    """Return the cohort without the samples that an experiment leaves out.

    Raises:
        FuseError: when their table cannot be read, or when it leaves no sample.
    """
    reasons = excluded(experiment)
    left = cohort.without(reasons) if reasons else cohort
    if reasons and not len(left):
        raise FuseError("every sample is excluded", where="data.excluded")
    return left
