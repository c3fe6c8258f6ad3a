"""How the pixels of a DICOM file are laid out in its bytes."""

from __future__ import annotations

from dataclasses import dataclass

from fuse_engine.core.errors import SampleError
from fuse_engine.data.dicom.header import PLAIN, Header, tags_of

LAYOUT_TAGS = tags_of(
    (
        "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
        "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    )
)  # fmt: skip
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422")
_GREYS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_BITS = {0x7FE00010: (1, 8, 16, 32), 0x7FE00008: (32,), 0x7FE00009: (64,)}
"""Bits of a number, by the tag of the pixels: whole numbers, floats, doubles."""


@dataclass(frozen=True)
class Layout:
    """Size and number format of the pixels of one file."""

    frames: int
    rows: int
    columns: int
    samples: int
    """1, or 3 for colour."""
    bits: int
    """Bits that one number takes in the file."""
    stored: int
    """Bits of it that count."""
    high: int
    """Number of the highest of those bits."""
    signed: bool
    planar: int
    """1 where the colours of a frame lie one after the other."""
    photometric: str
    floats: bool

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(frame, y, x, sample)."""
        return (self.frames, self.rows, self.columns, self.samples)

    @property
    def length(self) -> int:
        """Bytes of the uncompressed pixels."""
        # with 422, two pixels share their colour: four numbers instead of six
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return (self.frames * self.rows * self.columns * samples * self.bits + 7) // 8


def layout_of(header: Header) -> Layout:
    """Return how the pixels lie in the file.

    Raises:
        SampleError: naming the file, when it holds no image or one that cannot be.
    """
    name = header.path.name
    if header.pixels is None or not header.count("Rows"):
        raise SampleError(f"{name} holds no image")
    bits = header.count("BitsAllocated")
    stored = header.count("BitsStored", bits)
    found = Layout(
        frames=max(header.count("NumberOfFrames", 1), 1), rows=header.count("Rows"),
        columns=header.count("Columns"), samples=header.count("SamplesPerPixel", 1), bits=bits, stored=stored,
        high=header.count("HighBit", stored - 1), signed=bool(header.count("PixelRepresentation")),
        planar=header.count("PlanarConfiguration"), photometric=header.text("PhotometricInterpretation"),
        floats=header.pixels.tag != 0x7FE00010,
    )  # fmt: skip
    _check(found, header)
    return found


def check_pixels(header: Header, layout: Layout) -> None:
    """Check that the file holds as many bytes of uncompressed pixels as its header says.

    Raises:
        SampleError: when it is cut off.
    """
    if header.pixels is None or header.pixels.length is None:
        return
    there = min(header.pixels.length, header.size - header.pixels.offset)
    if there < layout.length:
        raise SampleError(
            f"{header.path.name} is cut off", expected=f"{layout.length} bytes of pixels", got=str(there)
        )


def _check(layout: Layout, header: Header) -> None:
    name, tag = header.path.name, header.pixels.tag if header.pixels else 0
    if not 0 < layout.columns <= 65535 or layout.frames > 1_000_000:
        raise SampleError(f"{name} has an impossible size", got=f"{layout.rows} x {layout.columns}")
    if layout.bits not in _BITS[tag]:
        raise SampleError(
            f"{name} has {layout.bits} bits a number", expected=f"one of {', '.join(map(str, _BITS[tag]))}"
        )
    if not layout.floats and not 0 < layout.stored <= layout.high + 1 <= layout.bits:
        raise SampleError(f"{name} stores impossible bits", got=f"{layout.stored} up to bit {layout.high}")
    if (layout.photometric in _COLOURS) != (layout.samples == 3) or layout.samples not in (1, 3):
        raise SampleError(f"{name}: {layout.samples} sample(s) do not make {layout.photometric or 'a pixel'}")
    if layout.photometric not in (*_COLOURS, *_GREYS):
        raise SampleError(
            f"{name} has the photometric interpretation '{layout.photometric[:40]}'",
            expected=f"one of {', '.join((*_GREYS, *_COLOURS))}",
        )
    if header.syntax in PLAIN and header.pixels is not None and header.pixels.length is None:
        raise SampleError(f"{name} says its pixels are uncompressed, and holds compressed ones")
    if header.syntax not in PLAIN and header.pixels is not None and header.pixels.length is not None:
        raise SampleError(f"{name} says its pixels are compressed, and holds uncompressed ones")
