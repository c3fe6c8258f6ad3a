"""How a number is drawn: what the fields of an augmentation hold in the place of one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

SHAPES: dict[str, tuple[str, ...]] = {
    "constant": ("value",),
    "uniform": ("smallest", "largest"),
    "log_uniform": ("smallest", "largest"),
    "normal": ("mean", "standard deviation"),
    "choice": ("values",),
    "steps": ("first", "last", "step"),
}
"""Every distribution and what its numbers are; `choice` takes any number of them."""

AXES = ("z", "y", "x")
CUT = 3.0
"""Standard deviations after which a normal distribution is cut off."""
MOST = 10_000
"""Numbers that `steps` may go over."""


@dataclass(frozen=True)
class Usual:
    """Marks a field whose numbers are mostly within a range: `Annotated[PerAxis, Usual(-45, 45)]`.

    Its sliders go over the range; more can be typed as far as the field's bounds allow.
    """

    low: float
    high: float


class Plain:
    """What is parsed from plain data and printed as such, in YAML and in forms."""

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Return what plain data describes.

        Raises:
            ValueError: saying what was expected.
        """
        raise NotImplementedError

    def to_plain(self) -> Any:
        """Return the shortest plain data that `parse` takes."""
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Parse and print fields of this type."""

        def parse(value: Any) -> Plain:
            try:
                return cls.parse(value)
            except ValueError as error:
                raise PydanticCustomError("distribution", "{text}", {"text": str(error)}) from None

        return core_schema.no_info_plain_validator_function(
            parse, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.to_plain())
        )


@dataclass(frozen=True)
class Distribution(Plain):
    """A number that is drawn anew each time; `5`, `[a, b]` (uniform) or `{name: numbers}` in YAML.

    `normal` is cut off at three standard deviations; `steps` are first, first + step, ... up to last.
    """

    name: str
    numbers: tuple[float, ...]

    @classmethod
    def parse(cls, value: Any) -> Distribution:
        """Return what a number, two numbers (uniform) or `{name: numbers}` describe.

        Raises:
            ValueError: saying what was expected.
        """
        if isinstance(value, Distribution):
            return value
        if isinstance(value, Mapping):
            if len(value) != 1:
                raise ValueError("expected one of " + ", ".join(SHAPES) + " with its numbers")
            name, numbers = next(iter(value.items()))
            return cls._checked(str(name), _numbers(numbers))
        if isinstance(value, Sequence) and not isinstance(value, str):
            if len(value) != 2:
                raise ValueError(
                    f"expected two numbers, smallest and largest, got {len(value)}; for a choice of numbers write "
                    "{choice: [...]}"
                )
            return cls._checked("uniform", _numbers(value))
        return cls._checked("constant", _numbers(value))

    @classmethod
    def _checked(cls, name: str, numbers: tuple[float, ...]) -> Distribution:
        if name not in SHAPES:
            raise ValueError(f"expected one of {', '.join(SHAPES)}, got {name}")
        if name == "choice" and not numbers:
            raise ValueError("expected at least one number to choose from")
        if name != "choice" and len(numbers) != len(SHAPES[name]):
            raise ValueError(f"{name}: expected {', '.join(SHAPES[name])}, got {len(numbers)} numbers")
        wrong = _wrong(name, numbers)
        if wrong:
            raise ValueError(wrong)
        return cls(name, numbers)

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one number."""
        first = self.numbers[0]
        if self.name == "constant":
            return first
        if self.name == "uniform":
            return float(rng.uniform(first, self.numbers[1]))
        if self.name == "log_uniform":
            drawn = math.exp(rng.uniform(math.log(first), math.log(self.numbers[1])))
            return min(max(drawn, self.low), self.high)
        if self.name == "normal":
            off = rng.standard_normal()
            while abs(off) > CUT:
                off = rng.standard_normal()
            return min(max(first + self.numbers[1] * off, self.low), self.high)
        values = self.values
        return float(values[rng.integers(len(values))])

    @property
    def low(self) -> float:
        """The smallest number that can be drawn."""
        return self._end(-1, min)

    @property
    def high(self) -> float:
        """The largest number that can be drawn."""
        return self._end(1, max)

    def _end(self, sign: int, of: Callable[[Sequence[float]], float]) -> float:
        if self.name == "normal":
            mean, reach = self.numbers[0], CUT * self.numbers[1]
            # 0.15 - 3 * 0.05 is meant to be 0, and no number below a bound of 0
            digits = 12 - math.floor(math.log10(max(abs(mean), reach))) if mean or reach else 0
            return round(mean + sign * reach, min(digits, 320)) + 0.0
        return of(self.values)

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers of a choice or of steps; of others, what describes them."""
        if self.name != "steps":
            return self.numbers
        first, last, step = self.numbers
        count = math.floor((last - first) / step + 1e-9) + 1
        return tuple(min(first + step * number, last) for number in range(count))

    def to_plain(self) -> Any:
        """Return the shortest plain data that `parse` takes."""
        if self.name == "constant":
            return self.numbers[0]
        numbers = list(self.numbers)
        return numbers if self.name == "uniform" else {self.name: numbers}

    def __ge__(self, bound: float) -> bool:
        return self.low >= bound

    def __gt__(self, bound: float) -> bool:
        return self.low > bound

    def __le__(self, bound: float) -> bool:
        return self.high <= bound

    def __lt__(self, bound: float) -> bool:
        return self.high < bound


@dataclass(frozen=True)
class PerAxis(Plain):
    """A distribution for all axes, or one for each: `[a, b]` or `{z: ..., y: ..., x: ...}` in YAML."""

    axes: tuple[tuple[str, Distribution], ...]
    """One pair with an empty name for all axes, or a pair for each axis that is named."""

    @classmethod
    def parse(cls, value: Any) -> PerAxis:
        """Return what plain data describes.

        Raises:
            ValueError: saying what was expected.
        """
        if isinstance(value, PerAxis):
            return value
        if isinstance(value, Mapping) and value and not set(value) - set(AXES):
            return cls(tuple((axis, Distribution.parse(value[axis])) for axis in AXES if axis in value))
        return cls((("", Distribution.parse(value)),))

    @property
    def same(self) -> bool:
        """Whether one distribution stands for all axes."""
        return self.axes[0][0] == ""

    def of(self, axis: str) -> Distribution:
        """Return the distribution of `z`, `y` or `x`.

        Raises:
            ValueError: where the axis has none.
        """
        found = dict(self.axes)
        if not self.same and axis not in found:
            raise ValueError(f"expected a distribution for axis {axis} too, or one for all axes")
        return found.get(axis) or found[""]

    def to_plain(self) -> Any:
        """Return the shortest plain data that `parse` takes."""
        plain = {axis: distribution.to_plain() for axis, distribution in self.axes}
        return plain[""] if self.same else plain

    def __ge__(self, bound: float) -> bool:
        return all(distribution >= bound for _, distribution in self.axes)

    def __gt__(self, bound: float) -> bool:
        return all(distribution > bound for _, distribution in self.axes)

    def __le__(self, bound: float) -> bool:
        return all(distribution <= bound for _, distribution in self.axes)

    def __lt__(self, bound: float) -> bool:
        return all(distribution < bound for _, distribution in self.axes)


def constant(value: float) -> Distribution:
    """Return the distribution that always gives `value`."""
    return Distribution("constant", (value,))


def uniform(smallest: float, largest: float) -> Distribution:
    """Return the even distribution between two numbers."""
    return Distribution("uniform", (smallest, largest))


def every_axis(distribution: Distribution) -> PerAxis:
    """Return one distribution for all axes, each of which draws for itself."""
    return PerAxis((("", distribution),))


def _wrong(name: str, numbers: tuple[float, ...]) -> str:
    """Return what was expected of numbers that make no distribution."""
    first, last = min(numbers), max(numbers)
    if name in ("uniform", "log_uniform", "steps") and numbers[0] > numbers[1]:
        return "expected the smaller number first"
    if name == "log_uniform" and first <= 0:
        return "log_uniform: expected numbers above 0"
    if name == "normal" and numbers[1] < 0:
        return "normal: expected a standard deviation from 0 up"
    if name == "steps" and numbers[2] <= 0:
        return "steps: expected a step above 0"
    if not math.isfinite(2 * CUT * last - 2 * CUT * first):
        return "expected numbers that are closer together"
    if name == "steps" and not (numbers[1] - numbers[0]) / numbers[2] < MOST:
        return f"steps: expected at most {MOST} numbers"
    return ""


def _numbers(value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    try:
        if any(isinstance(item, bool) for item in values):
            raise ValueError
        numbers = tuple(float(item) for item in values)
    except (TypeError, ValueError):
        raise ValueError(f"expected numbers, got {value!r}") from None
    if not all(map(math.isfinite, numbers)):
        raise ValueError("expected finite numbers")
    return numbers
