"""The base of everything a person can choose: one frozen class, its fields its form and its YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import PydanticCustomError, core_schema

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError, short


class Component(BaseModel):
    """A frozen configuration whose one method does the work on plain arrays or tensors.

    A subclass of a kind (`Loss`, `Processor`, ...) with `@register` above it appears in YAML under its class
    name, in the forms, and in `fuse-gui catalog`. Its docstring's first sentence is its help.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, validate_default=True
    )
    kind: ClassVar[str] = ""

    @classmethod
    def name(cls) -> str:
        """Return the name used in YAML and forms."""
        return cls.__name__

    def to_entry(self) -> dict[str, Any]:
        """Return `{Name: {field: value}}` with every field, as the resolved experiment stores it."""
        return {self.name(): self.model_dump(mode="json")}


class Located(Component):
    """A component that may name files; what it holds of such components is located with it."""

    def located(self, folder: Path) -> Self:
        """Return the component with its paths, and those of the components in it, starting from `folder`."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        changed = {name: moved for name, value in given.items() if (moved := _located(value, folder)) is not value}
        return self.model_copy(update=changed) if changed else self


def _located(value: Any, folder: Path) -> Any:
    """Return what a field holds with the paths of its components starting from `folder`; itself without any."""
    if isinstance(value, Located):
        return value.located(folder)
    if isinstance(value, dict):
        moved = {key: _located(item, folder) for key, item in value.items()}
        return moved if any(moved[key] is not value[key] for key in value) else value
    if isinstance(value, list):
        each = [_located(item, folder) for item in value]
        return each if any(new is not old for new, old in zip(each, value, strict=True)) else value
    return value


class Holds:
    """Says which kind of component a field holds; forms offer the components of that kind."""

    def __init__(self, kind: str) -> None:
        """Take the kind of component that fits."""
        self.kind = kind


class Slot(Holds):
    """Annotates a field that holds another component: `Annotated[Backbone, Slot("backbone")]`.

    Accepts a component of that kind, its name, or `{Name: {field: value}}`.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Let the registry of this kind parse and print the field."""
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.to_entry()),
        )

    def parse(self, value: Any) -> Component:
        """Return the component that `value` describes; nested errors keep their place."""
        if isinstance(value, Component):
            if value.kind != self.kind:
                raise PydanticCustomError(
                    "wrong_kind",
                    "expected a {kind}, got the {other} '{name}'",
                    {"kind": self.kind, "other": value.kind, "name": value.name()},
                )
            return value
        try:
            name, args = split_entry(value)
            cls = registry.get(self.kind, name)
        except FuseError as error:
            raise wrong_entry(error) from None
        try:
            return cls.model_validate(args)
        except ValidationError as error:
            raise PydanticCustomError(
                "nested", "{name} is not complete", {"name": name, "errors": error.errors(), "cls": cls}
            ) from None


def split_entry(value: Any) -> tuple[str, dict[str, Any]]:
    """Take `Name` or `{Name: {field: value}}` apart.

    Raises:
        FuseError: when `value` is neither.
    """
    if isinstance(value, str) and value:
        return value, {}
    if isinstance(value, Mapping) and len(value) == 1:
        name, args = next(iter(value.items()))
        if args is None:
            return str(name), {}
        if isinstance(args, Mapping):
            return str(name), dict(args)
    raise FuseError("not a component", expected="Name or {Name: {field: value}}", got=_shape_of(value))


def wrong_entry(error: FuseError) -> PydanticCustomError:
    """Return the validation error that carries the first problem of `error`."""
    return PydanticCustomError("component", "{text}", {"text": str(error), "problems": error.problems})


def _shape_of(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"a mapping with {len(value)} entries ({', '.join(map(str, value))})"
    return short(value) if value is not None else "nothing"
