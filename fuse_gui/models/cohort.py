"""The table of samples as the panels see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fuse_engine.core.errors import Problem

PART = "part"
"""The column that says what a sample is used for: train, validation or test."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """The samples of the open experiment, one row each, every column as text."""

    frame: pd.DataFrame
    """The id column first, then `part`, then the columns of the table."""
    id: str = "id"
    """Name of the id column."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the table: duplicate ids, missing files, leaks."""

    @classmethod
    def from_reply(cls, reply: Mapping[str, Any]) -> Cohort:
        """Return what the engine's `cohort` described."""
        name, parts = str(reply["id"]), reply["folds"]
        frame = pd.DataFrame(reply["rows"], columns=[str(column) for column in reply["columns"]], dtype="str")
        frame = frame.fillna("").drop(columns=[PART], errors="ignore")
        ids = frame.pop(name)
        frame.insert(0, name, ids)
        frame.insert(1, PART, ids.map(parts).astype("str").fillna(""))
        problems = tuple(Problem(**problem) for problem in reply["problems"])
        return cls(frame, name, problems)

    @property
    def ids(self) -> list[str]:
        """Ids of all samples, in the order of the table."""
        return list(self.frame[self.id])

    def __contains__(self, sample_id: object) -> bool:
        """Say whether there is a sample of that id."""
        return bool((self.frame[self.id] == sample_id).any())

    def counts(self, column: str) -> dict[str, int]:
        """Return how often each text stands in a column, the texts in order."""
        found = self.frame[column].value_counts()
        return {str(text): int(number) for text, number in sorted(found.items(), key=lambda item: str(item[0]))}

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.frame)


EMPTY = Cohort(pd.DataFrame({"id": [], PART: []}, dtype="str"))
"""What there is before an experiment is open."""
