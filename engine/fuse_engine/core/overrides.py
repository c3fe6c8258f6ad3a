"""Any field of an experiment from the shell: `--training.optimizer.Adam.lr 3e-4 --no-train --augment=Off`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from fuse_engine.core.document import Document, Place, is_entry, parse_value
from fuse_engine.core.errors import ExperimentError, nearest


def pairs(tokens: Sequence[str]) -> list[tuple[str, str | None, str]]:
    """Split command-line words into (path, value or None for a bare flag, the option as typed).

    Raises:
        ExperimentError: for a word that is neither an option nor an option's value.
    """
    found: list[tuple[str, str | None, str]] = []
    words = list(tokens)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise ExperimentError(f"'{word}' is no option", expected="--path.to.field value")
        path, equals, value = word[2:].partition("=")
        if equals:
            found.append((path, value, word))
        elif words and not words[0].startswith("--"):
            value = words.pop(0)
            found.append((path, value, f"{word} {value}"))
        else:
            found.append((path, None, word))
    return found


def apply(document: Document, tokens: Sequence[str], root: type[BaseModel]) -> None:
    """Write overrides into `document`; a bare name stands for the one field of that name in any section.

    Raises:
        ExperimentError: naming the option and the nearest field.
    """
    for path, value, option in pairs(tokens):
        _apply(document, path.replace("-", "_") if "." not in path else path, value, option, root)


def _apply(document: Document, path: str, value: str | None, option: str, root: type[BaseModel]) -> None:
    place, negated = _find(path, option, root)
    if value is None:
        value = "false" if negated else "true"
    elif negated:
        raise ExperimentError("a --no- option takes no value", source=f"command line '{option}'")
    source = f"command line '{option}'"
    try:
        plain = parse_value(value)
    except ExperimentError as error:
        raise ExperimentError(*(replace(problem, source=source) for problem in error.problems)) from None
    _set(document.data, place, plain, option)
    document.marks = {key: mark for key, mark in document.marks.items() if key[: len(place)] != place}
    document.marks[place] = source


def _find(path: str, option: str, root: type[BaseModel]) -> tuple[Place, bool]:
    if "." in path:
        return tuple(int(part) if part.isdigit() else part for part in path.split(".")), False
    known = dict(bare_names(root))
    if path in known:
        return known[path], False
    if path.startswith("no_") and path[3:] in known:
        return known[path[3:]], True
    raise ExperimentError(
        f"no setting '{path}'", source=f"command line '{option}'", nearest=nearest(path, known),
        expected="a field such as --seed, or a dotted path such as --training.optimizer.Adam.lr",
    )  # fmt: skip


def bare_names(root: type[BaseModel]) -> Iterable[tuple[str, Place]]:
    """Yield the fields that a single word can name: the top level, then those of one section only."""
    top = {name: (info.alias or name,) for name, info in root.model_fields.items()}
    below: dict[str, list[Place]] = {}
    for name, info in root.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            for inner in section.model_fields:
                below.setdefault(inner, []).append((name, inner))
    yield from ((name, places[0]) for name, places in below.items() if len(places) == 1 and name not in top)
    yield from top.items()


def _set(data: Any, place: Place, value: Any, option: str) -> None:
    *parents, last = place
    for depth, part in enumerate(parents):
        data = _step(data, part, place[: depth + 1], option, create=True)
    if isinstance(data, list):
        _step(data, last, place, option, create=False)
        data[int(last)] = value
    elif is_entry(data) and str(last)[:1].isupper():
        data.clear()
        data[last] = value
    else:
        data[last] = value


def _step(data: Any, part: str | int, place: Place, option: str, create: bool) -> Any:
    dotted = ".".join(map(str, place))
    if isinstance(data, list):
        if not isinstance(part, int) or part >= len(data):
            raise ExperimentError(
                f"'{dotted}' does not exist", source=f"command line '{option}'",
                expected=f"a position from 0 to {len(data) - 1}", got=str(part),
            )  # fmt: skip
        return _opened(data, part) if create else data[part]
    if not isinstance(data, dict):
        raise ExperimentError(f"'{dotted}' is below a value", source=f"command line '{option}'")
    if isinstance(part, int) and str(part) not in data:
        raise ExperimentError(f"'{dotted}' does not exist", source=f"command line '{option}'")
    if not create:
        return data.get(str(part))
    if is_entry(data) and str(part)[:1].isupper() and part not in data:
        data.clear()
    data.setdefault(str(part), {})
    return _opened(data, str(part))


def _opened(data: Any, part: str | int) -> Any:
    """Return what stands at `part`, as a mapping where it was a bare component name or empty."""
    if data[part] is None:
        data[part] = {}
    elif isinstance(data[part], str):
        data[part] = {data[part]: {}}
    return data[part]
