"""What every group of settings is, and how a component is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from fuse_engine.core.component import split_entry, wrong_entry
from fuse_engine.core.errors import FuseError


class Section(BaseModel):
    """A group of settings; frozen, so a change is a new experiment."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, populate_by_name=True
    )


class Spec(Section):
    """A component as written: its name and the arguments as they came; the registry gives them types."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_entry(cls, value: Any) -> Any:
        if isinstance(value, Spec) or (isinstance(value, Mapping) and "name" in value):
            return value
        try:
            name, args = split_entry(value)
        except FuseError as error:
            raise wrong_entry(error) from None
        return {"name": name, "args": args}

    @model_serializer(mode="wrap")
    def _to_entry(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {self.name: dict(self.args)}


def word_or_number(value: Any, words: tuple[str, ...], least: float, whole: bool) -> Any:
    """Refuse in one sentence what is neither a word nor a number; a union would say one for each member."""
    if value is None or value in words:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -math.inf
    if not least <= number < math.inf or (whole and number % 1):
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"expected {', '.join(words)} or {kind} of {least:g} or more")
    return int(number) if whole else number
