"""Turns pydantic's validation errors into problems a person can act on."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from fuse_engine.core.document import Place
from fuse_engine.core.errors import Problem, nearest, short


def problems_of(
    error: ValidationError, cls: type[BaseModel], source: Callable[[Place], str], prefix: Place = ()
) -> list[Problem]:
    """Return one problem for each error; `prefix` is the place of `cls` in the experiment."""
    return list(_walk(error.errors(), cls, source, prefix))


def _walk(
    errors: Iterable[Any], cls: type[BaseModel], source: Callable[[Place], str], prefix: Place
) -> Iterable[Problem]:
    for item in errors:
        place: Place = (*prefix, *item["loc"])
        context = item.get("ctx") or {}
        if item["type"] == "nested":
            yield from _walk(context["errors"], context["cls"], source, (*place, context["name"]))
            continue
        where = ".".join(map(str, place))
        if item["type"] == "component":
            inner: Problem = context["problems"][0]
            yield Problem(
                inner.message, where, source(place), expected=inner.expected, got=inner.got, nearest=inner.nearest
            )
        elif item["type"] == "extra_forbidden":
            known = _fields_at(cls, item["loc"][:-1])
            yield Problem(
                f"unknown field '{item['loc'][-1]}'", where, source(place),
                expected=f"one of {', '.join(known)}" if known else "",
                nearest=nearest(str(item["loc"][-1]), known),
            )  # fmt: skip
        elif item["type"] == "missing":
            yield Problem(f"'{item['loc'][-1]}' is missing", where, source(place))
        else:
            yield Problem(_plain(item["msg"]), where, source(place), got=short(item["input"]))


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _fields_at(cls: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    current: Any = cls
    for part in loc:
        current = _inside(current, part)
    current = _unwrap(current)
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return []
    return [info.alias or name for name, info in current.model_fields.items()]


def _inside(annotation: Any, part: str | int) -> Any:
    annotation = _unwrap(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        info = annotation.model_fields.get(str(part))
        return info.annotation if info else None
    arguments = get_args(annotation)
    return arguments[-1] if arguments else None


def _unwrap(annotation: Any) -> Any:
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        annotation = next((a for a in get_args(annotation) if a is not type(None)), None)
    return annotation
