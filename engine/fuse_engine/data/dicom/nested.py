"""Reads the parts of a DICOM file that lie in sequences, with pydicom."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from fuse_engine.core.errors import SampleError
from fuse_engine.data.dicom.header import read_header

_LIMIT = 1 << 30
"""Bytes before the pixels."""


def read_nested(path: Path, keywords: Iterable[str]) -> Dataset:
    """Return the elements of these keywords (those in front of the pixels), with all that lies in them.

    Raises:
        SampleError: naming the file and why it cannot be read.
    """
    header = read_header(path, ())  # refuses what nests without end
    end = header.pixels.offset if header.pixels else header.size
    if end > _LIMIT:
        raise SampleError(f"{path.name} has a header of {end / 1e9:.1f} GB", expected="less than 1 GB")
    with broken(path):
        return pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(keywords))


@contextmanager
def broken(path: Path) -> Iterator[None]:
    """Say which file is broken when pydicom cannot make sense of it.

    Raises:
        SampleError: naming the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values in other elements are no reason to refuse the file
        try:
            yield
        except SampleError:
            raise
        except (
            ArithmeticError, AttributeError, BytesLengthException, EOFError, InvalidDicomError, LookupError,
            NotImplementedError, OSError, RecursionError, TypeError, ValueError, struct.error,
        ) as error:  # fmt: skip
            what = (
                f"{type(error).__name__}: {error}" if isinstance(error, AttributeError) else type(error).__name__
            )
            raise SampleError(f"{path.name} is not a readable DICOM file", got=what) from None
