"""What can only be seen in all samples together: duplicates, leaks, outliers, rare classes."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.health import CHECKS, Finding
from fuse_engine.data.doctor.samples import Report
from fuse_engine.data.processor import Pipeline
from fuse_engine.data.processors.dicom import LoadDicom
from fuse_engine.data.source import Cohort
from fuse_engine.data.split import make_folds

_PIECE = 20_000
"""Reports between two places to pause at: some hundredths of a second."""
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


def cohort_findings(experiment: Experiment, cohort: Cohort, reports: Sequence[Report]) -> Iterator[Finding | None]:
    """Yield what is wrong with the cohort as a whole, and None wherever the caller may want to pause."""
    yield from _duplicates(reports, experiment, cohort)
    yield from _leaks(cohort, experiment.data.split.group or cohort.group_column)
    yield from _spacing_outliers(reports)
    yield from _imbalance(reports)


def source_findings(cohort: Cohort, pipelines: Mapping[str, Pipeline]) -> Iterator[Finding]:
    """Yield what the source of a cohort found odd; of a series that is read, the step that does so tells it."""
    read = any(isinstance(step, LoadDicom) for pipeline in pipelines.values() for step in pipeline.steps)
    for remark in cohort.remarks:
        if read and remark.where == "series":
            continue
        name = remark.where if remark.where in CHECKS else "unmatched"
        message = str(replace(remark, where="", sample=""))
        # what belongs to no sample cannot spoil one
        yield Finding(name, remark.sample, message, blocking=None if remark.sample else False)


def _fold_of(experiment: Experiment, cohort: Cohort) -> Mapping[str, str]:
    """Return the fold of every sample; empty where the split does not work, which other checks say."""
    try:
        return make_folds(cohort, experiment.data.split, experiment.seed, experiment.folder).fold_of
    except FuseError:
        return {}


def _with_pauses(reports: Sequence[Report]) -> Iterator[Report | None]:
    for place, report in enumerate(reports, 1):
        yield report
        if place % _PIECE == 0:
            yield None


def _duplicates(reports: Sequence[Report], experiment: Experiment, cohort: Cohort) -> Iterator[Finding | None]:
    """Across folds they block: a model would be tested on what it was trained on."""
    first: dict[str, tuple[str, str]] = {}
    same: dict[str, dict[str, str]] = {}
    for report in _with_pauses(reports):
        if report is None:
            yield None
            continue
        for key, digest in report.digests.items():
            sample, earlier = first.setdefault(digest, (report.sample, key))
            if sample != report.sample:
                same.setdefault(digest, {sample: earlier}).setdefault(report.sample, key)
    fold_of = _fold_of(experiment, cohort) if same else {}
    for samples in same.values():
        yield None
        across = len({fold_of.get(name, "") for name in samples}) > 1
        for name, key in samples.items():
            others = [_placed(other, fold_of) for other in islice(samples, _NAMED + 1) if other != name]
            tail = ", in another fold: exclude one of them, or give both one group" if across else ""
            words = f"holds the same pixels as {_list(others[:_NAMED], len(samples) - 1)}{tail}"
            yield Finding("duplicate_content", name, words, key, blocking=across)


def _placed(name: str, fold_of: Mapping[str, str]) -> str:
    return f"'{name}' (fold {fold_of[name]})" if name in fold_of else f"'{name}'"


def _leaks(cohort: Cohort, group_column: str | None) -> Iterator[Finding | None]:
    if not group_column or not cohort.fold_column:
        return
    try:
        groups, folds = cohort.codes(group_column), cohort.codes(cohort.fold_column)
    except FuseError:
        return  # no such column: said when the split is made
    count = len(folds.texts)
    # one number for each pair: numpy takes ten times as long to sort rows of two
    pairs = np.stack(np.divmod(np.unique(groups.codes.astype(np.int64) * count + folds.codes), count), axis=1)
    yield None
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    order = np.argsort(groups.codes, kind="stable")
    ranks = groups.codes[order]
    for start, end in pairwise([*starts.tolist(), len(pairs)]):
        if end - start < 2:
            continue
        yield None
        group = int(pairs[start, 0])
        words = ", ".join(sorted(folds.texts[fold] for fold in pairs[start:end, 1]))
        text = f"the group '{groups.texts[group]}' stands in the folds {words}"
        low, high = np.searchsorted(ranks, [group, group + 1])
        for place in order[low:high].tolist():
            yield Finding("group_in_two_folds", cohort.ids[place], text, group_column)


def _spacing_outliers(reports: Sequence[Report]) -> Iterator[Finding | None]:
    """Compare the logarithm of each spacing with the median of its key, in robust standard deviations."""
    known: dict[tuple[str, int], tuple[list[str], array[float]]] = {}
    for report in _with_pauses(reports):
        if report is None:
            yield None
            continue
        for key, spacing in report.spacings.items():
            names, steps = known.setdefault((key, len(spacing)), ([], array("d")))
            names.append(report.sample)
            steps.extend(spacing)
    for (key, dims), (names, steps) in known.items():
        yield None
        if len(names) < _FEW:
            continue
        logs = np.log(np.frombuffer(steps)).reshape(-1, dims)
        middle = np.median(logs, axis=0)
        spread = np.maximum(1.4826 * np.median(np.abs(logs - middle), axis=0), _LEAST)
        for place in np.flatnonzero((np.abs(logs - middle) > _FAR * spread).any(1)).tolist():
            own = steps[place * dims : place * dims + dims]
            words = f"a spacing of {_mm(own)}, where most have about {_mm(np.exp(middle).tolist())}"
            yield Finding("spacing_outlier", names[place], words, key)


def _mm(spacing: Sequence[float]) -> str:
    return f"{' x '.join(f'{step:.3g}' for step in spacing)} mm"


def _imbalance(reports: Sequence[Report]) -> Iterator[Finding | None]:
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for report in _with_pauses(reports):
        if report is None:
            yield None
            continue
        for key, value in report.classes.items():
            counts[key][value] += 1
    for key, count in counts.items():
        if len(count) > 1 and max(count.values()) > _RARE * min(count.values()):
            told = ", ".join(f"class {value}: {count[value]}" for value in sorted(count))
            yield Finding("class_imbalance", "", f"{told}; `data.batch.balance` can even this out", key)


def _list(names: Sequence[str], count: int) -> str:
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return ", ".join(names) + more
