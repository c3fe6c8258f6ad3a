"""Everything known about the sample that is looked at: values, findings, grid, and every cell of the table."""

from __future__ import annotations

from dataclasses import dataclass

from fuse_gui.models.cohort import REASON
from fuse_gui.models.heads import class_names
from fuse_gui.models.health import FINDINGS, PASSPORT, HealthModel
from fuse_gui.models.project import Project
from fuse_gui.models.rows import cut

LONGEST = 1_000
"""Letters of a value that are shown."""
HIDDEN = (FINDINGS, REASON, *PASSPORT)
"""Columns of ours that the sections say in more words."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it: names and values."""

    title: str
    rows: tuple[tuple[str, str], ...]


def details(project: Project, health: HealthModel, row: int | None) -> tuple[Section, ...]:
    """Return what is known about the chosen sample, which stands in `row` of the table."""
    values = tuple((key.removeprefix("data."), _named(project, key, text)) for key, text in project.values.items())
    sections = [Section("Values", values)]
    if row is not None:
        cohort = project.cohort
        reason = cohort.excluded.get(project.sample_id)
        findings = [("excluded", reason or "without a reason")] if reason is not None else []
        findings += [("found", message) for message in health.messages(row)]
        grids = tuple(line.partition(": ")[::2] for line in health.passport(row) if line)
        texts = ((name, column.text(row)) for name, column in cohort.columns.items() if name not in HIDDEN)
        cells = tuple((name, cut(text, LONGEST)) for name, text in texts)
        sections = [
            Section("Findings", tuple(findings)),
            *sections,
            Section("Images", grids),
            Section("Table", cells),
        ]
    return tuple(section for section in sections if section.rows)


def _named(project: Project, key: str, text: str) -> str:
    names = class_names(project.experiment, key.removeprefix("data.gt.")) if project.experiment else ()
    return f"{text} ({names[int(text)]})" if text.isdecimal() and int(text) < len(names) else text
