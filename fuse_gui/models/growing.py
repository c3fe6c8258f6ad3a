"""A column of a table that becomes known row by row."""

from __future__ import annotations

import numpy as np

from fuse_gui.models.columns import Column


class Growing:
    """Texts of rows, each kept once however many rows have it; empty at first."""

    def __init__(self, rows: int) -> None:
        """Take the number of rows."""
        self._codes = np.zeros(rows, np.int32)
        self._texts, self._places = [""], {"": 0}

    def put(self, row: int, text: str) -> None:
        """Set the text of a row."""
        if text not in self._places:
            self._places[text] = len(self._texts)
            self._texts.append(text)
        self._codes[row] = self._places[text]

    def text(self, row: int) -> str:
        """Return the text of a row."""
        return self._texts[int(self._codes[row])]

    def column(self) -> Column:
        """Return the column as it is now; it does not grow with this one."""
        return Column.coded(self._codes.copy(), self._texts)
