"""Samples listed by the arrays of one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.registry import register
from fuse_engine.data.arrays import Member, list_members, read_member, read_text
from fuse_engine.data.arrays.hdf5 import list_attributes
from fuse_engine.data.cells import text_column
from fuse_engine.data.source import Cohort, Source
from fuse_engine.data.sources.table import table_file

_FOLDS = ["train", "val", "test"]


class _ArrayFile(Source):
    """What the sources share whose samples are the places of the arrays in one file."""

    endings: ClassVar[tuple[str, ...]]
    """How the name of such a file ends."""

    path: Path
    """File of the arrays."""
    id: str = "id"
    """Column that names each sample; `train-000017`, after fold and place, where the file has no `id`."""
    group: str | None = None
    """Column whose equal values stay together in a split, e.g. the patient."""
    columns: list[str] = Field([])
    """Columns to take; all where empty."""
    folds: list[str] = Field(_FOLDS)
    """Beginnings of names that say the fold, e.g. `train` in `train_images`."""

    def read(self, folder: Path) -> Cohort:
        """Return one row for each place; images are not read.

        Raises:
            FuseError: naming the file, and arrays of different lengths.
        """
        return _by_place(self, self._file(folder))

    def _file(self, folder: Path) -> Path:
        found = table_file(folder, self.path)
        if found.suffix.lower() not in self.endings:
            raise FuseError(
                f"cannot read {found.name}", expected=f"a file that ends in {' or '.join(self.endings)}"
            )
        if "|" in found.name:
            raise FuseError(
                f"the name of {found.name} holds '|', which stands before a member", expected="another name"
            )
        return found


@register
class Npz(_ArrayFile):
    """Lists the samples in an .npz file whose arrays have one place for each, such as MedMNIST's.

    Each array is a column: its values where it has one for a sample, else what `LoadArray` reads. Parts such as
    `train_images`, `test_images` are folds, and their columns `images`.
    """

    endings: ClassVar[tuple[str, ...]] = (".npz",)

    path: Path
    """File that ends in .npz."""


@register
class Hdf5(_ArrayFile):
    """Lists the samples in an HDF5 file: one place of every data set for each, or one group for each.

    Each data set is a column: its value where it is a single one, else what `LoadArray` reads. So are the texts
    and numbers attached to the groups. Links that leave the file are not followed.
    """

    endings: ClassVar[tuple[str, ...]] = (".h5", ".hdf5")

    path: Path
    """File that ends in .h5 or .hdf5."""
    layout: Literal["places", "groups"] = "places"
    """Whether the samples lie along the first axis of the data sets, or each in a group of its own."""
    id: str = "id"
    """Column that names each sample; the group, or `train-000017` (fold and place), where the file has no `id`."""
    folds: list[str] = Field(_FOLDS)
    """Beginnings of names that say the fold, e.g. `train` in `train_images` or `train/images`."""

    def read(self, folder: Path) -> Cohort:
        """Return one row for each sample; images are not read.

        Raises:
            FuseError: naming the file, and data sets of different lengths.
        """
        return super().read(folder) if self.layout == "places" else _by_group(self, self._file(folder))


def _by_place(source: _ArrayFile, path: Path) -> Cohort:
    """Make a row of each place on the first axis, fold by fold."""
    parts, strays = _divided(source, list_members(path))
    columns: dict[str, list[str]] = {}
    done = 0
    for fold, members in parts.items():
        count = _count(path, members)
        cells = {"fold": [fold] * count} if fold else {}
        cells["id"] = [f"{fold}-{place:06d}" if fold else f"{place:06d}" for place in range(count)]
        cells |= {column: _cells(path, member, count) for column, member in members.items()}
        for column in dict.fromkeys([*columns, *cells]):
            columns.setdefault(column, [""] * done).extend(cells.get(column, [""] * count))
        done += count
    remarks = [Problem(f"'{name}' belongs to no fold", source=path.name, where="unmatched") for name in strays]
    return _cohort(source, path, columns, remarks)


def _by_group(source: Hdf5, path: Path) -> Cohort:
    """Make a row of each group that holds data sets."""
    rows: dict[str, dict[str, str]] = {}
    attributes = list_attributes(path)
    for name, member in list_members(path).items():
        place, _, column = name.rpartition("/")
        fold = place.partition("/")[0]
        row = rows.setdefault(place, {"id": place, **({"fold": fold} if fold in source.folds else {})})
        row |= {key: text for key, text in attributes[place].items() if _wanted(source, key)}
        if _wanted(source, column):
            row[column] = _texts(path, member)[0] if member.count == 1 else f"{path.name}|{name}"
    names = dict.fromkeys(name for row in rows.values() for name in row)
    return _cohort(source, path, {name: [row.get(name, "") for row in rows.values()] for name in names}, [])


Parts = dict[str, dict[str, Member]]
"""The members of each fold by their column."""


def _divided(source: _ArrayFile, members: Mapping[str, Member]) -> tuple[Parts, list[str]]:
    """Return the members of each fold, and those of none; all are of fold '' where no name says one."""
    found: Parts = {}
    strays = []
    for name, member in members.items():
        fold = next((fold for fold in source.folds if name.startswith((f"{fold}_", f"{fold}/"))), None)
        column = name if fold is None else name[len(fold) + 1 :]
        if fold is None:
            strays.append(name)
        elif _wanted(source, column):
            found.setdefault(fold, {})[column] = member
    if found:
        return found, strays
    return {"": {name: members[name] for name in strays if _wanted(source, name)}}, []


def _wanted(source: _ArrayFile, column: str) -> bool:
    return not source.columns or column in source.columns


def _count(path: Path, members: Mapping[str, Member]) -> int:
    """Return how many samples the arrays of a fold hold."""
    lengths = {member.name: member.shape[0] if member.shape else 0 for member in members.values()}
    if len(set(lengths.values())) != 1:
        grouped = "; or `layout: groups`" if any("/" in name for name in lengths) else ""
        raise FuseError(
            f"the arrays of {path.name} have different lengths", expected=f"one place for each sample{grouped}",
            got=", ".join(f"{name}: {length}" for name, length in list(lengths.items())[:8]) or "no array",
        )  # fmt: skip
    return next(iter(lengths.values()))


def _cells(path: Path, member: Member, count: int) -> list[str]:
    if member.count == count:
        return _texts(path, member)
    return [f"{path.name}|{member.name}|{place}" for place in range(count)]


def _texts(path: Path, member: Member) -> list[str]:
    """Return the values of an array as text, missing ones empty."""
    if member.text:
        return read_text(path, member.name)
    texts = read_member(path, member.name).reshape(-1).astype(str).tolist()
    return ["" if text == "nan" else text for text in texts]


def _cohort(source: _ArrayFile, path: Path, columns: Mapping[str, list[str]], remarks: list[Problem]) -> Cohort:
    lacking = next((name for name in source.columns if name not in columns), None)
    if lacking is not None or not columns.get("id"):
        raise FuseError(
            f"{path.name} has no column '{lacking}'" if lacking else f"{path.name} holds no samples",
            expected="one of its arrays", got=", ".join(list(list_members(path))[:20]) or "none",
        )  # fmt: skip
    arrays = [text_column(cells, name) for name, cells in columns.items()]
    fold = "fold" if "fold" in columns else None
    try:
        table = pa.table(arrays, list(columns))
        return Cohort(table, source.id, source.group, fold, path.parent, remarks=tuple(remarks))
    except FuseError as error:
        raise error.placed(source=path.name) from None
