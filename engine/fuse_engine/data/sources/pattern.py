"""Patterns of file names whose parts are named: `images/{id}_0000.nii.gz`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fuse_engine.data.integrity import ENDINGS

_TOKEN = re.compile(r"\{([A-Za-z_]\w*)\}|\.\*$|\*\*/|\*")
_STRAY = re.compile(r"[{}]")
_WILDCARDS = 4
"""Named parts and stars between two slashes; more could take for ever to match."""


@dataclass(frozen=True)
class Pattern:
    """A path below a folder: `{name}` is any text between slashes and has that name, `*` any text without one.

    `**/` stands for any folders or none, a `.*` at the end for any ending of an image. A name that stands twice
    must stand for the same text.
    """

    text: str

    def __post_init__(self) -> None:
        """Check that it can be matched.

        Raises:
            ValueError: saying what was expected.
        """
        folders = self.text.split("/")
        if not self.text or self.text.startswith("/") or not set(folders).isdisjoint({"", ".", ".."}):
            raise ValueError(f"expected a path below the folder, such as 'images/{{id}}.png', got '{self.text}'")
        if _STRAY.search(_TOKEN.sub("", self.text)):
            raise ValueError(
                f"expected names of letters and digits in braces, such as '{{id}}', got '{self.text}'"
            )
        if any(len(_TOKEN.findall(part)) > _WILDCARDS for part in folders):
            raise ValueError(
                f"expected at most {_WILDCARDS} names and stars between two slashes, got '{self.text}'"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of its parts, each once."""
        return tuple(dict.fromkeys(name for name in _TOKEN.findall(self.text) if name))

    @cached_property
    def letters(self) -> int:
        """How many letters of a path it lays down."""
        return len(_TOKEN.sub("", self.text))

    def parts(self, path: str) -> dict[str, str] | None:
        """Return the text of each named part of a path, None where it does not fit."""
        found = self._expression.fullmatch(path)
        return found.groupdict() if found else None

    def filled(self, parts: Mapping[str, str]) -> str:
        """Return the pattern with the text of its named parts."""
        return _TOKEN.sub(lambda found: parts.get(found[1], found[0]) if found[1] else found[0], self.text)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        written, last, seen = "", 0, set()
        for found in _TOKEN.finditer(self.text):
            written += re.escape(self.text[last : found.start()]) + _expression(found, found[1] in seen)
            seen.add(found[1])
            last = found.end()
        return re.compile(written + re.escape(self.text[last:]))


def _expression(found: re.Match[str], again: bool) -> str:
    if found[1]:
        return f"(?P={found[1]})" if again else f"(?P<{found[1]}>[^/]+)"
    if found[0] == ".*":
        endings = sorted(ENDINGS, key=len, reverse=True)
        return f"(?i:{'|'.join(map(re.escape, endings))})"
    return "(?:[^/]+/)*" if found[0] == "**/" else "[^/]*"
