"""The cohort health strip: the checks of every sample, a slice at a time, each check a filter."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_engine.core.health import CHECKS, Finding, Passport
from fuse_gui.models.cohort import Cohort
from fuse_gui.models.columns import Column
from fuse_gui.models.filter import Mask
from fuse_gui.models.growing import Growing
from fuse_gui.models.marks import BITS, Marks, checks_of
from fuse_gui.models.project import Project

SLICE = 0.25
"""Seconds of one slice of the checks, so that a click never waits long."""
TELL = 0.5
"""Seconds between two renewals of the columns that the checks fill."""
TRIES = 12
"""Slices in a row that may fail: a file that kills its reader three times is given up, others may follow it."""
CAREFUL = 12
"""Samples that are checked one by one after a failure: what a reader had done before it died is lost."""
FINDINGS = "findings"
NOTED = 4
"""Remarks that are shown; the help of the check has more."""
HELPED = 15
"""Remarks of a check that its help has."""
PASSPORT = ("image.axes", "image.spacing", "image.size", "image.oblique")
"""Columns that the passports fill: axes code, mm and pixels along ([z,] y, x), degrees."""

State = Literal["waiting", "fine", "warning", "blocking"]


@dataclass(frozen=True, eq=False)
class Slice:
    """What the engine found in some samples, by row."""

    findings: tuple[tuple[int, Finding], ...]
    """Row and finding; -1 for the whole cohort."""
    passports: Mapping[int, tuple[Passport, ...]]
    next: int | None
    """Where to go on; None behind what concerns the whole cohort."""
    total: int


class HealthModel:
    """Counts, rows and messages of every check; the checking itself goes on in the background."""

    title = "Cohort health"
    stop_label, start_label, again_label = "Pause", "Continue", "Check again"
    stop_help, start_help = "Stop checking the samples for now", "Check the samples that are left, or all again"

    rest_help = "Show the checks that found nothing too"

    changed = Signal()
    """Counts or progress are others."""
    found = Signal()
    """More rows are marked, or more cells are known."""

    def __init__(self, project: Project) -> None:
        """Take the project; the checks start when its samples are shown."""
        self.project = project
        self.error = ""
        self.done, self.total = 0, 0
        self._settings: object = None
        self._next: int | None = None
        self.reset()
        project.experiment_changed.connect(self._experiment_changed)
        project.closed.connect(self.pause)

    # -- what can be done -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Check the samples, after `reset`."""
        self._ask()

    def pause(self) -> None:
        """Stop checking for now."""
        self._paused = True
        self.project.requests.cancel("health")
        self.changed.emit()

    def resume(self) -> None:
        """Go on where it was stopped, or check all samples again: files may have been mended."""
        if self._next is None:
            self.reset()
            self.found.emit()
        self._paused, self.error, self._failures = False, "", 0
        self._ask()
        self.changed.emit()

    def recount(self) -> None:
        """Count again without the samples that are left out by now, and look at the whole cohort without them."""
        self._count()
        if self._next is None and self._is_stale:
            self._next = self.total
            self._ask()
        self.changed.emit()

    # -- what is said ---------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether samples are being checked."""
        return self._next is not None and not self._paused and not self.error

    @property
    def can_resume(self) -> bool:
        """Whether nobody checks the samples now."""
        return bool(self.total) and not self.running

    @property
    def start_words(self) -> str:
        """What starting the checks would do."""
        return self.again_label if self._next is None else self.start_label

    @property
    def progress(self) -> str:
        """How far the checks are, in words."""
        if not self.total:
            return ""
        if self.error:
            return f"Checking stopped after {self.done:,} of {self.total:,} samples: {self.error}"
        if self._next is not None:
            state = "Paused" if self._paused else "Checking"
            if self._next == self.total:
                return f"{state}: {_samples(self.total)} looked at, the whole cohort is not yet"
            return f"{state}: {self.done:,} of {self.total:,} samples"
        affected = int(np.count_nonzero(self._used))
        return f"Checked {_samples(self.total)}: " + (
            f"{_samples(affected)} with findings" if affected or any(self.counts.values()) else "nothing found"
        )

    def label(self, check: str) -> str:
        """Return the short name of a check and how often it found something."""
        if self.counts[check]:
            return f"{CHECKS[check].title}  {self.counts[check]:,}"
        return f"✓ {CHECKS[check].title}" if self.state(check) == "fine" else CHECKS[check].title

    def state(self, check: str) -> State:
        """Say whether a check found anything, and how bad that is."""
        if self.counts[check]:
            return "blocking" if check in self._own.blocking | self._whole.blocking else "warning"
        return "fine" if self._next is None and self.total else "waiting"

    @property
    def rest(self) -> str:
        """How many checks found nothing, in words; empty where all found something."""
        count = sum(not found for found in self.counts.values())
        if not count:
            return ""
        return f"✓ {count} checks found nothing" if self._next is None else f"{count} checks found nothing so far"

    def help(self, check: str) -> str:
        """Return what a check means, how often it found something, and the first things it found."""
        count = self.counts[check]
        said = f"{count:,} found" if count else "nothing found"
        remarks = [message for name, message in self._remarks if name == check]
        first = self._own.first.get(check) or self._whole.first.get(check, "")
        told = _some(remarks, HELPED) if remarks else [first]
        return "\n".join(
            filter(None, (CHECKS[check].help, f"{said}{' so far' if self._next is not None else ''}.", *told))
        )

    @property
    def remarks(self) -> str:
        """What was found that belongs to no sample, the first of it, a line each."""
        lines = [f"• {CHECKS[name].title}: {message}" for name, message in self._remarks]
        return "\n".join(_some(lines, NOTED))

    def marks_rows(self, check: str) -> bool:
        """Whether the samples a check found something in can be listed: what belongs to no sample cannot."""
        return not self.counts[check] or bool((self._used & BITS[check]).any())

    def messages(self, row: int) -> list[str]:
        """Return what was found in the sample of a row, in words."""
        return [*self._own.messages(row), *self._whole.messages(row)]

    def passport(self, row: int) -> list[str]:
        """Return where each image of a sample lies, a line each."""
        return self._lines.text(row).split("\n") if row < self._rows else []

    def flags(self) -> Mapping[str, Mask]:
        """Return which rows each check found something in, by `check:<name>`."""
        nothing = np.zeros(self._rows, bool)
        return {
            f"check:{name}": (self._used & BITS[name]) != 0 if self.counts[name] else nothing for name in CHECKS
        }

    def columns(self) -> Mapping[str, Column]:
        """Return the columns that the checks have filled so far."""
        found = {name: growing.column() for name, growing in self._passports.items()} if self._known else {}
        bits = self._bits
        if bits.any():
            masks = np.flatnonzero(np.bincount(bits))
            codes = np.zeros(masks[-1] + 1, np.int32)
            codes[masks] = np.arange(len(masks))
            texts = [", ".join(CHECKS[name].title for name in checks_of(int(mask))) for mask in masks]
            found[FINDINGS] = Column.coded(codes[bits], texts)
        return found

    # -- inside ---------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget what was found: the samples, or what is made of them, are others."""
        self.project.requests.cancel("health")
        self._settings = self._relevant()
        self._rows = len(self.project.cohort)
        self._own, self._whole = Marks(self._rows), Marks(self._rows)
        self._used, self._without = self._bits, self.project.cohort.left_out
        self.counts = dict.fromkeys(CHECKS, 0)
        self._passports = {name: Growing(self._rows) for name in PASSPORT}
        self._lines = Growing(self._rows)
        self._known = False
        self._next = 0 if self._rows else None
        self._paused, self._failures, self._careful, self._announced = False, 0, 0, 0.0
        self.error, self.done, self.total = "", 0, self._rows
        self.changed.emit()

    def _experiment_changed(self) -> None:
        if self._rows and self._relevant() != self._settings:
            self.reset()
            self.found.emit()
            self.start()

    def _relevant(self) -> object:
        data = self.project.experiment.data if self.project.experiment else None
        return data.model_dump(include={"input", "gt", "checks"}) if data else None

    def _ask(self) -> None:
        if self.running:
            self._without = self.project.cohort.left_out
            self.project.ask(
                "health", "health", self._arrived, failed=self._failed, background=True,
                read=partial(read_slice, self.project.cohort), start=self._next,
                seconds=0.0 if self._careful else SLICE,
            )  # fmt: skip

    def _failed(self, error: FuseError) -> None:
        self._failures, self._careful = self._failures + 1, CAREFUL
        if self._failures < TRIES:
            self._ask()
            return
        self.error = error.problems[0].message
        self.changed.emit()

    def _arrived(self, found: Slice) -> None:
        self._failures, self._careful = 0, max(self._careful - 1, 0)
        if found.next is None:
            self._whole = Marks(self._rows)
        self._take(found)
        self._next, self.total = found.next, found.total
        self.done = found.total if found.next is None else found.next
        if found.next is None and self._is_stale:
            self._next = found.total
        if found.next is None or time.monotonic() - self._announced > TELL:
            self._announced = time.monotonic()
            self._count()
            self.changed.emit()
            self.found.emit()
        self._ask()

    @property
    def _is_stale(self) -> bool:
        """Whether other samples are left out than when the whole cohort was looked at."""
        return not np.array_equal(self._without, self.project.cohort.left_out)

    def _count(self) -> None:
        used = np.where(self.project.cohort.left_out, np.uint32(0), self._bits)
        general = self._own.general + self._whole.general
        self._used = used
        self.counts = {name: int(np.count_nonzero(used & bit)) + general[name] for name, bit in BITS.items()}

    def _take(self, found: Slice) -> None:
        marks = self._whole if found.next is None else self._own
        for row, finding in found.findings:
            marks.put(row, finding)
        for row, passports in found.passports.items():
            self._known = True
            self._lines.put(row, "\n".join(map(in_words, passports)))
            for name, text in zip(PASSPORT, cells(passports), strict=True):
                self._passports[name].put(row, text)

    @property
    def _bits(self) -> NDArray[np.uint32]:
        return self._own.bits | self._whole.bits

    @property
    def _remarks(self) -> list[tuple[str, str]]:
        return [*self._own.remarks, *self._whole.remarks]


