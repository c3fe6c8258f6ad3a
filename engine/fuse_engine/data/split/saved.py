"""The split of a run, as a table beside it: who was trained on stays so, whatever becomes of the source."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.files import atomic_write, nearest_file
from fuse_engine.data.source import Coded, Cohort
from fuse_engine.data.split.extra import EXTRA
from fuse_engine.data.split.folds import PARTS, Folds
from fuse_engine.data.split.ready import refuse_leaks

HEADER = ["id", "fold", "part"]
_NAMED = 5
"""Samples that a remark or an error names."""
_PLACE = "data.split.saved"


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
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise FuseError(f"{path.name} is not readable: {error}", expected="the split that the run saved") from None
    if not lines:
        raise FuseError(f"{path.name} is empty", expected="the split that the run saved")
    for number, cells in enumerate(lines, 1):
        right = cells == HEADER if number == 1 else len(cells) == len(HEADER) and cells[2] in PARTS
        if not right:
            raise FuseError(
                "no row of a split", source=f"{path.name}, row {number}",
                expected=f"{', '.join(HEADER)} with one of {', '.join(PARTS)}", got=", ".join(cells),
            )  # fmt: skip
    rows = lines[1:]
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
    folds = _restored(cohort, saved)
    if not (folds.parts == 0).any():
        raise FuseError(f"no training sample of {path.name} is in the source any more", where="data.source")
    new = [name for name in cohort.ids if name not in saved]
    there = set(cohort.ids)
    lost = [name for name in saved if name not in there]
    remarks = [
        *_remark(new, "new since the split was saved, so not used"),
        *_remark(lost, "in the saved split, but not in the source any more"),
        *_leak(cohort, folds.parts, group),
    ]
    return replace(folds, remarks=tuple(remarks))


def reused_folds(cohort: Cohort, saved: Path, groups: Coded, folder: Path | None) -> Folds:
    """Return the folds that another run saved, for a new run with the same samples.

    Samples that were only trained on, of `data.extra_train`, may be others; so may those that are excluded now.

    Raises:
        FuseError: when the table cannot be used, does not list a sample or lists one that is not there, when no
            training sample is left, or a group is in two parts.
    """
    if folder is None:
        raise FuseError("a saved split needs the folder of the experiment", where=_PLACE, got=str(saved))
    path = folder / saved
    if not path.is_file():
        inside = str(saved / "split.csv") if (path / "split.csv").is_file() else ""
        raise FuseError(
            f"no file {path}", where=_PLACE, expected="the split.csv of a run",
            nearest=inside or nearest_file(path),
        )  # fmt: skip
    try:
        listed = read_split(path)
        folds = _restored(cohort, listed)
        _refuse_others(cohort, listed, path.name)
        if not (folds.parts == 0).any():
            raise FuseError(f"no training sample of {path.name} is left")
        used = np.where(folds.parts < PARTS.index("unused"), folds.parts, -1).astype(np.int32)
        refuse_leaks(cohort, used, PARTS, groups, "all samples of a group in one", "part")
    except FuseError as error:
        raise error.placed(where=_PLACE) from None
    if cohort.fold_column is None:
        return folds
    told = f"it divides the samples, so the source's fold column '{cohort.fold_column}' is not used"
    return replace(folds, remarks=(Problem(told, _PLACE),))


def _refuse_others(cohort: Cohort, listed: Mapping[str, tuple[str, str]], file: str) -> None:
    """Refuse a saved split of other samples than those there are."""
    new = [name for name in cohort.ids if name not in listed]
    if new:
        raise FuseError(
            f"{file} does not list {_some(new)}",
            expected="the samples that were divided then: exclude the new ones, or divide anew without `saved`",
        )  # fmt: skip
    there = cohort.left_out.union(cohort.ids)
    lost = [name for name, (fold, _) in listed.items() if name not in there and fold != EXTRA]
    if lost:
        raise FuseError(
            f"{file} lists {_some(lost)}, not in the source",
            expected="the samples that were divided then, or a division anew without `saved`",
        )  # fmt: skip


def _restored(cohort: Cohort, saved: Mapping[str, tuple[str, str]]) -> Folds:
    """Return the saved fold and part of every sample; those that are not listed are unused."""
    names = tuple(dict.fromkeys(fold for fold, _ in saved.values() if fold))
    position = {name: number for number, name in enumerate(names)} | {"": -1}
    number_of = {part: number for number, part in enumerate(PARTS)}
    unknown = ("", "unused")
    found = [saved.get(name, unknown) for name in cohort.ids]
    parts = np.asarray([number_of[part] for _, part in found], np.int8)
    fold = np.asarray([position[name] for name, _ in found], np.int32)
    return Folds(cohort, parts, fold, names)


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
    return [Problem(f"{what}: {_first(names)}", where="data.split")] if names else []


def _some(names: Sequence[str]) -> str:
    return f"the sample '{names[0]}'" if len(names) == 1 else f"{len(names)} samples: {_first(names)}"


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
