"""Looks for files that are in two parts: what was trained on would be tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.data.processor import Pipeline, Processor
from fuse_engine.data.split.folds import PARTS, Folds

_TRIES = 5
"""Samples to ask for the columns that name files, should the first ones be bad."""


def shared_files(folds: Folds, pipelines: Mapping[str, Pipeline]) -> list[Problem]:
    """Return one problem for each input step that reads the very same for samples of two parts.

    A file that every sample shares, e.g. an atlas, is none; nor are two slices that one file holds, which differ
    in another cell that the step reads.
    """
    found: dict[tuple[str, ...], Problem] = {}
    for key, pipeline in pipelines.items():
        for step in pipeline.steps if key.startswith("data.input.") else ():
            columns = _columns(folds, step)
            if columns and columns not in found:
                found.update((columns, problem) for problem in _shared(folds, columns, key))
    return list(found.values())


def _columns(folds: Folds, step: Processor) -> tuple[str, ...]:
    """Return the columns that a step depends on where it reads a file; none where not all of them are known."""
    for position in np.flatnonzero(folds.parts < PARTS.index("unused"))[:_TRIES]:
        try:
            reads = step.reads(folds.cohort.row(folds.cohort.ids[position]))
        except FuseError:
            continue
        known = all(name in folds.cohort.table.column_names for name in reads)
        return tuple(reads) if known and any(isinstance(item, Path) for item in reads.values()) else ()
    return ()


def _folder_codes(folds: Folds) -> NDArray[np.int64]:
    """Number the folders that the samples' relative paths start from."""
    folders, own = folds.cohort.folders, folds.cohort.folder
    if not folders:
        return np.zeros(len(folds.cohort), np.int64)
    number = {folder: index for index, folder in enumerate(dict.fromkeys([own, *folders.values()]))}
    return np.asarray([number[folders.get(name, own)] for name in folds.cohort.ids], np.int64)


def _shared(folds: Folds, columns: tuple[str, ...], key: str) -> Iterator[Problem]:
    used = np.flatnonzero(folds.parts < PARTS.index("unused"))
    codes = _folder_codes(folds)[used]
    for name in columns:
        coded = folds.cohort.codes(name)
        codes = np.unique(codes * len(coded.dictionary) + coded.codes[used], return_inverse=True)[1]
    if not codes.max(initial=0):
        return
    first = np.full(codes.max() + 1, -1, np.int64)
    first[codes[::-1]] = used[::-1]
    wrong = np.flatnonzero(folds.parts[first[codes]] != folds.parts[used])
    if wrong.size:
        one, two = int(first[codes[wrong[0]]]), int(used[wrong[0]])
        ids, parts = folds.cohort.ids, [PARTS[folds.parts[position]] for position in (one, two)]
        more = f", and {len(np.unique(codes[wrong])) - 1} more" if len(np.unique(codes[wrong])) > 1 else ""
        cell = folds.cohort.row(ids[two]).text(columns[0])
        yield Problem(
            f"the same file is in two parts: '{cell}'{more}", "data.split", sample=ids[two],
            expected=f"samples of one file in one part, e.g. by group: {columns[0]}",
            got=f"'{ids[one]}' in {parts[0]}, '{ids[two]}' in {parts[1]} ({key})",
        )  # fmt: skip
