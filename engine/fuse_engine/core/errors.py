"""What goes wrong, said so that the reader knows the next move."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Self

_TRIED = 5000
"""Names that are compared with a wrong one; a million ids would take half a minute."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, what was expected, what came, and the nearest right answer."""

    message: str
    where: str = ""
    """Dotted path in the experiment, e.g. `model.MultiHead.backbone`."""
    source: str = ""
    """`file:line` or the command-line option it was read from."""
    sample: str = ""
    """Id of the sample, where one sample is to blame."""
    expected: str = ""
    got: str = ""
    nearest: str = ""
    check: str = ""
    """Name of the check in `core.health` that it belongs to, where a sample is to blame; not part of the text."""

    def __str__(self) -> str:
        """One line: place, message, expectation, what came, suggestion."""
        sample = f"sample '{self.sample}'" if self.sample else ""
        head = ": ".join(part for part in (self.source, self.where, sample) if part)
        tail = [self.message]
        if self.expected:
            tail.append(f"expected {self.expected}")
        if self.got:
            tail.append(f"got {self.got}")
        if self.nearest:
            tail.append(f"did you mean '{self.nearest}'?")
        return f"{head}: {'; '.join(tail)}" if head else "; ".join(tail)

    def to_json(self) -> dict[str, str]:
        """Return the non-empty fields as plain text."""
        return {name: value for name, value in asdict(self).items() if value}


class FuseError(Exception):
    """A failure a person can act on; carries one or more problems and survives pickling."""

    def __init__(self, *problems: Problem | str, **fields: str) -> None:
        """Take ready problems, or one message with the fields of `Problem`."""
        self.problems = tuple(p if isinstance(p, Problem) else Problem(p, **fields) for p in problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        """Return one line for each problem."""
        return "\n".join(str(problem) for problem in self.problems)

    def placed(self, **fields: str) -> Self:
        """Return the error with `where`, `source` or `sample` filled in where a problem does not say it."""
        return type(self)(
            *(
                replace(problem, **{name: text for name, text in fields.items() if not getattr(problem, name)})
                for problem in self.problems
            )
        )


class ExperimentError(FuseError):
    """The experiment file or an override cannot be used."""


class KeyMissing(FuseError, KeyError):
    """A dotted key that the batch dict does not hold."""

    __str__ = FuseError.__str__


class SampleError(FuseError):
    """One sample cannot be read or processed."""


class RunError(FuseError):
    """A run cannot be started, continued or read."""


def nearest(name: str, options: Iterable[str]) -> str:
    """Return the one of the first few thousand options that looks most like `name`, or an empty text."""
    options = list(islice(options, _TRIED))
    found = difflib.get_close_matches(str(name), options, 1, 0.5)
    if found:
        return found[0]
    folded = {option.casefold(): option for option in options}
    return next((folded[key] for key in difflib.get_close_matches(name.casefold(), folded, 1, 0.5)), "")


def short(value: Any, limit: int = 80) -> str:
    """Return `value` as a person would type it, cut to `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
