"""Files of HDF5, without following what leads out of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.data.arrays.member import Member, version
from fuse_engine.data.memory import require_memory

_FILTERS = {
    h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT, h5py.h5z.FILTER_SCALEOFFSET, h5py.h5z.FILTER_LZF,
}  # fmt: skip
"""What HDF5 and h5py bring along; for any other a file makes them load a library."""
_TEXT = np.dtype("S1")
"""Stands for text of any length."""


def list_hdf5(path: Path) -> dict[str, Member]:
    """Return the data sets of an HDF5 file by their path in it; links to elsewhere are left out.

    Raises:
        SampleError: naming the file and why it cannot be read.
    """
    with _opened(path) as file, _naming(path.name):
        return {name: _member(path, name, found) for name, found in _datasets(file)}


def find_hdf5(path: Path, name: str) -> Member | None:
    """Return one data set, None where it is not there.

    Raises:
        SampleError: when the file is damaged, or the data set lies elsewhere or was never written.
    """
    return _checked(path, name, version(path))


def read_hdf5(path: Path, member: Member, place: int | None) -> NDArray[Any]:
    """Return a data set, or one place of its first axis; only that is read. Text comes as objects.

    Raises:
        SampleError: naming file and data set.
    """
    with _opened(path) as file, _naming(member.label):
        found = file[member.name]
        values = found.asstr("utf-8") if h5py.check_string_dtype(found.dtype) else found
        array = np.asarray(values[()] if place is None else values[place])
    return array.astype(array.dtype.newbyteorder("="), copy=False)


@lru_cache(maxsize=1 << 16)
def _checked(path: Path, name: str, version: tuple[int, ...]) -> Member | None:
    with _opened(path) as file, _naming(f"{path.name}|{name}"):
        found = _found(file, name)
        if found is None:
            return None
        member = _member(path, name, found)
        _check(found, member)
    return member


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    with _naming(path.name):
        file = h5py.File(path, "r", locking=False)
    with file:
        yield file


@contextmanager
def _naming(label: str) -> Iterator[None]:
    """Name the file in what HDF5 says of it."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise SampleError(f"{label} is damaged, cut off or no HDF5", got=str(error)[:200]) from None


def _datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("", file)]
    while waiting:
        place, group = waiting.pop()
        below = []
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            found = group[name]
            # several names, even a group within itself, may be one thing
            identity = h5py.h5o.get_info(found.id).addr
            if isinstance(found, h5py.Dataset):
                yield f"{place}{name}", found
            elif isinstance(found, h5py.Group) and identity not in seen:
                seen.add(identity)
                below.append((f"{place}{name}/", found))
        waiting += reversed(below)  # the first is taken out first


def _found(file: h5py.File, name: str) -> h5py.Dataset | None:
    """Return a data set whose every step on the way is a hard link: others lead to any file."""
    found = file
    for part in name.strip("/").split("/"):
        if not isinstance(found, h5py.Group) or not isinstance(found.get(part, getlink=True), h5py.HardLink):
            return None
        found = found[part]
    return found if isinstance(found, h5py.Dataset) else None


def _member(path: Path, name: str, found: h5py.Dataset) -> Member:
    label = f"{path.name}|{name}"
    with _naming(label):
        return Member(
            name, found.shape or (), _TEXT if h5py.check_string_dtype(found.dtype) else found.dtype, label
        )


def _check(found: h5py.Dataset, member: Member) -> None:
    if found.external or found.is_virtual:
        raise SampleError(
            f"{member.label} takes its values from another file", expected="values in the file itself"
        )
    settings = found.id.get_create_plist()
    for index in range(settings.get_nfilters()):
        code, _, _, name = settings.get_filter(index)
        if code not in _FILTERS:
            raise SampleError(
                f"{member.label} is packed in a way that is not known here", expected="gzip, lzf or szip",
                got=name.decode("utf-8", "replace")[:40] or str(code),
            )  # fmt: skip
    if found.chunks:
        require_memory(member.label, math.prod(found.chunks) * found.dtype.itemsize)
        parts = math.prod(-(-size // step) for size, step in zip(found.shape, found.chunks, strict=True))
        written = found.id.get_num_chunks() == parts
    else:
        written = found.id.get_storage_size() > 0
    if member.count and not written:  # HDF5 would read zeros
        raise SampleError(f"{member.label} was never written, or not to the end", expected="all values")


def list_attributes(path: Path) -> dict[str, dict[str, str]]:
    """Return what is attached to each group of an HDF5 file, texts and single numbers, as text by their names.

    Raises:
        SampleError: naming the file and why it cannot be read.
    """
    found: dict[str, dict[str, str]] = {}
    with _opened(path) as file, _naming(path.name):
        for name, dataset in _datasets(file):
            group = name.rpartition("/")[0]
            if group not in found:
                found[group] = {key: str(value) for key, value in dataset.parent.attrs.items() if _is_plain(value)}
    return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | np.generic) and not isinstance(value, np.void)
