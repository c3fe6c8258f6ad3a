"""Which file holds the pixels where a header names another one."""

from __future__ import annotations

from pathlib import Path

from fuse_engine.core.errors import SampleError
from fuse_engine.data.integrity.naming import ending

HEADER_LIMIT = 1 << 20
"""Bytes that a text header may take."""


def data_file(path: Path) -> Path | None:
    """Return the file that holds the pixels where a .mhd or .nhdr header names another one.

    Raises:
        SampleError: when that file is missing or outside the header's folder.
    """
    kind = ending(path)
    if kind not in (".mhd", ".mha", ".nhdr", ".nrrd"):
        return None
    meta = kind.startswith(".m")
    name = header_fields(path, "=" if meta else ":")[0].get("elementdatafile" if meta else "datafile")
    if name is None or (meta and name.upper() == "LOCAL"):
        return None
    folder = path.parent.resolve()
    if "\0" in name:
        raise SampleError(f"{path.name} takes its pixels from a file that cannot be", got=repr(name))
    found = (folder / name).resolve()
    if not found.is_relative_to(folder):
        raise SampleError(f"{path.name} takes its pixels from '{name}', outside its own folder")
    if not found.is_file():
        raise SampleError(f"{path.name} takes its pixels from '{name}', which is not there", check="missing")
    return found


def header_fields(path: Path, mark: str) -> tuple[dict[str, str], int]:
    """Return the fields of a text header, names in lower case without spaces, and the byte after it.

    A MetaImage header (`=`) ends with ElementDataFile, an NRRD header (`:`) with an empty line.
    """
    found: dict[str, str] = {}
    place = 0
    with path.open("rb") as file:
        while place < HEADER_LIMIT and (line := file.readline(HEADER_LIMIT)):
            place += len(line)
            if not line.strip():
                break
            name, sign, value = line.decode("utf-8", "replace").partition(mark)
            key = name.replace(" ", "").lower()
            if sign and not line.startswith(b"#"):
                found.setdefault(key, value.strip())
            if key == "elementdatafile" and mark == "=":
                break
    return found, place
