"""Samples listed in a table file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.files import nearest_file
from fuse_engine.core.reading import reading
from fuse_engine.core.registry import register
from fuse_engine.data.cells import refuse_twins, text_column, text_table
from fuse_engine.data.inert import ENDINGS as PICKLES
from fuse_engine.data.inert import convert_command
from fuse_engine.data.source import Cohort, Source
from fuse_engine.data.sources.delimited import ENDINGS, read_delimited
from fuse_engine.data.sources.workbook import read_workbook

Place = Callable[[int], str]
_WORKBOOKS = (".xls", ".xlsm", ".xlsb", ".xltx", ".ods")


@register
class Table(Source):
    """Lists the samples in a CSV, TSV, Excel or Parquet file, one row each; paths in it start from its own folder.

    In Python, `Cohort.from_frame` makes the same of a DataFrame.
    """

    path: Path
    """File that ends in .csv, .tsv, .xlsx or .parquet."""
    id: str = "id"
    """Column that names each sample."""
    group: str | None = None
    """Column whose equal values stay together in a split, e.g. the patient."""
    fold: str | None = None
    """Column that says which fold a sample belongs to; folds are made where empty."""
    sheet: str | None = None
    """Sheet of an Excel file; the first where empty."""
    conditions: list[dict[str, list[str]]] = Field([])
    """Samples to take, all where empty: column -> values, e.g. `{site: [A, B], sex: [F]}`; every column must hold
    one of its values, and one condition of the list is enough."""

    @field_validator("conditions")
    @classmethod
    def _say_something(cls, conditions: list[dict[str, list[str]]]) -> list[dict[str, list[str]]]:
        if not all(condition and all(condition.values()) for condition in conditions):
            raise ValueError("expected at least one column and one value in every condition")
        return conditions

    @model_validator(mode="after")
    def _sheets_are_excel(self) -> Table:
        if self.sheet is not None and self.path.suffix.lower() != ".xlsx":
            raise ValueError("expected `sheet` only with an .xlsx file")
        return self

    def read(self, folder: Path) -> Cohort:
        """Return the samples; every cell is text, exactly as written.

        Raises:
            FuseError: naming file, line and column.
        """
        path = table_file(folder, self.path)
        table, place = read_table(path, self.sheet)
        try:
            return self._taken(Cohort(table, self.id, self.group, self.fold, path.parent, place))
        except FuseError as error:
            raise error.placed(source=path.name) from None

    def _taken(self, cohort: Cohort) -> Cohort:
        if not self.conditions:
            return cohort
        fits = np.logical_or.reduce([_fitting(cohort, condition) for condition in self.conditions])
        if not fits.any():
            raise FuseError("no sample fits the conditions")
        return cohort.keep(fits)


def table_file(folder: Path, path: Path) -> Path:
    """Return the file that a source's field names.

    Raises:
        FuseError: when it is not there; names the nearest one.
    """
    found = (folder / path).absolute()
    if not found.is_file():
        what = f"{found} is a folder" if found.is_dir() else f"no file {found}"
        raise FuseError(what, nearest=nearest_file(found))
    return found


def read_table(path: Path, sheet: str | None = None) -> tuple[pa.Table, Place]:
    """Return the cells of a table file as text, and what says where a row stands in it.

    Raises:
        FuseError: naming file, line and column.
    """
    ending = path.suffix.lower()
    with reading(path):
        if ending in ENDINGS:
            return read_delimited(path)
        if ending == ".xlsx":
            return read_workbook(path, sheet)
        if ending == ".parquet":
            return _parquet(path), lambda index: f"row {index + 1}"
    hint = "; save it as .xlsx" if ending in _WORKBOOKS else ""
    if path.name.lower().endswith(PICKLES):
        hint = f": `{convert_command(path)}` makes one, and the source PickledTable reads it as it is"
    raise FuseError(f"cannot read {path.name}", expected=f"a .csv, .tsv, .xlsx or .parquet file{hint}", got=ending)


def _parquet(path: Path) -> pa.Table:
    try:
        table = pyarrow.parquet.read_table(path, memory_map=False)
        table.validate(full=True)
        names = table.column_names
        refuse_twins(names, path.name)
        return pa.table([_cells(table[name], name, path) for name in names], names)
    except (OSError, pa.ArrowException) as error:
        raise FuseError(f"{path.name} is not readable as Parquet", got=str(error).splitlines()[0]) from None


def _cells(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray | pa.Array:
    """Return a column as text; whole numbers never pass through a float, which would change long ones."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind):
        return text_column([_written(value) for value in column.to_pylist()], name)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        raise FuseError(
            f"column '{name}' holds bytes", source=path.name, expected="text or numbers", got=str(column.type)
        )
    if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(kind).cast(pa.string()).fill_null("")
    return text_table(pa.table([column.cast(kind)], [name]).to_pandas())[name]


def _written(value: Any) -> str:
    return "" if value is None else json.dumps(value, default=str)


def _fitting(cohort: Cohort, condition: dict[str, list[str]]) -> NDArray[np.bool_]:
    """Return which samples hold one of the values in every column of a condition, (samples,).

    Raises:
        FuseError: for a column that is not there or a value that it does not hold; names the nearest one.
    """
    fits = np.ones(len(cohort), bool)
    for column, values in condition.items():
        coded = cohort.codes(column, "the column of a condition")
        number = {text: index for index, text in enumerate(coded.texts)}
        unknown = next((value for value in values if value not in number), None)
        if unknown is not None:
            raise FuseError(
                f"a condition asks for '{unknown}', which column '{column}' does not hold",
                nearest=nearest(unknown, number),
            )
        fits &= np.isin(coded.codes, [number[value] for value in values])
    return fits
