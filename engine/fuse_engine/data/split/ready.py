"""What the columns of a cohort say about its division: groups, classes, institutions, lists of ids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, SampleError, nearest
from fuse_engine.core.files import nearest_file
from fuse_engine.core.sections import Split
from fuse_engine.data.source import Coded, Cohort

Ints = NDArray[np.int64]


def group_codes(cohort: Cohort, split: Split) -> Coded:
    """Return the groups that are never divided; every sample its own where nothing names any.

    Raises:
        SampleError: for a sample without a group.
    """
    return named_codes(cohort, split.group or cohort.group_column or cohort.id_column, "group")


def named_codes(cohort: Cohort, column: str, role: str) -> Coded:
    """Return a column in which every cell has to name something.

    Raises:
        SampleError: for the first empty cell.
    """
    coded = cohort.codes(column, f"the {role} column")
    empty = pc.index(coded.dictionary, "").as_py()
    if empty >= 0:
        position = int(np.argmax(coded.codes == empty))
        raise SampleError(f"column '{column}' names no {role}", sample=cohort.ids[position])
    return coded


def compact(coded: Coded, chosen: Ints) -> tuple[Ints, pa.Array]:
    """Return the numbers of some samples' texts, counted from 0 without gaps, and these texts."""
    used, numbers = np.unique(coded.codes[chosen], return_inverse=True)
    return numbers, coded.dictionary.take(pa.array(used))


def sorted_codes(coded: Coded) -> Ints:
    """Return the texts of all samples, numbered in the order in which they are sorted."""
    rank = np.empty(len(coded.dictionary), np.int64)
    rank[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(rank))
    result: Ints = rank[coded.codes]
    return result


def is_one_of(coded: Coded, names: Sequence[str], field: str, what: str) -> NDArray[np.bool_]:
    """Say of each sample whether its text is one of `names`, which stand in `field` of the split.

    Raises:
        FuseError: for a name that no sample has.
    """
    known = coded.texts
    for name in names:
        if name not in known:
            raise FuseError(
                f"no {what} '{name}'", where=f"data.split.{field}", expected=f"one of {', '.join(known[:20])}",
                nearest=nearest(name, known),
            )  # fmt: skip
    numbers = [known.index(name) for name in names]
    result: NDArray[np.bool_] = np.isin(coded.codes, numbers)
    return result


def listed(cohort: Cohort, split: Split, groups: Coded, folder: Path | None) -> dict[str, NDArray[np.bool_]]:
    """Return which samples the lists of each part name, by their own id or by their group.

    Raises:
        FuseError: for a file that cannot be read, a name that is neither, and a sample in two lists.
    """
    ids, seen = pa.array(cohort.ids), dict[str, NDArray[np.bool_]]()
    for part, entries in split.lists.items():
        where = f"data.split.lists.{part}"
        lines = read_list(entries, folder, where) if isinstance(entries, str) else entries
        wanted = pa.array(list(dict.fromkeys(lines)), pa.string())
        unknown = wanted.filter(
            pc.invert(pc.or_(pc.is_in(wanted, value_set=ids), pc.is_in(wanted, value_set=groups.dictionary)))
        ).to_pylist()
        if unknown:
            raise FuseError(
                f"no sample or group '{unknown[0]}'" + (f" and {len(unknown) - 1} more" if unknown[1:] else ""),
                where=where, expected="ids, or groups, that the source lists",
                nearest=nearest(unknown[0], chain(groups.texts, cohort.ids)),
            )  # fmt: skip
        own = pc.is_in(ids, value_set=wanted).to_numpy(zero_copy_only=False)
        whole = pc.is_in(groups.dictionary, value_set=wanted).to_numpy(zero_copy_only=False)
        found = own | whole[groups.codes]
        for other, before in seen.items():
            if (both := np.flatnonzero(found & before)).size:
                raise FuseError(f"'{cohort.ids[both[0]]}' is in two lists", where=where, got=f"{other} and {part}")
        seen[part] = found
    return seen


def read_list(name: str, folder: Path | None, where: str) -> list[str]:
    """Return the lines of a text file, without blanks around them and without empty ones.

    Raises:
        FuseError: when it cannot be read, or nobody says where the experiment stands.
    """
    if folder is None:
        raise FuseError("a list in a file needs the folder of the experiment", where=where, got=name)
    path = folder / name
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise FuseError(f"{path.name} is not UTF-8 text", where=where) from None
    except (OSError, ValueError):
        raise FuseError(f"no file {path}", where=where, nearest=nearest_file(path)) from None
    return [line.strip() for line in lines if line.strip()]


def refuse_leaks(
    cohort: Cohort, fold: NDArray[np.int32], names: Sequence[str], groups: Coded, expected: str, kind: str = "fold"
) -> None:
    """Refuse a group whose samples are in two folds, or parts; `fold` holds positions in `names`, -1 for none.

    Raises:
        FuseError: naming the group, and a sample in each.
    """
    used = np.flatnonzero(fold >= 0)
    if len(groups.dictionary) == len(cohort) or not used.size:
        return
    first = np.full(len(groups.dictionary), -1, np.int64)
    first[groups.codes[used[::-1]]] = used[::-1]
    other = first[groups.codes[used]]
    wrong = used[fold[other] != fold[used]]
    if not wrong.size:
        return
    leaking = np.unique(groups.codes[wrong])
    one, two = int(first[groups.codes[wrong[0]]]), int(wrong[0])
    more = f", and {len(leaking) - 1} more groups" if len(leaking) > 1 else ""
    raise FuseError(
        f"the group '{groups.texts[groups.codes[two]]}' is in two {kind}s{more}",
        expected=expected,
        got=f"'{cohort.ids[one]}' in '{names[fold[one]]}', '{cohort.ids[two]}' in '{names[fold[two]]}'",
    )
