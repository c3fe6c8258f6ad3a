"""Turns pydantic's validation errors into problems a person can act on."""

from __future__ import annotations

import re
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
    for item in _joined(errors):
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
            last = item["loc"][-1]
            name = f"'{last}'" if isinstance(last, str) else f"number {last + 1}"
            yield Problem(f"{name} is missing", where, source(place))
        else:
            got = "nothing" if item["input"] in (None, {}, []) else short(item["input"])
            yield Problem(_plain(item), where, source(place), got=got, nearest=_nearest_choice(item))


def _joined(errors: Iterable[Any]) -> Iterable[Any]:
    """Make one error of those of a field that may hold one thing or another, e.g. a list or `ipw`."""
    either: dict[Place, dict[str, Any]] = {}
    for item in errors:
        # pydantic puts the alternative it tried into the place, e.g. literal['ipw'], list[float]
        tried = next((index for index, part in enumerate(item["loc"]) if _ALTERNATIVE.match(str(part))), None)
        if tried is None:
            yield item
            continue
        loc = item["loc"][:tried]
        other = either.setdefault(loc, {**item, "loc": loc, "type": "either", "msg": ""})
        other["msg"] = " or ".join(filter(None, (other["msg"], _plain(item).removeprefix("expected "))))
    for item in either.values():
        yield {**item, "msg": f"expected {item['msg']}"}


_ALTERNATIVE = re.compile(r"(literal|list|function-\w+|tuple|dict)\[.*\]$")


_WORDS = {
    "bool_parsing": "true or false", "bool_type": "true or false", "dict_type": "names with values below them",
    "finite_number": "a finite number", "float_parsing": "a number", "float_type": "a number",
    "greater_than": "a number above {gt:g}", "greater_than_equal": "a number from {ge:g} up",
    "int_from_float": "a whole number", "int_parsing": "a whole number", "int_type": "a whole number",
    "less_than": "a number below {lt:g}", "less_than_equal": "a number up to {le:g}",
    "list_type": "a list such as [a, b]", "literal_error": "{expected}",
    "model_type": "names with values below them", "string_pattern_mismatch": "text of the form {pattern}",
    "string_type": "text", "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entries", "tuple_type": "a list such as [1, 2]",
}  # fmt: skip
"""What pydantic's errors mean to a person."""


def _plain(item: Any) -> str:
    words = _WORDS.get(item["type"])
    if words:
        return f"expected {words.format(**(item.get('ctx') or {}))}".replace("least 1 entries", "least one entry")
    message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _nearest_choice(item: Any) -> str:
    if item["type"] != "literal_error":
        return ""
    choices = str(item["ctx"]["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
    return nearest(str(item["input"]), choices)


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
