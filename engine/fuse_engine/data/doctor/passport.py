"""Where an image lies in the patient, and how far two grids are apart."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np

from fuse_engine.core.geometry import Geometry
from fuse_engine.core.health import Passport

_LETTERS = ("LR", "PA", "SI")


def passport(sample: str, key: str, geometry: Geometry, grid_matches: bool | None = None) -> Passport:
    """Return the passport of one image of a sample."""
    spacing = tuple(float(f"{step:.6g}") for step in reversed(geometry.spacing))
    angle = round(oblique_degrees(geometry), 2)
    return Passport(sample, key, axes_code(geometry), spacing, geometry.shape, angle, grid_matches)


def axes_code(geometry: Geometry) -> str:
    """Return where x, y[, z] run to, e.g. `LPS`; empty where the image does not say where it lies."""
    if not geometry.placed:
        return ""
    matrix = geometry.matrix
    return "".join(
        _LETTERS[patient][int(matrix[patient, axis] < 0)] for axis, patient in enumerate(_patient_axes(geometry))
    )


def oblique_degrees(geometry: Geometry) -> float:
    """Return the largest angle between an axis and the patient axis that it runs along."""
    matrix = geometry.matrix
    cosines = [abs(float(matrix[patient, axis])) for axis, patient in enumerate(_patient_axes(geometry))]
    return max(math.degrees(math.acos(min(cosine, 1.0))) for cosine in cosines)


def _patient_axes(geometry: Geometry) -> tuple[int, ...]:
    """Return the patient axis that each axis of the image runs along, each of them once."""
    matrix = np.abs(geometry.matrix)
    return max(
        permutations(range(geometry.dims)),
        key=lambda axes: sum(float(matrix[patient, axis]) for axis, patient in enumerate(axes)),
    )


def grid_difference(mask: Geometry, image: Geometry, limit_mm: float) -> str:
    """Say in what a mask's grid differs from its image's; empty where it does not.

    The corners may be `limit_mm` apart, or a tenth of a pixel where that is less. Of pictures that do not say
    where they lie only the size is compared.
    """
    if mask.dims != image.dims:
        return f"the mask is {mask.dims}-D, the image {image.dims}-D"
    if mask.size != image.size:
        return f"the mask has {_times(mask.shape)} pixels, the image {_times(image.shape)}"
    if not (mask.placed and image.placed):
        return ""
    apart = float(np.linalg.norm(mask.corners - image.corners, axis=1).max())
    if apart <= min(limit_mm, 0.1 * min(image.spacing)):
        return ""
    return f"{_words(mask, image)}; corners up to {apart:.3g} mm apart"


def _words(mask: Geometry, image: Geometry) -> str:
    pairs = (("spacing", mask.spacing, image.spacing), ("origin", mask.origin, image.origin))
    told = [
        f"{name} {_times(ours[::-1])} mm against {_times(other[::-1])} mm"
        for name, ours, other in pairs
        if not np.allclose(ours, other, rtol=1e-4, atol=1e-3)
    ]
    if not np.allclose(mask.direction, image.direction, atol=1e-4):
        told.append(f"direction {axes_code(mask)} against {axes_code(image)}")
    return ", ".join(told) or "the grids differ"


def _times(numbers: tuple[float, ...] | tuple[int, ...]) -> str:
    return " x ".join(f"{number:.5g}" for number in numbers)
