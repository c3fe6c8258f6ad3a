"""Reads DICOM files as one array with its place: numbers as the modality means them, or as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.dicom.frames import READ_TAGS, Frame, frames_of
from fuse_engine.data.dicom.header import Header, read_header
from fuse_engine.data.dicom.layout import Layout, check_pixels
from fuse_engine.data.dicom.lut import Voi, Window
from fuse_engine.data.dicom.pixels import in_colour, read_stored
from fuse_engine.data.dicom.stack import Fault, Stack, arrange, faults
from fuse_engine.data.memory import require_memory


@dataclass(frozen=True)
class Showing:
    """How the numbers are brought to 0..1: by the header's own choice of this number, or by a window."""

    number: int = 1
    window: Window | None = None


@dataclass(frozen=True)
class Part:
    """One file of a series."""

    header: Header
    layout: Layout
    frames: list[Frame]


def part_of(path: Path) -> Part:
    """Read the header of one file; the caller surrounds it with `reading`.

    Raises:
        SampleError: naming the file and what is wrong with it.
    """
    header = read_header(path, READ_TAGS)
    return Part(header, *frames_of(header))


def check_parts(parts: Sequence[Part]) -> list[Fault]:
    """Return what is wrong with files that are to be one volume."""
    found = []
    for part in parts:
        try:
            check_pixels(part.header, part.layout)
        except SampleError as error:
            found.append(Fault(str(error)))
    if len(parts) > 1:
        many = tuple(part.header.path.name for part in parts if len(part.frames) > 1)
        if many:
            found.append(Fault("files with several frames are volumes of their own", many))
        series = {part.header.text("SeriesInstanceUID") for part in parts}
        if len(series) > 1:
            found.append(Fault(f"the files belong to {len(series)} series"))
        colours = {
            part.layout.samples * (3 if part.layout.photometric == "PALETTE COLOR" else 1) for part in parts
        }
        if len(colours) > 1:
            found.append(Fault("some slices are in colour"))
    frames = [frame for part in parts for frame in part.frames]
    if lost := tuple(frame.plane.name for frame in frames if frame.table is None and not frame.plane.rescale[0]):
        found.append(Fault("a rescale slope of 0 leaves nothing of the values", lost))
    planes = [frame.plane for frame in frames]
    return found if _film(parts) else [*found, *faults(planes, volumes=len(parts) == 1)]


def grid_of(parts: Sequence[Part]) -> tuple[Geometry, Stack | None]:
    """Return the 3-D grid of a volume, and its slices in order; no order for a film or a single slice.

    Raises:
        SampleError: when the files are not one volume.
    """
    blocking = [fault for fault in check_parts(parts) if fault.blocking]
    if blocking:
        raise SampleError(
            "; ".join(map(str, blocking)), expected="the complete slices of one volume", check="series"
        )
    planes = [frame.plane for part in parts for frame in part.frames]
    if _film(parts):
        between = parts[0].header.number("SpacingBetweenSlices", 1.0) or 1.0
        first = planes[0]
        spacing = (abs(between), *(first.spacing or (1.0, 1.0)))
        return Geometry.plain((len(planes), *first.size), spacing), None
    stack = arrange(planes, volumes=len(parts) == 1)
    return stack.geometry, stack


def flat(geometry: Geometry) -> Geometry:
    """Return the 2-D grid of a single slice: its place is lost, its origin is 0; other grids as they are."""
    if geometry.size[2] != 1:
        return geometry
    return Geometry.plain(geometry.shape[1:], (geometry.spacing[1], geometry.spacing[0]))


