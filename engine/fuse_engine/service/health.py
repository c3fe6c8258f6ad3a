"""What is wrong with the samples of an experiment, found in slices, so that the window can show and stop it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.health import Finding
from fuse_engine.data.doctor import Doctor, Report, Verdicts, cohort_findings, round_trips, source_findings
from fuse_engine.data.source import Cohort
from fuse_engine.run.gate import doctor_of
from fuse_engine.service.opened import Recent, open_browsed, open_cohort, open_experiment
from fuse_engine.service.work import Work

T = TypeVar("T")
_NONE: Mapping[str, str] = {}


@dataclass
class _Whole:
    """What is found in a whole cohort, as far as there was time for it."""

    cohort: Cohort
    unseen: Iterator[str]
    """Samples of which nothing is known: a worker that died had looked at them."""
    rest: Iterator[Finding | None] | None = None
    findings: list[Finding] = field(default_factory=list)


@dataclass
class _Round:
    """What the doctor has seen so far of one cohort, also of the samples that are left out of it."""

    doctor: Doctor
    cohort: Cohort
    reports: dict[str, Report] = field(default_factory=dict)
    facts: dict[tuple[tuple[str, Any], ...], Mapping[str, Any]] = field(default_factory=dict)
    whole: _Whole | None = None

    def examine(self, name: str, verdicts: Verdicts) -> Report:
        """Look at one sample, again if need be: its file may be another one by now."""
        found = self.doctor.examine(self.cohort.row(name), verdicts)
        # a million reports are heavy: without what was sent, and with one mapping for all that say the same
        self.reports[name] = replace(
            found, findings=(), passports=(), digests=found.digests or _NONE,
            spacings=self._shared(found.spacings), classes=self._shared(found.classes),
        )  # fmt: skip
        return found

    def _shared(self, facts: Mapping[str, T]) -> Mapping[str, T]:
        found: Mapping[str, T] = self.facts.setdefault(tuple(facts.items()), facts)
        return found

    def look_at_whole(
        self, experiment: Experiment, used: Cohort, verdicts: Verdicts, over: Callable[[], bool]
    ) -> list[Finding] | None:
        """Return what is found in all samples in use; None where time was `over`, to be called again."""
        if self.whole is None or self.whole.cohort is not used:
            self.whole = _Whole(used, iter([name for name in used.ids if name not in self.reports]))
        whole = self.whole
        for name in whole.unseen:
            self.examine(name, verdicts)
            if over():
                return None
        if whole.rest is None:
            whole.rest = cohort_findings(experiment, used, [self.reports[name] for name in used.ids])
        for found in whole.rest:
            if found is not None:
                whole.findings.append(found)
            elif over():
                return None
        self.whole = None
        return whole.findings


_rounds: Recent[_Round] = Recent(2)


def health(work: Work, experiment: str, folder: str, start: int, seconds: float = 0.4) -> dict[str, Any]:
    """Return findings and passports of the samples from `start` on, for `seconds`, less where a person waits.

    `next` is where to go on. Behind the last sample it stays the same until there was time to look at the whole
    cohort; then it is None, and the findings of the whole cohort come along. What the source found odd comes with
    the first samples. Samples that are left out are looked at too, so that leaving out another one moves no place;
    what is found in the whole cohort is without them.

    Raises:
        FuseError: when the source cannot be read, or a step is wrong.
    """
    opened = open_experiment(experiment, folder)
    seen = _round(opened)
    total, end, place = len(seen.cohort), time.monotonic() + seconds, start

    def over() -> bool:
        work.check()
        return time.monotonic() >= end or work.hurried

    reports: list[Report] = []
    findings = list(source_findings(seen.cohort, seen.doctor.pipelines)) if start == 0 else []
    wide: list[Finding] | None = None
    with Verdicts() as verdicts:
        while place < total and (place == start or not over()):
            work.check()
            reports.append(seen.examine(seen.cohort.ids[place], verdicts))
            place += 1
        if start >= total:
            wide = seen.look_at_whole(opened, open_cohort(opened), verdicts, over)
        else:
            seen.whole = None
    findings += [*(finding for report in reports for finding in report.findings), *(wide or ())]
    return {
        "findings": [finding.to_json() for finding in findings],
        "passports": [passport.to_json() for report in reports for passport in report.passports],
        "next": place if wide is None else None, "total": total,
    }  # fmt: skip


def spread(work: Work, experiment: str, folder: str, count: int) -> list[str]:
    """Return the ids of `count` samples in use, or of all, evenly spread over them.

    Raises:
        FuseError: when the source cannot be read.
    """
    ids = open_cohort(open_experiment(experiment, folder)).ids
    count = min(count, len(ids))
    return [ids[place * len(ids) // count] for place in range(count)]


def roundtrip(work: Work, experiment: str, folder: str, id: str) -> dict[str, Any]:  # noqa: A002 the protocol's name
    """Return for every pipeline that makes an image what its steps do to the place of what they show.

    Raises:
        SampleError: naming sample and step.
    """
    opened = open_experiment(experiment, folder)
    dataset = open_browsed(opened)
    trips = round_trips(dataset.pipelines, dataset.cohort.row(id), opened.data.checks, work.check)
    return {key: trip.to_json() for key, trip in trips.items()}


def _round(experiment: Experiment) -> _Round:
    cohort = open_cohort(experiment, whole=True)
    # the round keeps its cohort alive, so the number stays its own
    key = (id(cohort), experiment.to_yaml())
    return _rounds.get(key, lambda: _Round(doctor_of(experiment), cohort))
