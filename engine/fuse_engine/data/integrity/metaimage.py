"""MetaImage files, .mha and .mhd: a text header, then the pixels or the name of their file."""

from __future__ import annotations

import math
from pathlib import Path

from fuse_engine.core.errors import SampleError
from fuse_engine.data.integrity.detached import data_file, header_fields
from fuse_engine.data.integrity.grid import check_spacing
from fuse_engine.data.integrity.pixels import Pixels, check_pixels

_BYTES = {
    "CHAR": 1, "UCHAR": 1, "SHORT": 2, "USHORT": 2, "INT": 4, "UINT": 4, "LONG_LONG": 8, "ULONG_LONG": 8,
    "FLOAT": 4, "DOUBLE": 8,
}  # fmt: skip
_LONG = {"LONG": 4, "ULONG": 4}
"""Four bytes or eight, as the writer's machine had it: at least four."""
_CHANNELS = 4096


def check_metaimage(path: Path) -> None:
    """Check header and pixels of a MetaImage file; ITK's own reader trusts every number in it.

    Raises:
        SampleError: naming the file and what is wrong.
    """
    fields, end = header_fields(path, "=")
    if "elementdatafile" not in fields:
        raise SampleError(f"{path.name} is no MetaImage file", expected="a header that ends with ElementDataFile")
    detached = data_file(path)
    length = _length(path.name, fields)
    _check_place(path.name, fields)
    packed = "zlib" if fields.get("compresseddata", "").lower() == "true" else ""
    if fields.get("binarydata", "true").lower() == "true" and length:
        # -1 stands for a header of unknown length before pixels that end with the file
        skipped = max(_whole(path.name, fields, "headersize", 0), 0)
        source = Pixels(detached, skipped, length, packed) if detached else Pixels(path, end, length, packed)
        check_pixels(path.name, source)


def _length(name: str, fields: dict[str, str]) -> int:
    """Return the bytes of the pixels."""
    dims = _whole(name, fields, "ndims", 0)
    try:
        size = [int(word) for word in fields.get("dimsize", "").split()]
    except ValueError:
        size = []
    channels = _whole(name, fields, "elementnumberofchannels", 1)
    if not 1 <= dims <= 4 or len(size) != dims or min(size) < 1 or not 1 <= channels <= _CHANNELS:
        raise SampleError(
            f"{name} has an impossible MetaImage header", expected="2 to 4 axes of 1 or more pixels",
            got=f"NDims {dims}, DimSize {size}, {channels} channels",
        )  # fmt: skip
    kind = fields.get("elementtype", "").removeprefix("MET_").removesuffix("_ARRAY")
    if kind not in _BYTES and kind not in _LONG:
        raise SampleError(f"{name} holds pixels of an unknown type", got=fields.get("elementtype", "none"))
    return math.prod(size) * channels * {**_BYTES, **_LONG}[kind]


def _check_place(name: str, fields: dict[str, str]) -> None:
    for key in ("elementspacing", "offset", "position", "origin", "transformmatrix", "orientation", "rotation"):
        try:
            numbers = [float(word) for word in fields.get(key, "").split()]
        except ValueError:
            numbers = [math.nan]
        if key == "elementspacing":
            check_spacing(name, numbers)
        elif not all(map(math.isfinite, numbers)):
            raise SampleError(f"{name} does not say where it lies", expected="numbers", got=fields[key][:80])


def _whole(name: str, fields: dict[str, str], key: str, default: int) -> int:
    text = fields.get(key, str(default))
    try:
        return int(text)
    except ValueError:
        raise SampleError(f"{name} has an impossible MetaImage header", got=f"{key} {text[:40]!r}") from None
