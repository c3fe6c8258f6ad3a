"""One way to read an array, whatever the kind of its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError, nearest
from fuse_engine.core.reading import reading
from fuse_engine.data.arrays.hdf5 import find_hdf5, list_hdf5, read_hdf5
from fuse_engine.data.arrays.member import Member
from fuse_engine.data.arrays.numpy_file import find_npz, list_npy, list_npz, read_npy, read_npz


@dataclass(frozen=True)
class _Kind:
    """How a kind of file is read."""

    list: Callable[[Path], dict[str, Member]]
    find: Callable[[Path, str], Member | None]
    read: Callable[[Path, Member, int | None], NDArray[Any]]


_HDF5 = _Kind(list_hdf5, find_hdf5, read_hdf5)
_KINDS = {
    ".npy": _Kind(list_npy, lambda path, name: list_npy(path).get(name), read_npy),
    ".npz": _Kind(list_npz, find_npz, read_npz),
    ".h5": _HDF5, ".hdf5": _HDF5,
}  # fmt: skip
ENDINGS = tuple(_KINDS)
"""Endings of files that hold arrays."""


def list_members(path: Path) -> dict[str, Member]:
    """Return the arrays of a file by name, from their headers alone; the one of a .npy file has the name ''.

    Raises:
        SampleError: naming the file and why it cannot be read.
    """
    kind = _kind(path)
    with reading(path):
        return kind.list(path)


def read_member(path: Path, name: str | None = None, place: int | None = None) -> NDArray[Any]:
    """Return the numbers of an array, or those at one place of its first axis; they must not be changed.

    Without a name it is the only array of the file.

    Raises:
        SampleError: naming the file and the member, and why it cannot be read.
    """
    kind = _kind(path)
    with reading(path):
        member = _found(path, kind, name)
        member.check()
        member.check_place(place)
        return kind.read(path, member, place)


def read_text(path: Path, name: str) -> list[str]:
    """Return the texts of an array, one after the other.

    Raises:
        SampleError: naming the file and the member, and why it cannot be read.
    """
    kind = _kind(path)
    with reading(path):
        member = _found(path, kind, name)
        member.check(text=True)
        member.check_place(None)
        array = kind.read(path, member, None).reshape(-1)
    try:
        return [item.decode() if isinstance(item, bytes) else str(item) for item in array.tolist()]
    except UnicodeDecodeError:
        raise SampleError(f"{member.label} holds no text", expected="UTF-8") from None


def _kind(path: Path) -> _Kind:
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise SampleError(f"cannot read {path.name}", expected=f"a file that ends in {', '.join(ENDINGS)}")
    return kind


def _found(path: Path, kind: _Kind, name: str | None) -> Member:
    if name is None:
        members = kind.list(path)
        if len(members) != 1:
            raise _unknown(f"{path.name} holds {len(members)} arrays", members)
        name = next(iter(members))
    found = kind.find(path, name)
    if found is None:
        raise _unknown(f"{path.name} has no array '{name}'", kind.list(path), name)
    return found


def _unknown(message: str, members: dict[str, Member], name: str = "") -> SampleError:
    known = ", ".join(sorted(members)[:20]) or "none"
    return SampleError(message, expected=f"one of {known}", nearest=nearest(name, members) if name else "")
