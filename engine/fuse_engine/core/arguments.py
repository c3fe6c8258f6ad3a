"""Arguments of what a component calls by name: plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator


def _typed(value: Any) -> Any:
    """Return plain data with the numbers, true, false and null that a file's text stands for."""
    if isinstance(value, Mapping):
        return {str(key): _typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(item) for item in value]
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    finite = not isinstance(found, float) or math.isfinite(found)
    return found if finite and not isinstance(found, str | list | dict) else value


Argument = Annotated[bool | int | float | str | list[Any] | dict[str, Any] | None, BeforeValidator(_typed)]
"""Plain data, nothing that can be called."""
