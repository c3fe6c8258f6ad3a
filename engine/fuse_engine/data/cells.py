"""Cells of any type as text, and what a table must not have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from fuse_engine.core.errors import FuseError


def text_table(frame: pd.DataFrame) -> pa.Table:
    """Return a DataFrame as text; missing values become empty.

    Raises:
        FuseError: when two columns have one name, or a cell is no text.
    """
    names = [str(name) for name in frame.columns]
    refuse_twins(names)
    return pa.table([_column(frame.iloc[:, index], name) for index, name in enumerate(names)], names)


def text_column(texts: Sequence[str], name: str) -> pa.Array:
    """Return a column of texts.

    Raises:
        FuseError: when a text holds half a character, which no file can hold.
    """
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        row = next(index for index, text in enumerate(texts, 1) if not _whole(text))
        got = ascii(texts[row - 1])
        raise FuseError(f"the cell of column '{name}' in row {row} is no text", got=got) from None


def refuse_twins(names: Sequence[str], source: str = "") -> None:
    """Refuse a header in which two columns have one name."""
    seen: dict[str, int] = {}
    for index, name in enumerate(names, 1):
        if name in seen:
            label = f"are called '{name}'" if name else "have no name"
            raise FuseError(f"columns {seen[name]} and {index} {label}", source=source)
        seen[name] = index


def _column(column: pd.Series, name: str) -> pa.Array:
    present = column.notna()
    values = column[present]
    # pandas widens whole numbers to floats as soon as one is missing: 7 would come back as 7.0
    if values.dtype == float and not present.all() and (values % 1 == 0).all() and (values.abs() < 2**53).all():
        column = column.astype("Int64")
    if isinstance(column.dtype, np.dtype) and not column.dtype.isnative:
        column = column.astype(column.dtype.newbyteorder("="))
    texts = column if column.dtype == object else column.astype("string")
    return text_column([str(text) if there else "" for text, there in zip(texts, present, strict=True)], name)


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
