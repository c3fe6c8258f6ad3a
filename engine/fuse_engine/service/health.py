"""What is wrong with the samples of an experiment, found in slices, so that the window can show and stop it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.health import Finding
from fuse_engine.data.doctor import Doctor, Report, Verdicts, cohort_findings, round_trips
from fuse_engine.data.source import Cohort
from fuse_engine.run.gate import doctor_of
from fuse_engine.service.opened import Recent, open_browsed, open_cohort, open_experiment
from fuse_engine.service.work import Work

_EVERY = 100
"""Samples between two reports of progress."""


@dataclass(frozen=True)
class _Round:
    """What the doctor has seen so far of one cohort, also of the samples that are left out of it."""

    doctor: Doctor
    cohort: Cohort
    reports: dict[str, Report] = field(default_factory=dict)

    def examine(self, name: str, verdicts: Verdicts) -> Report:
        """Look at one sample, again if need be: its file may be another one by now."""
        self.reports[name] = self.doctor.examine(self.cohort.row(name), verdicts)
        return self.reports[name]

    def of(self, cohort: Cohort, work: Work, verdicts: Verdicts) -> list[Report]:
        """Return the report of every sample; those that a worker made before it died are made again."""
        found = []
        for place, name in enumerate(cohort.ids):
            if place % _EVERY == 0:
                work.progress(place / len(cohort), "looking at the whole cohort")
            found.append(self.reports.get(name) or self.examine(name, verdicts))
        return found


_rounds: Recent[_Round] = Recent(2)


def health(work: Work, experiment: str, folder: str, start: int, seconds: float = 0.4) -> dict[str, Any]:
    """Return findings and passports of the samples from `start` on, for `seconds`, less where a person waits.

    `next` is where to go on; with the last samples it is None, and the findings of the whole cohort come along.
    Samples that are left out are looked at too, so that leaving out another one moves no place; what is found in
    the whole cohort is without them.

    Raises:
        FuseError: when the source cannot be read, or a step is wrong.
    """
    opened = open_experiment(experiment, folder)
    seen = _round(opened)
    total, end, place = len(seen.cohort), time.monotonic() + seconds, start
    reports: list[Report] = []
    findings: list[Finding] = []
    with Verdicts() as verdicts:
        while place < total and (place == start or (time.monotonic() < end and not work.hurried)):
            work.check()
            reports.append(seen.examine(seen.cohort.ids[place], verdicts))
            place += 1
        findings += [finding for report in reports for finding in report.findings]
        if place >= total:
            used = open_cohort(opened)
            findings += cohort_findings(opened, used, seen.of(used, work, verdicts))
    return {
        "findings": [finding.to_json() for finding in findings],
        "passports": [passport.to_json() for report in reports for passport in report.passports],
        "next": place if place < total else None, "total": total,
    }  # fmt: skip


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
