"""The classification task of a mammography study: which findings make which class."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from fuse_engine.core.errors import SampleError, nearest
from fuse_engine.core.registry import register
from fuse_engine.data import Processor, Row, Value


@register
class LabelTask(Processor):
    """Gives the number of the class whose conditions a row meets.

    A condition is met when the column holds one of the listed values. Normal or benign against positive:
    `{negative: {biopsy: [normal, benign]}, positive: {biopsy: [positive]}}`.
    """

    classes: dict[str, dict[str, list[str]]] = Field(min_length=2)
    """Class name -> column -> values; the order numbers the classes from 0."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the class number.

        Raises:
            SampleError: when the row meets the conditions of no class, or of several.
        """
        met = [name for name, conditions in self.classes.items() if _meets(row, conditions)]
        if len(met) == 1:
            return list(self.classes).index(met[0])
        columns = sorted({column for conditions in self.classes.values() for column in conditions})
        got = ", ".join(f"{column} '{row.text(column)}'" for column in columns)
        allowed = [text for conditions in self.classes.values() for texts in conditions.values() for text in texts]
        raise SampleError(
            f"fits {len(met)} classes of the task" if met else "fits no class of the task",
            sample=row.id, expected=f"exactly one of {', '.join(self.classes)}", got=got,
            nearest="" if met else nearest(row.text(columns[0]), allowed),
        )  # fmt: skip

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Name the columns of the conditions."""
        return {column: row.text(column) for conditions in self.classes.values() for column in conditions}


def _meets(row: Row, conditions: dict[str, list[str]]) -> bool:
    return all(row.text(column) in values for column, values in conditions.items())
