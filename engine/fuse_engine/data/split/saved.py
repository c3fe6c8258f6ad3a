"""The split of a run, as a table beside it: who was trained on stays so, whatever becomes of the source."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.files import atomic_write
from fuse_engine.data.source import Cohort
from fuse_engine.data.split.folds import PARTS, Folds

HEADER = ["id", "fold", "part"]
_NAMED = 5
"""Samples that a remark names."""


def write_split(path: Path, folds: Folds) -> None:
    """Write the fold and the part of every sample, atomically."""
    names = (*folds.names, "")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(
        (name, names[fold], PARTS[part])
        for name, fold, part in zip(folds.cohort.ids, folds.fold.tolist(), folds.parts.tolist(), strict=True)
    )
    atomic_write(path, text.getvalue().encode())


def read_split(path: Path) -> dict[str, tuple[str, str]]:
    """Return (fold, part) of every sample by its id.

    Raises:
        FuseError: naming file and line, when this is no such table.
    """
    csv.field_size_limit(2**31 - 1)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
    except (OSError, ValueError, csv.Error) as error:
        raise FuseError(f"{path.name} is not readable: {error}", expected="the split that the run saved") from None
    for number, cells in enumerate([header, *rows], 1):
        right = cells == HEADER if number == 1 else len(cells) == len(HEADER) and cells[2] in PARTS
        if not right:
            raise FuseError(
                "no row of a split", source=f"{path.name}, row {number}",
                expected=f"{', '.join(HEADER)} with one of {', '.join(PARTS)}", got=", ".join(cells),
            )  # fmt: skip
    return {name: (fold, part) for name, fold, part in rows}


def saved_folds(cohort: Cohort, path: Path) -> Folds:
    """Return the saved folds for the samples there are now; what came or went since is named in the remarks.

    Raises:
        FuseError: when the table is damaged, or no training sample is left.
    """
    saved = read_split(path)
    names = tuple(dict.fromkeys(fold for fold, _ in saved.values() if fold))
    position = {name: number for number, name in enumerate(names)} | {"": -1}
    number_of = {part: number for number, part in enumerate(PARTS)}
    unknown = ("", "unused")
    found = [saved.get(name, unknown) for name in cohort.ids]
    parts = np.asarray([number_of[part] for _, part in found], np.int8)
    fold = np.asarray([position[name] for name, _ in found], np.int32)
    if not (parts == 0).any():
        raise FuseError(f"no training sample of {path.name} is in the source any more", where="data.source")
    new = [name for name in cohort.ids if name not in saved]
    there = set(cohort.ids)
    lost = [name for name in saved if name not in there]
    remarks = [
        *_remark(new, "new since the split was saved, so not used"),
        *_remark(lost, "in the saved split, but not in the source any more"),
    ]
    return Folds(cohort, parts, fold, names, tuple(remarks))


def _remark(names: Sequence[str], what: str) -> list[Problem]:
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [Problem(f"{what}: {', '.join(names[:_NAMED])}{more}", where="data.split")]
