"""Reads the numbers of a DICOM file as they are stored: whole numbers or floats, colour as RGB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from fuse_engine.core.errors import SampleError
from fuse_engine.data.dicom import compressed
from fuse_engine.data.dicom.header import PLAIN, Header
from fuse_engine.data.dicom.layout import Layout, check_pixels
from fuse_engine.data.dicom.nested import read_nested

_PALETTE = tuple(
    f"{colour}PaletteColorLookupTable{part}"
    for colour in ("Red", "Green", "Blue")
    for part in ("Descriptor", "Data")
)
_SEGMENTED = tuple(f"Segmented{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue"))


def check_stored(header: Header, layout: Layout) -> None:
    """Check that all pixels are there, without decompressing them.

    Raises:
        SampleError: when they are cut off, or not what the header says.
    """
    if header.pixels is not None and header.pixels.length is None:
        compressed.check(header, layout)
    else:
        check_pixels(header, layout)


def read_stored(header: Header, layout: Layout, into: NDArray[np.uint8] | None = None) -> NDArray[Any]:
    """Return the numbers (frame, y, x, sample) of one file; `into` is memory to read uncompressed ones into.

    Raises:
        SampleError: when they are cut off or cannot be decompressed.
    """
    pixels = header.pixels
    if pixels is not None and pixels.length is None:
        return _clean(compressed.decode(header, layout), layout)
    check_pixels(header, layout)
    length = layout.length + layout.length % 2 if _swapped(header, layout) else layout.length
    raw = np.empty(length, np.uint8) if into is None or into.size != length else into
    with header.path.open("rb", buffering=0) as file:
        file.seek(pixels.offset if pixels else 0)
        if _fill(file, raw) != raw.nbytes:
            raise SampleError(f"{header.path.name} is cut off", expected=f"{raw.nbytes} bytes of pixels")
    return _clean(_numbers(raw, header, layout), layout)


def read_frames(header: Header, layout: Layout, chosen: Sequence[int]) -> NDArray[Any]:
    """Return the numbers (frame, y, x, sample) of some frames; of an uncompressed file only these are read.

    Raises:
        SampleError: when they are cut off or cannot be decompressed.
    """
    pixels = header.pixels
    if pixels is None or pixels.length is None or _swapped(header, layout):
        return read_stored(header, layout)[list(chosen)]
    check_pixels(header, layout)
    one = replace(layout, frames=1)
    width = int(np.prod(one.shape)) * layout.bits
    found = []
    with header.path.open("rb", buffering=0) as file:
        for number in chosen:
            first, spare = divmod(number * width, 8)  # frames of single bits need not begin with a byte
            raw = np.empty((spare + width + 7) // 8, np.uint8)
            file.seek(pixels.offset + first)
            if _fill(file, raw) != raw.nbytes:
                raise SampleError(f"{header.path.name} is cut off", expected=f"frame {number + 1}")
            bits = np.unpackbits(raw, bitorder="little")[spare : spare + width] if layout.bits == 1 else None
            found.append(_numbers(raw, header, one)[0] if bits is None else bits.reshape(one.shape[1:]))
    return _clean(np.stack(found), layout)


def in_colour(stored: NDArray[Any], header: Header, layout: Layout) -> NDArray[Any]:
    """Return the colours (frame, y, x, 3) of an image in a palette or as YBR; others as they are.

    Raises:
        SampleError: when the palette cannot be used.
    """
    if layout.photometric == "PALETTE COLOR":
        return _from_palette(stored, header)
    # of the others GDCM makes RGB
    if layout.photometric in ("YBR_FULL", "YBR_FULL_422") and header.syntax in (*PLAIN, compressed.RLE):
        if layout.bits != 8:
            raise SampleError(f"{header.path.name} has YBR colours of {layout.bits} bits", expected="8 bits")
        # frame by frame: the conversion computes in wider numbers
        return np.stack([convert_color_space(frame, "YBR_FULL", "RGB") for frame in stored])
    return stored


def _swapped(header: Header, layout: Layout) -> bool:
    """Whether pairs of 8-bit pixels are turned round."""
    return header.order == ">" and layout.bits == 8 and header.pixels is not None and header.pixels.words


def _fill(file: Any, raw: NDArray[np.uint8]) -> int:
    place = 0
    while place < raw.nbytes and (count := file.readinto(raw.data[place:])):
        place += count
    return place


def _numbers(raw: NDArray[np.uint8], header: Header, layout: Layout) -> NDArray[Any]:
    if _swapped(header, layout):
        raw = raw.reshape(-1, 2)[:, ::-1].reshape(-1)[: layout.length]
    if layout.bits == 1:
        bits = np.unpackbits(raw, bitorder="little")
        return bits[: int(np.prod(layout.shape))].reshape(layout.shape)
    if layout.photometric == "YBR_FULL_422":
        return _unshared(raw, layout)
    kind = "f" if layout.floats else "i" if layout.signed else "u"
    found = raw.view(f"{header.order}{kind}{layout.bits // 8}")
    if layout.samples == 3 and layout.planar:
        return np.moveaxis(found.reshape(layout.frames, 3, layout.rows, layout.columns), 1, -1)
    return found.reshape(layout.shape)


def _unshared(raw: NDArray[np.uint8], layout: Layout) -> NDArray[np.uint8]:
    """Return Y, B, R for each pixel of Y Y B R for each two."""
    if layout.bits != 8 or layout.columns % 2:
        raise SampleError("YBR_FULL_422 takes 8 bits a number and an even number of columns")
    pairs = raw.reshape(layout.frames, layout.rows, layout.columns // 2, 4)
    found = np.empty(layout.shape, np.uint8)
    found[..., 0] = pairs[..., :2].reshape(layout.shape[:3])
    found[..., 1:] = np.repeat(pairs[..., 2:], 2, axis=2)
    return found


def _clean(found: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Return the numbers without the bits that do not count, where old files kept drawings."""
    if layout.floats or layout.stored == layout.bits or layout.bits == 1:
        return found
    spare = layout.bits - layout.stored
    left = layout.bits - 1 - layout.high
    native = found.astype(found.dtype.newbyteorder("="))
    cleaned: NDArray[Any] = (native << left) >> spare
    return cleaned


def _from_palette(stored: NDArray[Any], header: Header) -> NDArray[Any]:
    found = read_nested(header.path, (*_PALETTE, *_SEGMENTED, "PixelRepresentation"))
    palette = Dataset()
    for element in found:
        if element.keyword in (*_PALETTE, *_SEGMENTED):
            palette.add(element)
    try:
        return np.asarray(apply_color_lut(stored[..., 0], palette))
    except (AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        raise SampleError(f"{header.path.name}: its palette cannot be used", got=str(error)[:120]) from None
