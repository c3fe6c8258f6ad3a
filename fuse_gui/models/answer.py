"""What a person typed for one question of a form: read into a value, and shown as a person would type it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fuse_engine.core.catalog import FieldKind, FieldSpec
from fuse_engine.core.distribution import CUT, Distribution, PerAxis
from fuse_engine.core.document import dump_value, parse_value
from fuse_engine.core.errors import FuseError, nearest, short
from fuse_engine.core.keys import Key

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_KEY: TypeAdapter[str] = TypeAdapter(Key)


def read(spec: FieldSpec, raw: Any) -> Any:
    """Return the value that `raw` means: text as typed, or data as it stands in the file.

    Raises:
        FuseError: saying what was expected, what came and the nearest right answer.
    """
    if _is_empty(spec, raw):
        if spec.optional:
            return None
        raise FuseError("a value is needed")
    return _READERS[spec.kind](spec, raw)


def show(raw: Any) -> str:
    """Return a value as a person would type it; small numbers keep all their digits."""
    if isinstance(raw, float):
        return repr(raw).removesuffix(".0")
    if isinstance(raw, list) and not any(isinstance(item, list | dict) for item in raw):
        return ", ".join(map(show, raw))
    return dump_value(raw)


def as_typed(spec: FieldSpec, raw: Any) -> Any:
    """Return what belongs into the file for a valid `raw`: numbers stay written as the person wrote them."""
    if not isinstance(raw, str):
        return raw
    if _is_empty(spec, raw):
        return None
    if spec.kind == "numbers":
        return _parts(raw)
    if spec.kind == "text" and not spec.literal:
        return raw
    return parse_value(raw.strip()) if spec.kind in ("text", "distribution") else raw.strip()


def expectation(spec: FieldSpec) -> str:
    """Return in words what fits a number field, e.g. `a number above 0 and at most 1`."""
    noun = "a whole number" if spec.kind == "int" or spec.whole else "a number"
    if spec.kind == "numbers":
        noun = f"{spec.length or 'a list of'} {'whole ' if spec.whole else ''}numbers"
    if spec.kind == "distribution":
        noun = "numbers"
    limits = []
    if spec.minimum is not None:
        limits.append(f"{'above' if spec.open_minimum else 'at least'} {spec.minimum:g}")
    if spec.maximum is not None:
        limits.append(f"{'below' if spec.open_maximum else 'at most'} {spec.maximum:g}")
    return " ".join([noun, " and ".join(limits)]).strip()


def _is_empty(spec: FieldSpec, raw: Any) -> bool:
    blank = isinstance(raw, str) and not raw.strip()
    return raw is None or (blank and (spec.optional or spec.kind != "text" or spec.literal))


def _bool(spec: FieldSpec, raw: Any) -> bool:
    text = str(raw).strip().casefold()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise FuseError("not an answer", expected="true or false", got=short(raw))


def _number(spec: FieldSpec, raw: Any) -> float:
    whole = spec.kind == "int" or spec.whole
    try:
        value = float(raw.strip()) if isinstance(raw, str) else float(raw)
    except (TypeError, ValueError, OverflowError):
        comma = str(raw).replace(",", ".")
        raise FuseError(
            "not a number", expected=expectation(spec), got=short(raw), nearest=comma if _is_number(comma) else ""
        ) from None
    if isinstance(raw, bool) or not math.isfinite(value) or (whole and not value.is_integer()):
        raise FuseError("does not fit", expected=expectation(spec), got=short(raw))
    if _outside(spec, value):
        raise FuseError("out of range", expected=expectation(spec), got=short(raw))
    return int(str(raw)) if whole and _is_whole(raw) else int(value) if whole else value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_whole(raw: Any) -> bool:
    return str(raw).strip().lstrip("+-").isdigit()


def _outside(spec: FieldSpec, value: float) -> bool:
    low, high = spec.minimum, spec.maximum
    too_low = low is not None and (value <= low if spec.open_minimum else value < low)
    too_high = high is not None and (value >= high if spec.open_maximum else value > high)
    return too_low or too_high


def _text(spec: FieldSpec, raw: Any) -> Any:
    if spec.literal:
        return parse_value(raw.strip()) if isinstance(raw, str) else raw
    if isinstance(raw, list | dict):
        raise FuseError("not a text", expected="one text", got=short(raw))
    return show(raw)


def _choice(spec: FieldSpec, raw: Any) -> str:
    text = show(raw).strip()
    if text not in spec.choices:
        raise FuseError(
            "not one of the choices", expected=f"one of {', '.join(spec.choices)}", got=short(raw),
            nearest=nearest(text, spec.choices),
        )  # fmt: skip
    return text


def _path(spec: FieldSpec, raw: Any) -> str:
    if isinstance(raw, list | dict):
        raise FuseError("not a path", expected="one file or folder", got=short(raw))
    return str(raw).strip()


def _parts(raw: str) -> list[str]:
    return raw.strip().strip("[]()").replace(",", " ").replace(";", " ").split()


def _numbers(spec: FieldSpec, raw: Any) -> list[float]:
    parts = _parts(raw) if isinstance(raw, str) else raw
    if not isinstance(parts, list | tuple):
        raise FuseError("not a list", expected=expectation(spec), got=short(raw))
    values = [_number(spec, part) for part in parts]
    if spec.length is not None and len(values) != spec.length:
        raise FuseError("not as many as needed", expected=expectation(spec), got=f"{len(values)}")
    return values


def _distribution(spec: FieldSpec, raw: Any) -> Distribution | PerAxis:
    plain = parse_value(raw.strip()) if isinstance(raw, str) else raw
    try:
        found = PerAxis.parse(plain) if spec.per_axis else Distribution.parse(plain)
    except ValueError as error:
        raise FuseError(str(error), got="" if "got" in str(error) else short(show(plain))) from None
    for axis, part in found.axes if isinstance(found, PerAxis) else (("", found),):
        if _outside(spec, part.low) or _outside(spec, part.high):
            got = show(part.low) if part.low == part.high else f"{show(part.low)} to {show(part.high)}"
            cut = f" ({CUT:g} standard deviations around the mean)" if part.name == "normal" else ""
            where = f"{axis}: " if axis else ""
            raise FuseError(f"{where}out of range", expected=expectation(spec), got=got + cut)
    return found


def _key(spec: FieldSpec, raw: Any) -> str:
    try:
        return _KEY.validate_python(str(raw).strip())
    except ValidationError:
        raise FuseError("not a key", expected="a dotted key such as data.input.image", got=short(raw)) from None


_READERS: dict[FieldKind, Callable[[FieldSpec, Any], Any]] = {
    "bool": _bool, "int": _number, "float": _number, "text": _text, "choice": _choice, "path": _path,
    "numbers": _numbers, "distribution": _distribution, "key": _key,
}  # fmt: skip
