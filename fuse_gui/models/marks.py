"""What the checks found: a bit for each check in each row, counts, and the messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.health import CHECKS, Finding

KEPT = 20_000
"""Messages that are kept; all others are counted, and their samples marked."""
BITS = {name: np.uint32(1 << place) for place, name in enumerate(CHECKS)}
"""What stands for each check in the marks of a row."""


class Marks:
    """Findings, those of a sample by its row, the others as remarks."""

    def __init__(self, rows: int) -> None:
        """Start with nothing found in so many rows."""
        self.bits: NDArray[np.uint32] = np.zeros(rows, np.uint32)
        self.general: Counter[str] = Counter()
        """How often each check found something that belongs to no sample."""
        self.remarks: list[tuple[str, str]] = []
        """Check and message of what belongs to no sample."""
        self.blocking: set[str] = set()
        """Checks that found something which blocks training."""
        self.first: dict[str, str] = {}
        """First message of each check."""
        self._messages: dict[int, list[tuple[str, str]]] = {}
        self._told = 0

    def put(self, row: int, finding: Finding) -> None:
        """Note a finding; -1 is the row of what belongs to no sample."""
        told = (finding.check, finding.message)
        self.first.setdefault(*told)
        if finding.blocks:
            self.blocking.add(finding.check)
        self._told += 1
        if row < 0:
            self.general[finding.check] += 1
            self.remarks += [told] if self._told <= KEPT else []
            return
        self.bits[row] |= BITS[finding.check]
        if self._told <= KEPT:
            known = self._messages.setdefault(row, [])
            # the source of a sample and the sample itself often say the same, one of them in more words
            known[:] = [one for one in known if one[0] != finding.check or one[1] not in finding.message]
            if not any(check == finding.check and finding.message in message for check, message in known):
                known.append(told)

    def messages(self, row: int) -> Iterator[str]:
        """Yield what was found in a row, in words; where no message was kept, the title of the check."""
        told = self._messages.get(row, [])
        yield from (message for _, message in told)
        known = {check for check, _ in told}
        yield from (CHECKS[name].title for name in checks_of(int(self.bits[row])) if name not in known)


def checks_of(bits: int) -> list[str]:
    """Return the checks that the marks of a row stand for."""
    return [name for name, bit in BITS.items() if bits & int(bit)]
