"""How commands say things: lines for people, JSON for scripts."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def print_json(value: Any) -> None:
    """Print plain data; numbers that are not finite become null."""
    print(json.dumps(_finite(value), indent=1, allow_nan=False, default=str))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns that line up."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def warn(text: str) -> None:
    """Say what does not end the command."""
    print(f"warning: {text}", file=sys.stderr)


def one_line(text: str) -> str:
    """Return a text of a file as one line that a terminal only prints."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def number(value: float | None) -> str:
    """Return a measured number with four digits; a value that is not defined as `-`."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float | None]]:
    """Return every figure of nested ones by dotted name, e.g. `auc.macro_avg`."""
    found: list[tuple[str, float | None]] = []
    for name, value in values.items():
        found += flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(f"{prefix}{name}", value)]
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
