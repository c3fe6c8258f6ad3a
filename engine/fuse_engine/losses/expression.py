"""Losses written as an expression, such as `binary_crossentropy+0.1*dice_loss`.

    expression = term {("+" | "-") term}
    term       = factor {"*" factor}
    factor     = "-" factor | number | name | "(" expression ")"
    number     = digits ["." digits] | "." digits, with an exponent if wanted: 0.1, .5, 1e-3
    name       = a component's name or one of Musket's

What comes out is a sum of losses, each times a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fuse_engine.core.errors import FuseError, nearest

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*()]))"
)
_DEEPEST = 50
"""Parentheses and signs within each other."""


@dataclass(frozen=True)
class Token:
    """A piece of an expression and where it begins, from 1; the end is an empty piece."""

    kind: str
    text: str
    position: int


@dataclass(frozen=True)
class Sum:
    """Losses by name, each with its factor, and a number without a loss."""

    factors: dict[str, float] = field(default_factory=dict)
    number: float = 0.0

    def plus(self, other: Sum) -> Sum:
        """Return the sum of both."""
        names = dict.fromkeys([*self.factors, *other.factors])
        added = {name: self.factors.get(name, 0.0) + other.factors.get(name, 0.0) for name in names}
        return Sum(added, self.number + other.number)

    def times(self, number: float) -> Sum:
        """Return every factor times a number."""
        return Sum({name: factor * number for name, factor in self.factors.items()}, self.number * number)


def factors(text: str, known: Mapping[str, object], refused: Mapping[str, str]) -> dict[str, float]:
    """Return the factor of each loss of an expression, by name, in the order they first come.

    `refused` says of names that are known and no loss what to write instead.

    Raises:
        FuseError: saying at which character something else was expected, with the nearest known name.
    """
    found = _Reader(text, known, refused).whole()
    if not all(map(math.isfinite, (found.number, *found.factors.values()))):
        raise FuseError("a factor is too large", where="expression", got=text)
    if found.number:
        raise FuseError(
            f"the number {found.number:g} is added to the losses", where="expression",
            expected="every number as a factor of a loss: 0.1*dice_loss", got=text,
        )  # fmt: skip
    kept = {name: factor for name, factor in found.factors.items() if factor}
    if not kept:
        raise FuseError("no loss is left", where="expression", expected="a factor other than 0", got=text)
    return kept


class _Reader:
    """Reads an expression from left to right, one token ahead."""

    def __init__(self, text: str, known: Mapping[str, object], refused: Mapping[str, str]) -> None:
        self._text, self._known, self._refused = text, known, refused
        self._tokens = self._split()
        self._at = self._depth = 0

    def whole(self) -> Sum:
        found = self._sum()
        if self._next.kind:
            raise self._wrong("+, - or * between losses")
        return found

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _split(self) -> list[Token]:
        tokens, end, text = list[Token](), 0, self._text.rstrip()
        while end < len(text):
            match = _TOKEN.match(text, end)
            if match is None:
                rest = text[end:].lstrip()
                raise self._error(f"'{rest[0]}'", len(text) - len(rest) + 1, "names, numbers, + - * ( )")
            kind = str(match.lastgroup)
            tokens.append(Token(kind, match[kind], match.start(kind) + 1))
            end = match.end()
        return [*tokens, Token("", "", len(text) + 1)]

    def _taken(self) -> Token:
        token = self._next
        self._at += bool(token.kind)
        return token

    def _sum(self) -> Sum:
        found = self._product()
        while self._next.text in ("+", "-"):
            sign = 1.0 if self._taken().text == "+" else -1.0
            found = found.plus(self._product().times(sign))
        return found

    def _product(self) -> Sum:
        found = self._factor()
        while self._next.text == "*":
            position = self._taken().position
            other = self._factor()
            if found.factors and other.factors:
                raise self._error("two losses that are multiplied", position, "a number times a loss")
            found = other.times(found.number) if other.factors else found.times(other.number)
        return found

    def _factor(self) -> Sum:
        token = self._next
        if token.kind == "number":
            return Sum(number=float(self._taken().text))
        if token.kind == "name":
            return self._loss(self._taken())
        if token.text not in ("-", "("):
            raise self._wrong("a loss, a number or (")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} parentheses", token.position, "a shorter expression")
        self._taken()
        found = self._factor().times(-1.0) if token.text == "-" else self._closed()
        self._depth -= 1
        return found

    def _closed(self) -> Sum:
        found = self._sum()
        if self._next.text != ")":
            raise self._wrong("+, -, * or )")
        self._taken()
        return found

    def _loss(self, token: Token) -> Sum:
        if token.text in self._refused:
            raise FuseError(
                f"'{token.text}' at character {token.position} is not taken: {self._refused[token.text]}",
                where="expression",
            )
        if token.text not in self._known:
            raise FuseError(
                f"unknown loss '{token.text}' at character {token.position}", where="expression",
                expected=f"one of {', '.join(self._known)}", nearest=nearest(token.text, self._known),
            )  # fmt: skip
        return Sum({token.text: 1.0})

    def _wrong(self, expected: str) -> FuseError:
        token = self._next
        return self._error(f"'{token.text}'" if token.kind else "the end", token.position, expected)

    def _error(self, found: str, position: int, expected: str) -> FuseError:
        return FuseError(
            f"{found} at character {position} of '{self._text}'", where="expression", expected=expected
        )
