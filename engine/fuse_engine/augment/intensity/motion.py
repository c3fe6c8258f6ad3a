"""What comes of a patient who moves during an MR scan: blurred edges, and copies of the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import fft

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Pull, pulled
from fuse_engine.augment.spatial.affine import Affine
from fuse_engine.core.distribution import AXES, Distribution, constant, uniform
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
Axis = Literal["z", "y", "x"]


@register
class Motion(Intensity):
    """Makes an image as if the patient had moved during an MR scan: k-space is put together from several poses.

    The centre of k-space is of the pose that stands in the image, so that label maps still fit.
    R. Shaw et al., MIDL 2019; TorchIO's `RandomMotion`.
    """

    whole = True

    rotate: Distribution = Field(uniform(-10.0, 10.0), ge=-90, le=90)
    """Degrees that a pose is turned about each axis; in 2-D in the plane."""
    translate: Distribution = uniform(-10.0, 10.0)
    """Shift of a pose along each axis, in mm."""
    poses: Distribution = Field(constant(2), ge=0, le=20)
    """How many other poses there are; rounded. Each lasts from one drawn moment to the next."""
    axes: list[Axis] = Field(["y"], min_length=1)
    """Axes of which one is drawn: the one along which k-space is measured line after line."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the axis, the moments (0 to 1) at which poses change, and each pose's turn and shift.

        `rotate` (degrees) and `translate` (shares of the image) hold the numbers of all poses, axis by axis.

        Raises:
            FuseError: for z on a 2-D image.
        """
        axis = drawn_axis(self.axes, chance, grid)
        count = round(chance.number(self.poses))
        sides = [step * size for step, size in zip(reversed(grid.spacing), grid.shape, strict=True)]
        return {
            "axis": axis,
            "moments": sorted(chance.number(uniform(0.0, 1.0)) for _ in range(count)),
            "rotate": [[chance.number(self.rotate) for _ in range(count)] for _ in _RIGID.neutral(grid)["rotate"]],
            "translate": [[chance.number(self.translate) / side for _ in range(count)] for side in sides],
            "spacing": list(reversed(grid.spacing)),
        }

    def neutral(self, grid: Geometry) -> Params:
        """Return no other poses."""
        still, spacing = _RIGID.neutral(grid), list(reversed(grid.spacing))
        none: list[list[float]] = [[] for _ in still["rotate"]]
        return {
            "axis": "y", "moments": [], "rotate": none, "translate": [[]] * grid.dims, "spacing": spacing,
        }  # fmt: skip

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image of the mixed k-space."""
        along = axis_of(params["axis"], part)
        size = image.shape[along]
        spectrum = fft.rfft(image.astype(np.float32, copy=False), axis=along, workers=1)
        found = spectrum.copy()
        for number, lines in enumerate(_lines(params["moments"], size)):
            if not lines.any():
                continue
            moved, _ = pulled(image, image[:0], _pose(params, number, image.shape[1:]), "edge")
            share = lines.reshape(-1, *[1] * (image.ndim - 1 - along))
            found += share * (fft.rfft(moved, axis=along, workers=1) - spectrum)
        return np.asarray(fft.irfft(found, size, axis=along, workers=1), np.float32)


@register
class Ghosting(Intensity):
    """Weakens every nth line of k-space, so that copies of the patient appear along an axis, as breathing does.

    TorchIO's `RandomGhosting`.
    """

    whole = True

    ghosts: Distribution = Field(uniform(4.0, 10.0), ge=2, le=100)
    """How many copies lie along the axis, the image among them; rounded."""
    intensity: Distribution = Field(uniform(0.3, 0.7), ge=0, le=1)
    """Share that the lines are weakened by; 0 changes nothing, 1 takes them away."""
    centre: float = Field(0.02, ge=0, le=1)
    """Share of k-space around its centre that is left as it is."""
    axes: list[Axis] = Field(["y"], min_length=1)
    """Axes of which one is drawn: the one along which the copies lie."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the axis, the number of copies and their strength.

        Raises:
            FuseError: for z on a 2-D image.
        """
        axis = drawn_axis(self.axes, chance, grid)
        return {
            "axis": axis, "ghosts": round(chance.number(self.ghosts)), "intensity": chance.number(self.intensity)
        }  # fmt: skip

    def neutral(self, grid: Geometry) -> Params:
        """Return no strength."""
        return {"axis": "y", "ghosts": 4, "intensity": 0.0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image of the weakened k-space."""
        along = axis_of(params["axis"], part)
        size = image.shape[along]
        line = np.arange(size // 2 + 1)
        weak = (line % params["ghosts"] == 0) & (line >= self.centre * size / 2)
        factor = np.where(weak, 1 - params["intensity"], 1).astype(np.float32)
        spectrum = fft.rfft(image.astype(np.float32, copy=False), axis=along, workers=1)
        spectrum *= factor.reshape(-1, *[1] * (image.ndim - 1 - along))
        return np.asarray(fft.irfft(spectrum, size, axis=along, workers=1), np.float32)


def drawn_axis(axes: list[Axis], chance: Chance, grid: Geometry) -> str:
    """Draw one of the axes, all alike.

    Raises:
        FuseError: for z on a 2-D image.
    """
    if grid.dims == 2 and "z" in axes:
        raise FuseError("a 2-D image has no z axis", where="axes", expected="x, y or both")
    return axes[chance.pick([1.0] * len(axes))]


def axis_of(name: str, part: Part) -> int:
    """Return the number of an axis of an image (channel, [z,] y, x)."""
    return AXES.index(name) - 3 + part.dims + 1


def _lines(moments: list[float], size: int) -> list[NDArray[np.float32]]:
    """Return of each pose the share of every frequency from 0 up that is measured in it.

    Lines are measured from the lowest to the highest; what is of one frequency below 0 counts for the same above
    it, as only the real part of the image is kept.
    """
    time = (np.arange(size) + 0.5) / size
    pose = np.searchsorted(moments, time, side="right")
    centre = pose[size // 2]
    pose = fft.ifftshift(pose)
    above = np.arange(size // 2 + 1)
    # the pose of the centre is the image itself; the time before the first moment is that of the pose left over
    others = [number for number in range(len(moments) + 1) if number != centre]
    return [
        ((pose[above] == other).astype(np.float32) + (pose[-above] == other).astype(np.float32)) / np.float32(2)
        for other in others
    ]


def _pose(params: Params, number: int, shape: tuple[int, ...]) -> Pull:
    """Return the move of the patient to one pose."""
    turn, shift = ([axis[number] for axis in params[name]] for name in ("rotate", "translate"))
    still = _RIGID.neutral(Geometry.plain(shape))
    return _RIGID.pull({**still, "rotate": turn, "translate": shift, "spacing": params["spacing"]}, shape)


_RIGID = Affine(keys=["data.input.image"])
