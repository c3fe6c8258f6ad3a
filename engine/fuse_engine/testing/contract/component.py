"""What every component keeps, whatever its kind: its class, its form, its way through files and processes."""

from __future__ import annotations

import inspect
import json
import pickle
from typing import Any

from pydantic import ValidationError

from fuse_engine.core import document, registry
from fuse_engine.core.catalog import FieldSpec, describe
from fuse_engine.core.component import Component
from fuse_engine.core.explain import problems_of
from fuse_engine.testing.contract.rules import ContractError, expect


def example(cls: type[Component], **arguments: Any) -> Component:
    """Return a component of a class; required arguments that are not given are made up.

    Raises:
        ContractError: when they do not fit.
    """
    try:
        return cls.model_validate({**_required(cls), **arguments})
    except ValidationError as error:
        problems = "; ".join(map(str, problems_of(error, cls, lambda place: "")))
        raise ContractError(
            f"{cls.__name__} cannot be made from made-up arguments: {problems}", expected="them in `arguments`"
        ) from None


def check_class(cls: type[Component]) -> None:
    """Name, sentence, registration, and a form with help at every field."""
    expect(cls.kind in registry.KINDS, cls, f"has the unknown kind '{cls.kind}'")
    expect(cls.__name__[0].isupper(), cls, "begins with a small letter")
    expect(not inspect.isabstract(cls), cls, f"lacks {', '.join(sorted(getattr(cls, '__abstractmethods__', ())))}")
    try:
        describe(cls)
    except TypeError as error:
        raise ContractError(f"{cls.kind} {cls.__name__} has a field that no form can draw: {error}") from None
    expect(registry.every(cls.kind).get(cls.__name__) is cls, cls, "is not registered: put @register above it")
    sentence = describe(cls).sentence
    expect("__doc__" in vars(cls) and sentence.endswith("."), cls, "needs a docstring that begins with a sentence")
    for field in describe(cls).fields:
        expect(bool(field.help), cls, f"has a field '{field.name}' without help: put a docstring below it")
    expect(bool(cls.model_config.get("frozen")), cls, "is not frozen")


def check_data(component: Component) -> None:
    """Survives YAML, a form's JSON, and the way to another process."""
    cls = type(component)
    entry = component.to_entry()
    expect(cls.model_validate(entry[cls.__name__]) == component, cls, "differs after dump and validate")
    text = document.parse(document.dump(entry)).data[cls.__name__]
    expect(cls.model_validate(text or {}) == component, cls, "differs after a round trip through YAML")
    expect(json.loads(json.dumps(entry)) == entry, cls, "does not dump to plain data")
    try:
        copy = pickle.loads(pickle.dumps(component))  # noqa: S301 what this line wrote itself
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise ContractError(f"{cls.kind} {cls.__name__} cannot be pickled: {error}") from None
    expect(copy == component, cls, "differs after pickling")


def _required(cls: type[Component]) -> dict[str, Any]:
    """Make up the arguments that a component cannot do without."""
    return {field.name: _made_up(field) for field in describe(cls).fields if field.required}


def _made_up(field: FieldSpec) -> Any:
    if field.kind == "list" and field.item is not None:
        item = _made_up(field.item)
        return {"one": item} if field.named else [item]
    if field.entry is not None:
        return {inner.name: _made_up(inner) for inner in field.entry.fields if inner.required}
    if field.kind == "slot":
        name, cls = next(iter(registry.every(field.slot).items()))
        return {name: _required(cls)}
    plain = {
        "bool": True, "int": 2, "float": 1.0, "text": "one", "path": "one.csv", "key": f"data.input.{field.name}",
        "numbers": [1] * (field.length or 1), "distribution": 1, "choice": next(iter(field.choices), ""),
    }  # fmt: skip
    return plain[field.kind]
