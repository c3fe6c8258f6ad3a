"""Single DICOM files; a series of them is checked as one volume in `data.dicom`."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from fuse_engine.core.errors import SampleError


def check_dicom(path: Path) -> None:
    """Check that a DICOM file holds an image, and as many bytes of pixels as its header says.

    Raises:
        SampleError: naming the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values in other tags are no reason to refuse the pixels
        try:
            found = pydicom.dcmread(path)
            plain = not found.file_meta.TransferSyntaxUID.is_encapsulated
            length = len(found.PixelData)
            bits = int(found.Rows) * int(found.Columns) * int(found.SamplesPerPixel) * int(found.BitsAllocated)
            expected = bits // 8 * int(found.get("NumberOfFrames") or 1)
        except (
            InvalidDicomError,
            EOFError,
            OSError,
            ValueError,
            TypeError,
            KeyError,
            RecursionError,
            struct.error,
        ) as error:
            raise SampleError(f"{path.name} is not a readable DICOM file", got=f"{type(error).__name__}") from None
        except AttributeError as error:
            raise SampleError(f"{path.name} holds no DICOM image", got=str(error)) from None
    if plain and length < expected:
        raise SampleError(f"{path.name} is cut off", expected=f"{expected} bytes of pixels", got=str(length))
