"""Decodes compressed pixels with GDCM, which never sees a stranger's header.

GDCM kills its process on headers that nest without end. It is given a file of our own that holds what describes
the pixels, and the pixels, whose frames have been compared with that description before.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.data.dicom.header import Header, Pixels, uid_name
from fuse_engine.data.dicom.layout import Layout

RLE = "1.2.840.10008.1.2.5"
_JPEG = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81))
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91))
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SOF = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})


def decode(header: Header, layout: Layout) -> NDArray[Any]:
    """Return the stored numbers (frame, y, x, sample); colour as RGB.

    Raises:
        SampleError: naming the transfer syntax, or what is wrong with the pixels.
    """
    pixels = _pixels(header)
    stream = check(header, layout)
    with tempfile.TemporaryDirectory(prefix="fuse-") as folder:
        path = Path(folder) / "frames.dcm"
        path.write_bytes(_described(header.syntax, layout) + _element(pixels.tag, "OB", stream, True))
        try:
            found = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))
        except RuntimeError:
            raise SampleError(
                f"{header.path.name}: its pixels cannot be decompressed", got=uid_name(header.syntax)
            ) from None
    shape = (layout.frames, layout.rows, layout.columns, layout.samples)
    if found.size != np.prod(shape):
        raise SampleError(f"{header.path.name}: its pixels do not decompress to its size", got=str(found.shape))
    kind = f"{'i' if layout.signed else 'u'}{layout.bits // 8}"
    frames: NDArray[Any] = found.reshape(shape).astype(kind, copy=False)
    return frames


def check(header: Header, layout: Layout) -> bytes:
    """Check that the compressed frames are all there and of the size the header says; return the fragments.

    Raises:
        SampleError: naming the transfer syntax, or what is wrong with the pixels.
    """
    pixels, name = _pixels(header), header.path.name
    if header.syntax not in (RLE, *_JPEG, *_JPEG_2000):
        raise SampleError(
            f"{name} has the transfer syntax {uid_name(header.syntax)}",
            expected="uncompressed pixels, RLE, JPEG, JPEG-LS or JPEG 2000",
        )
    with header.path.open("rb") as file:
        file.seek(pixels.offset)
        fragments = list(_fragments(file, header))
        file.seek(pixels.offset)
        stream = file.read(sum(len(fragment) + 8 for fragment in fragments))
    # one frame may be cut into several fragments
    frames = fragments[1:] if layout.frames > 1 or len(fragments) < 2 else [b"".join(fragments[1:])]
    if len(frames) < layout.frames:
        raise SampleError(f"{name} is cut off", expected=f"{layout.frames} frames", got=str(len(frames)))
    if len(frames) == layout.frames:
        for frame in frames:
            _check_frame(frame, header, layout, whole=True)
    else:
        _check_frame(frames[0], header, layout, whole=False)
    return stream


def _pixels(header: Header) -> Pixels:
    if header.pixels is None:
        raise SampleError(f"{header.path.name} holds no image")
    return header.pixels


def _fragments(file: IO[bytes], header: Header) -> Iterator[bytes]:
    """Yield the offset table and the fragments of the frames."""
    while True:
        mark, length = file.read(4), int.from_bytes(file.read(4), "little")
        if mark == _END:
            return
        if mark != _ITEM or file.tell() + length > header.size:
            raise SampleError(f"{header.path.name} is cut off", expected="the end mark of its compressed pixels")
        yield file.read(length)


def _check_frame(data: bytes, header: Header, layout: Layout, whole: bool) -> None:
    """Compare one frame's own size with the header's, and find its end."""
    name = header.path.name
    if header.syntax == RLE:
        if layout.samples > 1 and layout.bits > 8:  # GDCM returns noise for it
            raise SampleError(f"{name} has RLE colour of {layout.bits} bits a number", expected="8 bits")
        # a run of RLE gives at most 128 bytes for two
        if len(data) * 64 < layout.rows * layout.columns * layout.samples * layout.bits // 8 and whole:
            raise SampleError(f"{name} is cut off", expected=f"a frame of {layout.rows} x {layout.columns} pixels")
        return
    size = _size_2000(data) if header.syntax in _JPEG_2000 else _size_jpeg(data)
    if size is None:
        raise SampleError(f"{name}: a frame does not begin as {uid_name(header.syntax)} does")
    if size != (layout.rows, layout.columns, layout.samples):
        raise SampleError(
            f"{name}: a frame has another size than the header says",
            expected=f"{layout.rows} x {layout.columns}, {layout.samples} sample(s)",
            got=f"{size[0]} x {size[1]}, {size[2]} sample(s)",
        )  # fmt: skip
    if whole and b"\xff\xd9" not in data[-16:]:
        raise SampleError(f"{name} is cut off", expected="the end mark of a frame")


def _size_jpeg(data: bytes) -> tuple[int, int, int] | None:
    place = 2
    while data[:2] == b"\xff\xd8" and place + 10 <= len(data) and data[place] == 0xFF:
        mark = data[place + 1]
        if mark in _SOF:
            rows, columns = struct.unpack_from(">HH", data, place + 5)
            return rows, columns, data[place + 9]
        place += 1 if mark == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _size_2000(data: bytes) -> tuple[int, int, int] | None:
    place = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if place < 0 or len(data) < place + 42:
        return None
    width, height, left, top = struct.unpack_from(">4I", data, place + 8)
    return height - top, width - left, int.from_bytes(data[place + 40 : place + 42], "big")


def _described(syntax: str, layout: Layout) -> bytes:
    """Return the bytes of a DICOM file up to its pixels."""
    grey = layout.samples == 1
    # RLE keeps the colours as they are, which GDCM only accepts as RGB
    colours = "RGB" if syntax == RLE else layout.photometric
    meta = b"".join(
        _element(tag, vr, value)
        for tag, vr, value in (
            (0x00020001, "OB", b"\0\1"), (0x00020002, "UI", _CAPTURE), (0x00020003, "UI", "2.25.1"),
            (0x00020010, "UI", syntax), (0x00020012, "UI", "2.25.2"),
        )
    )  # fmt: skip
    facts: list[tuple[int, str, str | int]] = [
        (0x00080016, "UI", _CAPTURE), (0x00080018, "UI", "2.25.1"), (0x00280002, "US", layout.samples),
        (0x00280004, "CS", "MONOCHROME2" if grey else colours),
        *([] if grey else [(0x00280006, "US", layout.planar)]),
        (0x00280008, "IS", str(layout.frames)), (0x00280010, "US", layout.rows),
        (0x00280011, "US", layout.columns), (0x00280100, "US", layout.bits), (0x00280101, "US", layout.stored),
        (0x00280102, "US", layout.high), (0x00280103, "US", int(layout.signed)),
    ]  # fmt: skip
    image = b"".join(_element(*fact) for fact in facts)
    return b"\0" * 128 + b"DICM" + _element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + image


def _element(tag: int, vr: str, value: str | int | bytes, fragments: bool = False) -> bytes:
    if isinstance(value, str):
        raw = value.encode("ascii") + (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    else:
        raw = value if isinstance(value, bytes) else struct.pack("<H", value)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
    if fragments:
        return head + b"\0\0\xff\xff\xff\xff" + raw + _END + b"\0\0\0\0"
    if vr == "OB":
        return head + b"\0\0" + struct.pack("<I", len(raw)) + raw
    return head + struct.pack("<H", len(raw)) + raw
