"""What each augmenter that Musket knows, imgaug 0.2.9's and its own, is here, argument by argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fuse_engine.core.augmentation_presets import ImageKeys
from fuse_engine.core.errors import FuseError

Steps = list[dict[str, Any]]
_BORDERS = {"constant": "zeros", "edge": "edge", "reflect": "reflect", "symmetric": "reflect"}


class Untranslated(FuseError):
    """An augmenter that has no counterpart as it is written."""


class Call:
    """The arguments of one augmenter; those that a rule takes are gone from the rest."""

    def __init__(
        self, arguments: Mapping[str, Any], keys: ImageKeys, white: float, say: Callable[[str], None]
    ) -> None:
        """Take the arguments as written; `say` warns of something."""
        self.say = say
        self._arguments = {str(name): value for name, value in arguments.items() if value is not None}
        self.white = white / 255
        """What one grey level of imgaug is."""
        self.images = list(keys.images)
        self.labels = list(keys.labels)
        self.all = [*self.images, *self.labels]

    def take(self, name: str) -> Any:
        """Return an argument as written, None where it is not given."""
        return self._arguments.pop(name, None)

    def range(self, name: str, factor: float = 1.0) -> Any:
        """Return the distribution of an argument, None where it is not given; see `distribution`."""
        value = self.take(name)
        return None if value is None else self.distribution(value, name, factor)

    def distribution(self, value: Any, name: str, factor: float = 1.0) -> Any:
        """Return a number, the range of two, or the choice of more, times a factor.

        Raises:
            Untranslated: for anything else.
        """
        if not isinstance(value, Sequence) or isinstance(value, str):
            return _tidy(_number(value, name) * factor)
        numbers = [_tidy(_number(item, name) * factor) for item in value]
        if len(numbers) == 2:
            low, high = sorted(value, key=float)
            self.say(f"'{name}' is read as the range from {low} to {high}; of a list imgaug takes {low} or {high}")
            return sorted(numbers)
        return {"choice": numbers}

    def need(self, name: str, factor: float = 1.0) -> Any:
        """Return the distribution of an argument that must be given."""
        found = self.range(name, factor)
        if found is None:
            raise Untranslated(f"it lacks '{name}'")
        return found

    def rest(self, name: str) -> None:
        """Warn of the arguments that no rule took."""
        if self._arguments:
            self.say(f"of '{name}' these are not translated: {', '.join(self._arguments)}")


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Untranslated(f"'{name}' is no number: {value}") from None


def _tidy(number: float) -> float | int:
    """Return a number without the digits that only a computer sees."""
    found = float(f"{number:.6g}")
    return int(found) if found == int(found) else found


Rule = Callable[[Call], Steps]


def _affine(call: Call) -> Steps:
    fields: dict[str, Any] = {"keys": call.all}
    moves = (
        ("scale", "scale", 1),
        ("translate_percent", "translate", 1),
        ("rotate", "rotate", 1),
        ("shear", "shear", -1),
    )
    for theirs, ours, sign in moves:
        value = call.take(theirs)
        if isinstance(value, dict):
            rest = 1 if theirs == "scale" else 0
            fields[ours] = {
                axis: call.distribution(value[axis], f"{theirs}.{axis}", sign) if axis in value else rest
                for axis in ("y", "x")
            }
        elif value is not None:
            fields[ours] = call.distribution(value, theirs, sign)
    mode, outside = call.take("mode"), call.take("cval")
    if mode is not None:
        if mode not in _BORDERS:
            raise Untranslated(f"no border '{mode}'", expected=", ".join(_BORDERS))
        fields["border"] = _BORDERS[mode]
    if outside not in (None, "0", "0.0"):
        call.say("what comes in from outside is 0 here, whatever 'cval' says")
    return [{"Affine": fields}]


def _flip(axis: str) -> Rule:
    def rule(call: Call) -> Steps:
        chance = call.range("p")
        return [{"Flip": {"keys": call.all, "axes": [axis], "each": 1 if chance is None else chance}}]

    return rule


def _same(
    name: str, *renamed: tuple[str, str], grey: bool = False, moves: bool = False, near: str = ""
) -> Rule:  # fmt: skip
    """Return the rule of an augmenter whose arguments only have other names; those of `grey` are grey levels."""

    def rule(call: Call) -> Steps:
        found = {ours: call.range(theirs, call.white if grey else 1) for theirs, ours in renamed}
        if near:
            call.say(near)
        given = {ours: value for ours, value in found.items() if value is not None}
        if renamed and not given:
            raise Untranslated(f"it lacks '{renamed[0][0]}'")
        return [{name: {"keys": call.all if moves else call.images, **given}}]

    return rule


def _elementwise(name: str, theirs: str, middle: float, grey: bool = False) -> Rule:
    """Return the rule of what draws a number for every pixel: here evenly around one that does nothing."""

    def rule(call: Call) -> Steps:
        found = call.need(theirs, call.white if grey else 1)
        ends = found if isinstance(found, list) else [found]
        if not all(isinstance(end, int | float) for end in ends):
            raise Untranslated(f"'{theirs}' is no range")
        far = max(abs(end - middle) for end in ends)
        if abs(sum(ends) / len(ends) - middle) > 1e-6 * far:
            call.say(f"here the numbers of the pixels lie evenly around {middle:g}, up to {far:g} away")
        return [{name: {"keys": call.images, "reach": far}}]

    return rule


def _noise(call: Call) -> Steps:
    if call.take("loc") not in (None, "0", "0.0"):
        call.say("the noise has the mean 0 here, whatever 'loc' says")
    return [{"GaussianNoise": {"keys": call.images, "std": call.need("scale", call.white)}}]


def _crop_and_pad(call: Call) -> Steps:
    if call.take("px") is not None:
        raise Untranslated("'px' with the size kept depends on the image's size", expected="'percent'")
    found = call.need("percent")
    ends = found if isinstance(found, list) else [found]
    if not all(isinstance(end, int | float) for end in ends) or min(ends) <= -0.5:
        raise Untranslated("'percent' is no range above -0.5")
    shares = sorted(1 + 2 * end for end in ends)
    call.say("all sides are cut or padded by the same share here; imgaug draws each for itself")
    if max(shares) <= 1:
        return [{"CropResize": {"keys": call.all, "scale": shares if len(shares) > 1 else shares[0]}}]
    factors = sorted(round(1 / share, 6) for share in shares)
    return [{"Zoom": {"keys": call.all, "factor": factors if len(factors) > 1 else factors[0]}}]


def _pad(call: Call) -> Steps:
    if str(call.take("keep_size") or "true").lower() == "true":
        return _crop_and_pad(call)
    return [{"Pad": {"keys": call.all, "by": call.need("px")}}]


def _fixed(name: str) -> Rule:
    def rule(call: Call) -> Steps:
        size = [call.take("height"), call.take("width")]
        if None in size:
            raise Untranslated("it lacks 'width' or 'height'")
        return [{name: {"keys": call.all, "size": size, "place": [0, 1]}}]

    return rule


def _invert(call: Call) -> Steps:
    chance = call.range("p")
    return [{"Invert": {"keys": call.images, **({} if chance is None else {"p": chance})}}]


def _background(call: Call) -> Steps:
    folder, rate, erosion = call.take("path"), call.take("rate"), call.take("erosion")
    if folder is None or not call.labels:
        raise Untranslated("it lacks 'path'" if folder is None else "it needs a label map to keep what that shows")
    keeps = 0.5 if rate is None else _number(rate, "rate")
    fields = {"keys": call.images, "mask": call.labels[0], "folder": folder, "p": _tidy(1 - keeps)}
    if erosion is not None:
        # Musket itself draws from between the two
        both = [_tidy(_number(end, "erosion")) for end in (erosion if isinstance(erosion, list) else [erosion])]
        fields["erosion"] = both if len(both) > 1 else both[0]
    return [{"BackgroundReplacement": fields}]


def _quarters(call: Call) -> Steps:
    call.take("enabled")
    return [{"Rotate90": {"keys": call.all}}]


_SHARPEN = "'Sharpen' takes away a blur here; imgaug adds differences to the neighbours, which looks alike"
_ELASTIC = "lengths are mm here, pixels in imgaug"

_TABLE: dict[str, tuple[str, Rule]] = {
    "Add": ("value", _same("Brightness", ("value", "shift"), grey=True)),
    "AddElementwise": ("value", _elementwise("AddElementwise", "value", 0, grey=True)),
    "Multiply": ("mul", _same("Multiply", ("mul", "factor"))),
    "MultiplyElementwise": ("mul", _elementwise("MultiplyElementwise", "mul", 1)),
    "Fliplr": ("p", _flip("x")),
    "Flipud": ("p", _flip("y")),
    "Invert": ("p", _invert),
    "Rotate90": ("enabled", _quarters),
    "Affine": ("scale", _affine),
    "Pad": ("px", _pad),
    "CropAndPad": ("px", _crop_and_pad),
    "PadToFixedSize": ("width", _fixed("Pad")),
    "CropToFixedSize": ("width", _fixed("Crop")),
    "AdditiveGaussianNoise": ("loc", _noise),
    "Grayscale": ("alpha", _same("Grayscale", ("alpha", "alpha"))),
    "GaussianBlur": ("sigma", _same("Blur", ("sigma", "sigma"))),
    "AverageBlur": ("k", _same("AverageBlur", ("k", "size"))),
    "MedianBlur": ("k", _same("MedianBlur", ("k", "size"))),
    "Sharpen": ("alpha", _same("Sharpen", ("alpha", "amount"), near=_SHARPEN)),
    "Emboss": ("alpha", _same("Emboss", ("alpha", "alpha"), ("strength", "strength"))),
    "EdgeDetect": ("alpha", _same("EdgeDetect", ("alpha", "alpha"))),
    "DirectedEdgeDetect": (
        "alpha", _same("DirectedEdgeDetect", ("alpha", "alpha"), ("direction", "direction")),
    ),
    "Dropout": ("p", _same("Dropout", ("p", "share"))),
    "BackgroundReplacer": ("path", _background),
    "ElasticTransformation": (
        "alpha", _same("FreeForm", ("alpha", "alpha"), ("sigma", "sigma"), moves=True, near=_ELASTIC),
    ),
}  # fmt: skip
"""By imgaug's name: the argument that stands alone where only one value is given, and the rule."""

RULES: dict[str, Rule] = {name.lower(): rule for name, (_, rule) in _TABLE.items()}
FIRST: dict[str, str] = {name.lower(): first for name, (first, _) in _TABLE.items()}
NAMES: dict[str, str] = {name.lower(): name for name in _TABLE}

REASONS: dict[str, str] = {
    "piecewiseaffine": "GridDistortion and Elastic bend images here",
}
"""What Musket knows and cannot be translated."""