def read_parts(parts: Sequence[Part], showing: Showing | None = None) -> tuple[NDArray[np.float32], Geometry]:
    """Return float32 pixels (channel, z, y, x) and their 3-D grid.

    Colours, and volumes that lie at one place in a file, become channels. Padding takes the lowest value of the
    rest. MONOCHROME1 is inverted, so that what is bright on the screen is a high number.

    Raises:
        SampleError: naming the file and what is wrong with it.
    """
    geometry, stack = grid_of(parts)
    layout = parts[0].layout
    samples = 3 if layout.photometric == "PALETTE COLOR" else layout.samples
    count = sum(len(part.frames) for part in parts)
    # as stored, and as float32 at the same time
    require_memory(parts[0].header.path.name, count * layout.rows * layout.columns * samples * 8)
    places = np.arange(count) if stack is None else np.argsort(stack.order.T.ravel(), kind="stable")
    found = np.empty((count, samples, layout.rows, layout.columns), np.float32)
    padding = _Padding(found)
    scratch = np.empty(layout.length, np.uint8)
    number = 0
    for part in parts:
        stored = in_colour(read_stored(part.header, part.layout, scratch), part.header, part.layout)
        for frame, pixels in zip(part.frames, stored, strict=True):
            _convert(pixels, frame, part, showing, found[places[number]])
            padding.note(part, pixels, places[number])
            number += 1
    padding.fill(0.0 if showing else None)
    depth = geometry.size[2]
    array = np.moveaxis(found.reshape(count // depth, depth, samples, layout.rows, layout.columns), 2, 1)
    return np.ascontiguousarray(array.reshape(-1, *geometry.shape)), geometry


def _film(parts: Sequence[Part]) -> bool:
    """Whether this is one file with frames that have no place."""
    frames = parts[0].frames
    return len(parts) == 1 and len(frames) > 1 and all(frame.plane.position is None for frame in frames)


def _convert(
    pixels: NDArray[Any], frame: Frame, part: Part, showing: Showing | None, out: NDArray[np.float32]
) -> None:
    """Put the values of one frame (y, x, sample) into `out` (sample, y, x)."""
    if out.shape[0] == 3:
        if showing is not None:
            raise SampleError(f"{part.header.path.name} is in colour and has no window", expected="`voi: none`")
        out[:] = np.moveaxis(pixels, -1, 0)
        return
    values, inverted = pixels[..., 0], part.layout.photometric == "MONOCHROME1"
    slope, intercept = frame.plane.rescale
    if inverted and showing is None and frame.table is None and not part.layout.floats:
        # as GDCM does: the darkest number that could be stored becomes the brightest
        slope, intercept = -slope, slope * _both_ends(part.layout) + intercept
    if frame.table is not None:
        out[0] = frame.table(values)
        if inverted and showing is None:
            out[0] = frame.table.entries.max() + frame.table.entries.min() - out[0]
    else:
        _scale(values, slope, intercept, out[0])
    if showing is not None:
        shown = _choice(frame, part, showing).shown(out[0])
        out[0] = 1 - shown if inverted else shown


def _scale(values: NDArray[Any], slope: float, intercept: float, out: NDArray[np.float32]) -> None:
    if values.dtype.itemsize > 2:  # such numbers do not fit into a float32
        out[:] = values * slope + intercept
    else:
        np.multiply(values, np.float32(slope), out=out, casting="unsafe")
        out += np.float32(intercept)


def _both_ends(layout: Layout) -> int:
    """Return the sum of the lowest and the highest number that can be stored."""
    return -1 if layout.signed else 2**layout.stored - 1


def _choice(frame: Frame, part: Part, showing: Showing) -> Voi:
    if showing.window is not None:
        return showing.window
    if len(frame.vois) < showing.number:
        raise SampleError(
            f"{part.header.path.name} offers {len(frame.vois)} windows and VOI tables",
            expected="`voi: window` or `voi: none`", got=f"number {showing.number}",
        )  # fmt: skip
    return frame.vois[showing.number - 1]


class _Padding:
    """The pixels that stand for nothing, to be given the lowest value of the rest."""

    def __init__(self, found: NDArray[np.float32]) -> None:
        self._found = found
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def note(self, part: Part, pixels: NDArray[Any], place: int) -> None:
        """Note the padding of one frame (y, x, sample)."""
        ends = [_word(part, keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
        if ends[0] is None or part.layout.samples > 1 or part.layout.floats:
            return
        low, high = sorted((ends[0], ends[1] if ends[1] is not None else ends[0]))
        mask = (pixels[..., 0] >= low) & (pixels[..., 0] <= high)
        if mask.any():
            self._masks[int(place)] = mask

    def fill(self, value: float | None) -> None:
        """Give the padding `value`, or the lowest of the rest."""
        if not self._masks:
            return
        if value is None:
            rests = (
                frame[0][~self._masks[place]] if place in self._masks else frame
                for place, frame in enumerate(self._found)
            )
            lows = [float(rest.min()) for rest in rests if rest.size]
            if not lows:
                return
            value = min(lows)
        for place, mask in self._masks.items():
            self._found[place, 0][mask] = value


def _word(part: Part, keyword: str) -> int | None:
    raw = part.header.values.get(_padding_tag(keyword), b"")[:2]
    order: Literal["little", "big"] = "little" if part.header.order == "<" else "big"
    return int.from_bytes(raw, order, signed=part.layout.signed) if len(raw) == 2 else None


def _padding_tag(keyword: str) -> int:
    return {"PixelPaddingValue": 0x00280120, "PixelPaddingRangeLimit": 0x00280121}[keyword]
