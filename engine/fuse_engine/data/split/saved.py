"""The split of a run, as a table beside it: who was trained on stays so, whatever becomes of the source."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.files import atomic_write
from fuse_engine.data.source import Cohort
from fuse_engine.data.split.folds import PARTS, Folds
from fuse_engine.data.split.ready import refuse_leaks

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
    found = {name: (fold, part) for name, fold, part in rows}
    if len(found) < len(rows):
        name = next(name for name, count in Counter(name for name, *_ in rows).items() if count > 1)
        raise FuseError(f"the id '{name}' stands twice", source=path.name, expected="the split that the run saved")
    return found


def saved_folds(cohort: Cohort, path: Path, group: str | None) -> Folds:
    """Return the saved folds for the samples there are now.

    The remarks name what came or went since, and a group of the column `group` that is now in two parts.

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
        *_leak(cohort, parts, group),
    ]
    return Folds(cohort, parts, fold, names, tuple(remarks))


def _leak(cohort: Cohort, parts: NDArray[np.int8], group: str | None) -> tuple[Problem, ...]:
    """Return what there is to say of a group whose samples are in two parts since the table was changed."""
    if group is None:
        return ()
    used = np.where(parts < PARTS.index("unused"), parts, -1).astype(np.int32)
    try:
        groups = cohort.codes(group, "the group column")
        refuse_leaks(cohort, used, PARTS, groups, "a new run, which divides the samples anew", "part")
    except FuseError as error:
        return error.placed(where="data.split").problems
    return ()


def _remark(names: Sequence[str], what: str) -> list[Problem]:
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [Problem(f"{what}: {', '.join(names[:_NAMED])}{more}", where="data.split")]
