"""The samples of an experiment: one row of text for each, wherever the list comes from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, cast

import pandas as pd

from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, SampleError, nearest, short
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component


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
            raise SampleError(f"column '{column}' names no file", sample=self.id, got=short(text))
        path = self.folder / text
        try:
            found = path.is_file()
        except OSError:  # longer than a file name can be
            raise SampleError(f"column '{column}' names no file", sample=self.id, got=short(text)) from None
        if not found:
            raise SampleError(f"column '{column}': no file {path}", sample=self.id, nearest=_nearest_file(path))
        return path


def _nearest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    return nearest(path.name, (other.name for other in path.parent.iterdir() if other.is_file()))


@dataclass(frozen=True, eq=False)
class Cohort:
    """All samples of a source, in its order; `frame` holds one row of text for each and must not be changed."""

    frame: pd.DataFrame
    id_column: str
    group_column: str | None = None
    fold_column: str | None = None
    folder: Path = Path()
    place: InitVar[Callable[[int], str] | None] = None
    """Says where the row at a position was read, for messages, e.g. `line 5`."""
    _position: dict[str, int] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self, place: Callable[[int], str] | None) -> None:
        """Check that the named columns are there and that every sample has an id of its own."""
        for role, column in (("id", self.id_column), ("group", self.group_column), ("fold", self.fold_column)):
            if column is not None:
                self._require(column, f"the {role} column")
        where = place or (lambda index: f"row {index + 1}")
        for index, name in enumerate(self._cells[self.id_column]):
            if not name:
                raise FuseError(f"{where(index)} has no id", expected=f"text in column '{self.id_column}'")
            first = self._position.setdefault(name, index)
            if first != index:
                raise FuseError(f"the id '{name}' stands twice, in {where(first)} and in {where(index)}")

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
        return cls(as_text(frame), id, group, fold, (folder or Path()).absolute())

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids in the order of the source."""
        return tuple(self._position)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._position)

    def __contains__(self, id: object) -> bool:  # noqa: A002
        """Say whether there is a sample of that id."""
        return id in self._position

    def row(self, id: str) -> Row:  # noqa: A002
        """Return what the source says about a sample.

        Raises:
            FuseError: for an unknown id; names the nearest one.
        """
        index = self._index(id)
        columns = {name: values[index] for name, values in self._cells.items()}
        group = columns[self.group_column] if self.group_column else id
        fold = columns[self.fold_column] if self.fold_column else None
        return Row(id, group, fold, columns, self.folder)

    def rows(self, ids: Iterable[str]) -> list[Row]:
        """Return the rows of several samples."""
        return [self.row(name) for name in ids]

    def group(self, id: str) -> str:  # noqa: A002
        """Return the group of a sample; its id where the source names no groups."""
        return self.row(id).group

    def select(self, ids: Iterable[str]) -> Cohort:
        """Return the cohort of these samples only, in this order."""
        frame = self.frame.iloc[[self._index(name) for name in ids]]
        return Cohort(frame, self.id_column, self.group_column, self.fold_column, self.folder)

    def column(self, name: str, role: str = "the column") -> list[str]:
        """Return one column in the order of the source.

        Raises:
            FuseError: for an unknown column; names the nearest one.
        """
        self._require(name, role)
        return self._cells[name]

    @cached_property
    def _cells(self) -> dict[str, list[str]]:
        # a row of a DataFrame costs 100 times as much to take as one of lists
        return {str(name): self.frame[name].tolist() for name in self.frame.columns}

    def _index(self, id: str) -> int:  # noqa: A002
        if id not in self._position:
            raise FuseError(f"no sample '{id}'", nearest=nearest(id, self._position))
        return self._position[id]

    def _require(self, column: str, role: str) -> None:
        known = list(map(str, self.frame.columns))
        if column not in known:
            raise FuseError(
                f"{role} '{column}' is not there",
                expected=f"one of {', '.join(known)}",
                nearest=nearest(column, known),
            )


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose cells are all text; missing values become empty.

    Raises:
        FuseError: when two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    refuse_twins(names)
    texts = {name: _texts(frame.iloc[:, index]) for index, name in enumerate(names)}
    return pd.DataFrame(texts, dtype="str").reset_index(drop=True)


def refuse_twins(names: Sequence[str], source: str = "") -> None:
    """Refuse a header in which two columns have one name."""
    seen: dict[str, int] = {}
    for index, name in enumerate(names, 1):
        if name in seen:
            label = f"are called '{name}'" if name else "have no name"
            raise FuseError(f"columns {seen[name]} and {index} {label}", source=source)
        seen[name] = index


def _texts(column: pd.Series) -> list[str]:
    present = column.notna()
    values = column[present]
    # pandas widens whole numbers to floats as soon as one is missing: 7 would come back as 7.0
    if values.dtype == float and not present.all() and (values % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("string").fillna("").tolist()


class Source(Component):
    """Lists the samples of an experiment."""

    kind: ClassVar[str] = "source"

    @abstractmethod
    def read(self, folder: Path) -> Cohort:
        """Return the samples; relative paths start from `folder`, the experiment's.

        Raises:
            FuseError: naming file, line and column.
        """


def read_cohort(experiment: Experiment) -> Cohort:
    """Return the samples that an experiment's source lists.

    Raises:
        FuseError: naming the source's place in the experiment, file, line and column.
    """
    place = ("data", "source")
    source = cast(Source, component("source", experiment.data.source, place, experiment))
    try:
        return source.read(experiment.folder)
    except FuseError as error:
        raise error.placed(where=f"data.source.{source.name()}") from error
