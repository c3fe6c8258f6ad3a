"""What is odd about the samples of an experiment and can be gone on with."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.health import CHECKS
from fuse_engine.data.source import excluded
from fuse_engine.data.split import Folds, divide

_NAMED = 3
"""Remarks and samples of one kind that are named."""


def remarks(experiment: Experiment, folds: Folds) -> list[Problem]:
    """Return what the source found odd, which excluded samples it does not list, and what is said of the split.

    Raises:
        FuseError: when the table of excluded samples cannot be read.
    """
    cohort = folds.cohort
    gone = [name for name in excluded(experiment) if name not in cohort.left_out]
    return [*_of_source(cohort.remarks), *_of_excluded(gone), *folds.remarks]


def divided(experiment: Experiment) -> Folds | None:
    """Return the folds of an experiment, None where it cannot be divided: `check` says why."""
    try:
        return divide(experiment)
    except FuseError:
        return None


def _of_source(found: tuple[Problem, ...]) -> list[Problem]:
    """Return one remark for each check, with how many there are and the first of them."""
    by_check: dict[str, list[Problem]] = defaultdict(list)
    for remark in found:
        by_check[remark.where if remark.where in CHECKS else "unmatched"].append(remark)
    told = {
        name: [str(replace(remark, where="", expected="")) for remark in same] for name, same in by_check.items()
    }
    return [
        Problem(f"{CHECKS[name].title} ({len(texts)}): {_first(texts, '; ')}", "data.source")
        for name, texts in told.items()
    ]


def _of_excluded(gone: list[str]) -> list[Problem]:
    if not gone:
        return []
    count = "1 excluded sample is" if len(gone) == 1 else f"{len(gone)} excluded samples are"
    return [Problem(f"{count} not in the source: {_first(gone, ', ')}", "data.excluded")]


def _first(texts: list[str], between: str) -> str:
    more = f"{between}and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return f"{between.join(texts[:_NAMED])}{more}"
