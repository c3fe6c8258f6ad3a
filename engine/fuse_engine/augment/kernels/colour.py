"""Hue, saturation and value of RGB images, a row of pixels at a time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

F = np.float32


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _primary(offset: Any, hue: Any, value: Any, chroma: Any) -> Any:
    """Return red (5), green (3) or blue (1) of a hue from 0 to below 12 sixths of a turn."""
    place = offset + hue
    place -= F(6) * np.floor(place * F(1 / 6))
    return value - chroma * max(F(0), min(min(place, F(4) - place), F(1)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def shifted(image: Any, out: Any, turn: Any, saturation: Any, value: Any) -> None:
    """Write RGB pixels (3, n), hues turned by a share of the circle, saturation and value times their factors.

    Hexagonal HSV of A. R. Smith, Color gamut transform pairs, SIGGRAPH 1978; saturation ends where black begins.
    """
    red, green, blue = image[0], image[1], image[2]
    to_red, to_green, to_blue = out[0], out[1], out[2]
    for i in range(image.shape[1]):
        r, g, b = red[i], green[i], blue[i]
        high, low = max(max(r, g), b), min(min(r, g), b)
        chroma = high - low
        inverse = F(1) / (chroma if chroma > F(0) else F(1))
        of_red, of_green, of_blue = (g - b) * inverse, (b - r) * inverse + F(2), (r - g) * inverse + F(4)
        hue = of_red if high == r else (of_green if high == g else of_blue)
        # no smallest primary below 0, unless it was there before
        most = max(high, chroma)
        new = min(chroma * saturation, most) * value
        hue, top = hue + turn * F(6) + F(6), high * value
        to_red[i] = _primary(F(5), hue, top, new)
        to_green[i] = _primary(F(3), hue, top, new)
        to_blue[i] = _primary(F(1), hue, top, new)