def read_slice(cohort: Cohort, reply: Mapping[str, Any]) -> Slice:
    """Return what the engine's `health` answered, by row."""
    findings = [Finding.from_json(value) for value in reply["findings"]]
    passports = [Passport.from_json(value) for value in reply["passports"]]
    rows = _rows_of(cohort, [*(finding.sample for finding in findings), *(one.sample for one in passports)])
    by_row: dict[int, tuple[Passport, ...]] = {}
    for row, passport in zip(rows[len(findings) :].tolist(), passports, strict=True):
        if row >= 0:
            by_row[row] = (*by_row.get(row, ()), passport)
    marked = zip(rows[: len(findings)].tolist(), findings, strict=True)
    rest = reply["next"]
    return Slice(tuple(marked), by_row, None if rest is None else int(rest), int(reply["total"]))


def _rows_of(cohort: Cohort, ids: Sequence[str]) -> NDArray[np.int64]:
    unique = list(dict.fromkeys(ids))
    place = dict(zip(unique, cohort.rows_of(unique).tolist(), strict=True))
    return np.array([place[name] for name in ids], np.int64)


def cells(passports: Sequence[Passport]) -> tuple[str, ...]:
    """Return what the columns of the passport say of a sample; images that differ are all named."""
    axes = " / ".join(dict.fromkeys(one.axes for one in passports))
    spacing = " / ".join(dict.fromkeys(_times(one.spacing) for one in passports))
    size = " / ".join(dict.fromkeys(_times(one.size) for one in passports))
    return axes, spacing, size, f"{max(one.oblique_deg for one in passports):.3g}"


def in_words(passport: Passport) -> str:
    """Return a passport as one line."""
    parts = [f"{_times(passport.size)} pixels", f"{_times(passport.spacing)} mm", passport.axes]
    if passport.oblique_deg >= 0.05:
        parts.append(f"oblique {passport.oblique_deg:.3g}°")
    if passport.grid_matches is not None:
        parts.append("on the grid of its image" if passport.grid_matches else "not on the grid of its image")
    return f"{passport.column.removeprefix('data.')}: {', '.join(filter(None, parts))}"


def _times(numbers: Sequence[float]) -> str:
    return " × ".join(f"{number:.4g}" for number in numbers)


def _samples(count: int) -> str:
    return f"{count:,} sample{'' if count == 1 else 's'}"


def _some(lines: Sequence[str], most: int) -> list[str]:
    return [*lines[:most], *([f"… and {len(lines) - most:,} more"] if len(lines) > most else [])]
