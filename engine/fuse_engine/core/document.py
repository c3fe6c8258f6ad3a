"""The experiment file as plain data: a safe YAML reader, `extends`, and overrides from the command line.

Every scalar is read as text and the typed model decides (`1e-4` is a number, a structure named `NO` stays a
name, subject `012` keeps its zero). Tags, aliases and duplicate keys are refused; nothing in the file can
import or run anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fuse_engine.core.errors import ExperimentError

Place = tuple[str | int, ...]
_LIMIT = 1_000_000
_DEPTH = 60
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")


class _TextLoader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 the attribute of PyYAML that this class empties


class _TextDumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 so that no text needs quotes to stay text

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key, as people write them."""
        super().increase_indent(flow, False)


for _side in (_TextLoader, _TextDumper):
    _side.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""])
_TextDumper.add_representer(bool, lambda dumper, value: dumper.represent_str("true" if value else "false"))
_TextDumper.add_representer(int, lambda dumper, value: dumper.represent_str(str(value)))
_TextDumper.add_representer(float, lambda dumper, value: dumper.represent_str(repr(value)))


@dataclass
class Document:
    """Plain data read from a file, and where each part of it stands."""

    data: dict[str, Any]
    marks: dict[Place, str] = field(default_factory=dict)

    def source(self, place: Place) -> str:
        """Return `file:line` of the nearest part at or above `place`."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.marks:
                return self.marks[place[:end]]
        return ""


def read(path: Path, presets: Callable[[str], Path | None] = lambda name: None) -> Document:
    """Read an experiment file and what it extends: a preset's name, or a file in the same folder.

    Raises:
        ExperimentError: with file and line.
    """
    return _read(path, presets, ())


def _read(path: Path, presets: Callable[[str], Path | None], seen: tuple[Path, ...]) -> Document:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ExperimentError(f"cannot read {path}", got=error.strerror or "") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is not UTF-8 text") from None
    document = parse(text, path.name)
    base_name = document.data.pop("extends", None)
    if base_name is None:
        return document
    where = document.source(("extends",))
    base_path = presets(str(base_name)) or _sibling(path, str(base_name), where)
    chain = (*seen, path.resolve())
    if base_path.resolve() in chain:
        raise ExperimentError("'extends' comes back to a file it started from", where="extends", source=where)
    base = _read(base_path, presets, chain)
    return Document(merge(base.data, document.data), {**base.marks, **document.marks})


def _sibling(path: Path, name: str, where: str) -> Path:
    found = (path.parent / name).resolve()
    if not found.is_relative_to(path.parent.resolve()):
        raise ExperimentError(f"'{name}' is outside {path.parent}", where="extends", source=where)
    if not found.is_file():
        raise ExperimentError(
            f"nothing to extend called '{name}'", where="extends", source=where,
            expected="the name of a preset, or a file beside this one",
        )  # fmt: skip
    return found


def parse(text: str, name: str = "text") -> Document:
    """Turn YAML text into plain data of dicts, lists, texts and None.

    Raises:
        ExperimentError: for text that is no YAML mapping, or uses tags, aliases or a key twice.
    """
    if len(text) > _LIMIT:
        raise ExperimentError(f"{name} is larger than {_LIMIT // 1_000_000} MB")
    try:
        _refuse_traps(text, name)
        root = yaml.compose(text, _TextLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ExperimentError(
            f"not readable as YAML: {getattr(error, 'problem', None) or str(error).splitlines()[0]}",
            source=f"{name}{line}",
        ) from None
    document = Document({}, {(): f"{name}:1"})
    plain = {} if root is None else _plain(root, (), name, document.marks)
    if not isinstance(plain, dict):
        raise ExperimentError(f"{name} holds no settings", expected="lines such as 'name: my_experiment'")
    document.data = plain
    return document


def parse_value(text: str) -> Any:
    """Return one value as the file would give it: `[1, 2]` a list, `{a: b}` a mapping, other text itself."""
    if text[:1] not in ("[", "{"):
        return None if _NULL.match(text) else text
    return parse(f"value: {text}", "value").data["value"]


def _refuse_traps(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, _TextLoader):
        line = f"{name}:{event.start_mark.line + 1}" if event.start_mark else name
        if isinstance(event, yaml.AliasEvent):
            raise ExperimentError("YAML aliases are not allowed", source=line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH:
            raise ExperimentError("nested too deeply", source=line)


def _plain(node: yaml.Node, place: Place, name: str, marks: dict[Place, str]) -> Any:
    line = f"{name}:{node.start_mark.line + 1}"
    marks.setdefault(place, line)
    if node.tag not in (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "null")):
        raise ExperimentError(f"the tag {node.tag} is not allowed", source=line)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), name, marks) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return None if node.tag.endswith("null") else node.value
    plain: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        key_line = f"{name}:{key_node.start_mark.line + 1}"
        if not isinstance(key, str):
            raise ExperimentError("a name must be plain text", source=key_line)
        if key in plain:
            raise ExperimentError(f"'{key}' is given twice", source=key_line)
        marks[(*place, key)] = key_line
        plain[key] = _plain(value_node, (*place, key), name, marks)
    return plain


def is_entry(value: Any) -> bool:
    """Say whether `value` is a component as written in the file: `{Name: ...}` with a capital letter."""
    return isinstance(value, Mapping) and len(value) == 1 and str(next(iter(value)))[:1].isupper()


def merge(base: Any, change: Any) -> Any:
    """Merge mappings, replace everything else; another component replaces the one it extends."""
    if not (isinstance(base, Mapping) and isinstance(change, Mapping)):
        return change
    if is_entry(base) and is_entry(change) and set(base) != set(change):
        return change
    return {**base, **{key: merge(base.get(key), value) for key, value in change.items()}}


def dump(data: Any) -> str:
    """Return plain data as YAML text that `parse` reads back to the same meaning."""
    return yaml.dump(
        data, Dumper=_TextDumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110
    )


def as_text(data: Any) -> Any:
    """Return plain data with every scalar as the text that `parse` gives after `dump`."""
    if isinstance(data, Mapping):
        return {key: as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_text(value) for value in data]
    return data if data is None else dump_value(data)


def dump_value(value: Any) -> str:
    """Return one value as text on one line; `parse_value` reads a list or a mapping back to the same meaning."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, list | dict):
        return "" if value is None else str(value)
    text: str = yaml.dump(
        value, Dumper=_TextDumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=_LIMIT
    )
    return text.strip()
