"""What can only be seen in all samples together: duplicates, leaks, outliers, rare classes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.health import CHECKS, Finding
from fuse_engine.data.doctor.samples import Report
from fuse_engine.data.source import Cohort
from fuse_engine.data.split import make_folds

_NAMED = 3
"""Samples that are named in a message."""
_FEW = 5
"""Samples with a spacing from which on one can stand out."""
_FAR = 6.0
"""Robust standard deviations from which on a spacing stands out."""
_LEAST = 0.02
"""Least robust standard deviation of a spacing, as a share of it: rounding is no spread."""
_RARE = 10
"""How many times as large the largest class may be."""


def cohort_findings(experiment: Experiment, cohort: Cohort, reports: Sequence[Report]) -> list[Finding]:
    """Return what is wrong with the cohort as a whole, and what its source found odd."""
    return [
        *_remarks(cohort),
        *_duplicates(reports, _fold_of(experiment, cohort)),
        *_leaks(cohort, experiment.data.split.group or cohort.group_column),
        *_spacing_outliers(reports),
        *_imbalance(reports),
    ]


def _remarks(cohort: Cohort) -> Iterator[Finding]:
    for remark in cohort.remarks:
        name = remark.where if remark.where in CHECKS else "unmatched"
        # what belongs to no sample cannot spoil one
        yield Finding(
            name,
            remark.sample,
            str(replace(remark, where="", sample="")),
            blocking=None if remark.sample else False,
        )


def _fold_of(experiment: Experiment, cohort: Cohort) -> Mapping[str, str]:
    """Return the fold of every sample; empty where the split does not work, which other checks say."""
    try:
        return make_folds(cohort, experiment.data.split, experiment.seed, experiment.folder).fold_of
    except FuseError:
        return {}


def _duplicates(reports: Sequence[Report], fold_of: Mapping[str, str]) -> Iterator[Finding]:
    """Across folds they block: a model would be tested on what it was trained on."""
    same: dict[str, dict[str, str]] = defaultdict(dict)
    for report in reports:
        for key, digest in report.digests.items():
            same[digest].setdefault(report.sample, key)
    for samples in same.values():
        folds = {fold_of.get(name, "") for name in samples}
        for name, key in samples.items() if len(samples) > 1 else ():
            others = [_placed(other, fold_of) for other in samples if other != name]
            across = len(folds) > 1
            tail = ", in another fold: exclude one of them, or give both one group" if across else ""
            yield Finding(
                "duplicate_content", name, f"holds the same pixels as {_list(others)}{tail}", key, blocking=across
            )


def _placed(name: str, fold_of: Mapping[str, str]) -> str:
    return f"'{name}' (fold {fold_of[name]})" if name in fold_of else f"'{name}'"


def _leaks(cohort: Cohort, group_column: str | None) -> Iterator[Finding]:
    if not group_column or not cohort.fold_column:
        return
    try:
        groups, folds = cohort.codes(group_column), cohort.codes(cohort.fold_column)
    except FuseError:
        return  # no such column: said when the split is made
    pairs = np.unique(np.column_stack([groups.codes, folds.codes]), axis=0)
    leaking, count = np.unique(pairs[:, 0], return_counts=True)
    for group in leaking[count > 1].tolist():
        names = [folds.texts[fold] for fold in pairs[pairs[:, 0] == group, 1]]
        for place in np.flatnonzero(groups.codes == group).tolist():
            yield Finding(
                "group_in_two_folds", cohort.ids[place],
                f"the group '{groups.texts[group]}' stands in the folds {', '.join(sorted(names))}", group_column,
            )  # fmt: skip


def _spacing_outliers(reports: Sequence[Report]) -> Iterator[Finding]:
    """Compare the logarithm of each spacing with the median of its key, in robust standard deviations."""
    known: dict[tuple[str, int], list[tuple[str, tuple[float, ...]]]] = defaultdict(list)
    for report in reports:
        for key, spacing in report.spacings.items():
            known[key, len(spacing)].append((report.sample, spacing))
    for (key, _), found in known.items():
        if len(found) < _FEW:
            continue
        logs = np.log(np.asarray([spacing for _, spacing in found]))
        middle = np.median(logs, axis=0)
        spread = np.maximum(1.4826 * np.median(np.abs(logs - middle), axis=0), _LEAST)
        for place in np.flatnonzero((np.abs(logs - middle) > _FAR * spread).any(1)).tolist():
            sample, spacing = found[place]
            words = f"a spacing of {_mm(spacing)}, where most have about {_mm(np.exp(middle).tolist())}"
            yield Finding("spacing_outlier", sample, words, key)


def _mm(spacing: Sequence[float]) -> str:
    return f"{' x '.join(f'{step:.3g}' for step in spacing)} mm"


def _imbalance(reports: Sequence[Report]) -> Iterator[Finding]:
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for report in reports:
        for key, value in report.classes.items():
            counts[key][value] += 1
    for key, count in counts.items():
        if len(count) > 1 and max(count.values()) > _RARE * min(count.values()):
            told = ", ".join(f"class {value}: {count[value]}" for value in sorted(count))
            yield Finding("class_imbalance", "", f"{told}; `data.batch.balance` can even this out", key)


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
