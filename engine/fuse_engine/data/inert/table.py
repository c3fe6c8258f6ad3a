"""The table in a pickled DataFrame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fuse_engine.core.errors import FuseError
from fuse_engine.data.cells import text_table
from fuse_engine.data.inert.arrays import is_array, read_array
from fuse_engine.data.inert.columns import Columns
from fuse_engine.data.inert.machine import parse
from fuse_engine.data.inert.records import Budget, fields, is_call, unexpected


def read_content(content: bytes) -> pa.Table:
    """Return the DataFrame in a pickle as text; nothing that the pickle names is looked up, imported or called.

    An index that has a name, or more than counts the rows, becomes the first columns.

    Raises:
        FuseError: when it is no pickle, is damaged, or holds anything but a DataFrame of plain values.
    """
    budget = Budget(len(content))
    record = parse(content, budget)
    if not is_call(record, "pandas", "DataFrame"):
        raise unexpected(record, "a pickled pandas DataFrame")
    state = fields(record.state)
    try:
        return _frame(state.get("_mgr", state.get("_data")), Columns(budget), budget)
    # what pandas says of dates that no calendar holds, and Python of indexes in indexes in indexes
    except (ValueError, ArithmeticError, NotImplementedError, RecursionError) as error:
        raise FuseError("the pickle is damaged", got=str(error)[:200]) from None


def _frame(manager: Any, columns: Columns, budget: Budget) -> pa.Table:
    axes, blocks = _manager(manager)
    names = _labels(columns.index(axes[0]), columns)
    index = columns.index(axes[1])
    count = len(index[0][1])
    if any(len(level) != count for _, level in index):
        raise FuseError("the pickle is damaged", expected="levels of one length")
    found: list[Any] = [None] * len(names)
    for values, places in blocks:
        parts = columns.block(values)
        chosen = _places(places, len(names), budget)
        if len(parts) != len(chosen) or any(found[place] is not None for place in chosen):
            raise FuseError("the pickle is damaged", expected="one array for each column")
        for place, part in zip(chosen, parts, strict=True):
            found[place] = _column(part, names[place], count, columns)
    if any(part is None for part in found):
        raise FuseError("the pickle is damaged", expected="one array for each column")
    labels, levels = _kept(index, names, axes[1], columns)
    frame = pd.DataFrame(dict(enumerate([*levels, *found])), index=range(count))
    frame.columns = pd.Index([*labels, *names], dtype=object)
    return text_table(frame)


def _manager(record: Any) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """Return the axes, columns first, and the blocks as values and places."""
    if not is_call(record, "pandas", "BlockManager"):
        raise unexpected(record, "the blocks of a DataFrame")
    if isinstance(record.state, tuple) and len(record.state) > 3:  # pandas 0.14 to 1.2
        state = fields(fields(record.state[3]).get("0.14.1"))
        axes, parts = state.get("axes"), state.get("blocks")
        blocks = [fields(part) for part in parts] if isinstance(parts, list | tuple) else []
        pairs = [(block.get("values"), block.get("mgr_locs")) for block in blocks]
    else:
        axes, parts = record.args[1] if len(record.args) == 2 else None, record.args[0] if record.args else None
        pairs = [_block(part) for part in parts] if isinstance(parts, list | tuple) else []
    if not isinstance(axes, list) or len(axes) != 2:
        raise unexpected(axes, "two axes")
    return axes, pairs


def _block(record: Any) -> tuple[Any, Any]:
    if not is_call(record, "pandas", "_unpickle_block") or len(record.args) < 2:
        raise unexpected(record, "a block of a DataFrame")
    return record.args[0], record.args[1]


def _places(record: Any, count: int, budget: Budget) -> list[int]:
    """Return the positions of the columns that a block holds."""
    if is_call(record, "pandas", "BlockPlacement") and record.args:
        record = record.args[0]
    found: list[int] | None = None
    if is_call(record, "builtins", "slice") and _is_slice(record.args):
        found = list(range(*slice(*record.args).indices(count)))
    elif is_array(record):
        positions = read_array(record, budget)
        if positions.dtype.kind in "iu" and positions.ndim == 1 and np.isin(positions, range(count)).all():
            found = positions.tolist()
    if found is None:
        raise unexpected(record, "the positions of columns")
    return found


def _is_slice(args: tuple[Any, ...]) -> bool:
    whole = all(part is None or (type(part) is int and abs(part) < 2**62) for part in args)
    return whole and len(args) == 3 and args[2] != 0


def _column(part: Any, name: str, count: int, columns: Columns) -> pd.Series:
    try:
        found = columns.column(part)
    except FuseError as error:
        problem = error.problems[0]
        raise FuseError(
            f"column '{name}': {problem.message}", expected=problem.expected, got=problem.got
        ) from None
    if len(found) != count:
        raise FuseError(f"column '{name}' of the pickle is damaged", expected=f"{count} rows", got=str(len(found)))
    return found


def _labels(levels: list[tuple[Any, pd.Series]], columns: Columns) -> list[str]:
    texts = [columns.texts(level) for _, level in levels]
    return ["/".join(text or "" for text in label) for label in zip(*texts, strict=True)]


def _kept(
    index: list[tuple[Any, pd.Series]], names: list[str], axis: Any, columns: Columns
) -> tuple[list[str], list[pd.Series]]:
    """Return names and columns of an index that says more than the position of a row."""
    cls = axis.args[0]
    if len(index) == 1 and index[0][0] is None and getattr(cls, "name", "") == "RangeIndex":
        return [], []
    single = "index" if len(index) == 1 and "index" not in names else ""
    labels = [
        columns.name(name) if name is not None else single or f"level_{place}"
        for place, (name, _) in enumerate(index)
    ]
    return labels, [level for _, level in index]
