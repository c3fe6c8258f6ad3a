"""The language of the filter: `fold==1 & age>60 & has:lesion`, and what it means for the columns of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, nearest
from fuse_gui.models.columns import Column

FILTER_HELP = (
    "Rows that contain a text, or meet conditions: part==test & age>60 & left.\n"
    "Signs: == != > >= < <=, joined by & (and), | (or), ! (not) and parentheses.\n"
    "has:column finds cells that are not empty, has:key those of every column that the steps of a key read.\n"
    'Quotes hold what contains signs: site=="A & B".'
)
PREFIXES = ("has", "is", "check")
COMPARE = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
_TOKENS = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign>==|!=|>=|<=|[&|()<>=!])|(?P<word>(?:has|is|check):(?=["'])|[^\s&|()<>=!]+))"""
)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Token:
    """One word, quoted text or sign, and its place."""

    kind: Literal["quoted", "sign", "word", "end"]
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Condition:
    """What a row must meet."""

    kind: Literal["text", "compare", "has", "flag", "and", "or", "not"]
    place: tuple[int, int] = (0, 0)
    """Where it stands in the text of the filter."""
    name: str = ""
    """A column, or a flag such as `is:excluded`."""
    sign: str = ""
    value: str = ""
    exact: bool = False
    """Whether the value was quoted: it is compared as text, also where it is a number."""
    parts: tuple[Condition, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every column and flag it looks at; `*` where it looks at all columns."""
        own = {"*"} if self.kind == "text" else {self.name} - {""}
        own |= {f"has:{self.name}"} if self.kind == "has" else set()
        return frozenset(own).union(*(part.names for part in self.parts))


def parse(text: str) -> Condition | None:
    """Return what a filter asks for, or None for an empty one.

    Raises:
        FuseError: pointing at the place that cannot be read.
    """
    return _Parser(text).whole() if text.strip() else None


def with_condition(text: str, condition: str) -> str:
    """Return a filter that asks for a condition as well, or no more where it was the last one asked for."""
    joined = f" & {condition}"
    if text.strip() == condition:
        return ""
    if text.endswith(joined):
        return text.removesuffix(joined)
    before = f"({text})" if "|" in text else text
    return f"{before}{joined}" if text.strip() else condition


def quoted(text: str) -> str:
    """Return a text as it is written in a filter."""
    if re.fullmatch(r"[\w.+/-]+", text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def pointed(text: str, place: tuple[int, int]) -> str:
    """Return a filter with the place marked where it goes wrong."""
    start, end = place
    return f"{text[:start]}▸{text[start:end]}◂{text[end:]}"


class _Parser:
    """Reads a filter from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.tokens = list(_tokens(text))

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def whole(self) -> Condition:
        found = self.any_of()
        if self.token.kind != "end":
            raise self.wrong(f"'{self.token.text}' stands alone", "a condition in front of it")
        return found

    def any_of(self) -> Condition:
        return self.joined("|", "or", self.all_of)

    def all_of(self) -> Condition:
        return self.joined("&", "and", self.one)

    def joined(self, sign: str, kind: Literal["and", "or"], read: Any) -> Condition:
        parts = [read()]
        while self.token.kind == "sign" and self.token.text == sign:
            self.at += 1
            parts.append(read())
        return parts[0] if len(parts) == 1 else Condition(kind, parts=tuple(parts))

    def one(self) -> Condition:
        token = self.token
        if token.kind == "sign" and token.text == "!":
            self.at += 1
            return Condition("not", parts=(self.one(),))
        if token.kind == "sign" and token.text == "(":
            return self.bracket()
        if token.kind in ("word", "quoted"):
            return self.condition()
        what = "the filter ends" if token.kind == "end" else f"'{token.text}' stands"
        raise self.wrong(f"{what} where a condition is missing", "a text, column==value or has:column")

    def bracket(self) -> Condition:
        opened = self.token
        self.at += 1
        inside = self.any_of()
        if self.token.text != ")" or self.token.kind != "sign":
            raise self.wrong("a parenthesis is not closed", ")", opened)
        self.at += 1
        return inside

    def condition(self) -> Condition:
        first = self.token
        head, tail = (first.text, "") if first.kind == "quoted" else first.text.partition(":")[::2]
        if first.kind == "word" and ":" in first.text and head in PREFIXES:
            return self.prefixed(head, tail)
        name, place, exact = self.words()
        sign = self.token
        if sign.kind != "sign" or sign.text in "&|()!":
            return Condition("text", place, value=name, exact=exact)
        self.at += 1
        value, _, quoted_value = self.words() if self.token.kind in ("word", "quoted") else ("", place, False)
        return Condition("compare", place, name, "==" if sign.text == "=" else sign.text, value, quoted_value)

    def prefixed(self, head: str, tail: str) -> Condition:
        start = self.token
        if tail:
            self.tokens[self.at] = Token("word", tail, start.start + len(head) + 1, start.end)
        else:
            self.at += 1
        if self.token.kind not in ("word", "quoted") or (not tail and self.token.start != start.end):
            raise self.wrong(f"'{head}:' names nothing", "has:column" if head == "has" else f"{head}:name", start)
        name, place, _ = self.words()
        return Condition("has", place, name) if head == "has" else Condition("flag", place, f"{head}:{name}")

    def words(self) -> tuple[str, tuple[int, int], bool]:
        """Take a quoted text, or all words up to the next sign."""
        first = self.token
        self.at += 1
        if first.kind == "quoted":
            return first.text, (first.start, first.end), True
        end = first.end
        while self.token.kind == "word":
            end = self.token.end
            self.at += 1
        return self.text[first.start : end], (first.start, end), False

    def wrong(self, message: str, expected: str, token: Token | None = None) -> FuseError:
        token = token or self.token
        return FuseError(f"{message}: {pointed(self.text, (token.start, token.end))}", expected=expected)


def _tokens(text: str) -> Sequence[Token]:
    found: list[Token] = []
    at = 0
    while match := _TOKENS.match(text, at):
        kind = match.lastgroup or "word"
        start, at = match.span(kind)
        plain = text[start:at]
        found.append(Token(kind, plain[1:-1] if kind == "quoted" else plain, start, at))  # type: ignore[arg-type]
    return [*found, Token("end", "", len(text), len(text))]


class Meaning:
    """Says which rows meet a condition."""

    def __init__(
        self, columns: Mapping[str, Column], flags: Mapping[str, Mask], total: int, text: str = ""
    ) -> None:
        """Take the columns, the flags of the rows (row,), the number of rows, and the filter for messages."""
        self._columns, self._flags, self._total, self._text = columns, flags, total, text

    def mask(self, condition: Condition | None) -> Mask:
        """Return which rows meet a condition (row,).

        Raises:
            FuseError: for an unknown column or flag, naming the nearest, and for numbers that are none.
        """
        if condition is None:
            return np.ones(self._total, bool)
        parts = np.array([self.mask(part) for part in condition.parts])
        match condition.kind:
            case "and":
                return np.asarray(parts.all(0))
            case "or":
                return np.asarray(parts.any(0))
            case "not":
                return np.asarray(~parts[0])
            case "text":
                return self._contains(condition.value)
            case "flag":
                return self._flag(condition)
        if condition.kind == "has" and condition.name not in self._columns and self._key(condition) in self._flags:
            return self._flags[self._key(condition)]
        column = self._column(condition)
        if condition.kind == "has":
            return ~column.empty[column.codes]
        return self._compared(column, condition)[column.codes]

    def _column(self, condition: Condition) -> Column:
        if condition.name not in self._columns:
            keys = [name.removeprefix("has:") for name in self._flags if name.startswith("has:")]
            known = [*self._columns, *(keys if condition.kind == "has" else ())]
            raise FuseError(
                f"no column '{condition.name}': {pointed(self._text, condition.place)}",
                expected=f"one of {', '.join(known)}", nearest=nearest(condition.name, known),
            )  # fmt: skip
        return self._columns[condition.name]

    @staticmethod
    def _key(condition: Condition) -> str:
        return f"has:{condition.name}"

    def _flag(self, condition: Condition) -> Mask:
        if condition.name not in self._flags:
            known = [name for name in self._flags if not name.startswith("has:")]
            raise FuseError(
                f"nothing is called '{condition.name}': {pointed(self._text, condition.place)}",
                expected=f"one of {', '.join(known)}", nearest=nearest(condition.name, known),
            )  # fmt: skip
        return self._flags[condition.name]

    def _contains(self, text: str) -> Mask:
        found = np.zeros(self._total, bool)
        for column in self._columns.values():
            hits = pc.match_substring(column.lower, text.lower())
            known = np.asarray(hits.to_numpy(zero_copy_only=False), bool)
            if known.any():
                found |= known[column.codes]
        return found

    def _compared(self, column: Column, condition: Condition) -> Mask:
        """Return which texts of a column meet the condition (text,)."""
        name, sign, value = condition.name, condition.sign, condition.value
        number = _number(value)
        if sign in ("==", "!="):
            equal = np.asarray(pc.equal(column.texts, pa.scalar(value)).to_numpy(zero_copy_only=False), bool)
            if number is not None and not condition.exact and column.is_number:
                equal = equal | (column.numbers == number)
            return ~equal if sign == "!=" else equal
        marked = pointed(self._text, condition.place)
        if number is None:
            raise FuseError(f"'{name} {sign}' needs a number: {marked}", got=repr(value))
        if len(column) and np.isnan(column.numbers).all():
            raise FuseError(f"column '{name}' holds no numbers to compare: {marked}", expected=f"{name}==text")
        found: Mask = COMPARE[sign](column.numbers, number)
        return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
