"""Images with their place in the patient: DICOM through `data.dicom`, all other formats through SimpleITK only."""

from __future__ import annotations

import itertools
import math
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.files import PARTIAL
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.reading import reading
from fuse_engine.data.dicom.volume import flat, grid_of, part_of, read_parts
from fuse_engine.data.integrity import check_file, check_grid, check_name, ending
from fuse_engine.data.integrity.pixels import refuse_holes
from fuse_engine.data.memory import require_memory

_ADDRESS = re.compile(r"ITK ERROR: (\w+\(0x[0-9a-f]+\): )?")


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels (channel, [z,] y, x) and where they lie; float32 for images, integers for label maps."""

    array: NDArray[Any]
    geometry: Geometry

    def __post_init__(self) -> None:
        """Check that pixels and grid belong together."""
        if self.array.ndim != self.geometry.dims + 1 or self.array.shape[1:] != self.geometry.shape:
            raise FuseError(
                "pixels and geometry differ in size", expected=f"(channel, *{self.geometry.shape})",
                got=str(self.array.shape),
            )  # fmt: skip

    @property
    def label(self) -> bool:
        """Whether this is a label map: whole numbers, never interpolated."""
        return bool(np.issubdtype(self.array.dtype, np.integer))


def read_image(path: Path, label: bool = False) -> Image:
    """Read a 2-D or 3-D image file; a label map where `label`, else float32.

    A DICOM file with a single slice is a 2-D image with its origin at 0, its values those of the modality.

    Raises:
        SampleError: naming the file and why it cannot be used.
    """
    _require(path)
    with reading(path):
        check_file(path)
        if ending(path) == ".dcm":
            return _dicom(path, label)
        reader = _opened(path)
        voxels = math.prod(map(float, reader.GetSize())) * reader.GetNumberOfComponents()
        require_memory(path.name, voxels * 8)  # as stored, and as float32 at the same time
        try:
            found = reader.Execute()
        except RuntimeError as error:
            raise SampleError(f"cannot read {path.name}", got=_reason(error)) from None
    with _naming(path):
        image = from_itk(found, label)
    refuse_holes(path.name, image.array)
    return image


def read_geometry(path: Path) -> Geometry:
    """Read the grid of an image file from its header alone.

    Raises:
        SampleError: naming the file and why it cannot be used.
    """
    _require(path)
    with reading(path):
        check_name(path)
        return flat(grid_of([part_of(path)])[0]) if ending(path) == ".dcm" else _geometry(_opened(path))


def write_image(path: Path, image: Image) -> None:
    """Write an image in the format that the ending names, atomically.

    Raises:
        FuseError: when the format cannot hold it, or needs two files.
    """
    if ending(path) in (".mhd", ".nhdr"):
        raise FuseError(f"cannot write {path.name} as one file", expected=".mha or .nrrd", got=ending(path))
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL, suffix=ending(path))
    os.close(handle)
    try:
        sitk.WriteImage(to_itk(image), partial)
        os.replace(partial, path)
    except RuntimeError as error:
        kind = f"{image.array.dtype.name} numbers of shape {image.array.shape}"
        raise FuseError(
            f"cannot write {path.name}: {_reason(error)}",
            expected="a name that ends in .nii.gz, .nrrd or .mha",
            got=kind,
        ) from None
    finally:
        Path(partial).unlink(missing_ok=True)


def to_itk(image: Image) -> Any:
    """Return the image as SimpleITK's; channels become components."""
    vector = image.array.shape[0] > 1
    pixels = np.moveaxis(image.array, 0, -1) if vector else image.array[0]
    found = sitk.GetImageFromArray(np.ascontiguousarray(pixels), isVector=vector)
    found.SetSpacing(image.geometry.spacing)
    found.SetOrigin(image.geometry.origin)
    found.SetDirection(image.geometry.direction)
    return found


def from_itk(found: Any, label: bool = False) -> Image:
    """Return SimpleITK's image as ours; components, or the fourth axis, become channels.

    Raises:
        SampleError: for a label map with several channels or fractions, and for more than four axes.
    """
    array, geometry = _pixels(found), _geometry(found)
    if not label:
        with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused as such
            return Image(array.astype(np.float32), geometry)
    if array.shape[0] != 1:
        raise SampleError("a label map has one channel", got=str(array.shape[0]))
    return Image(label_array(array), geometry)


def label_array(array: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers as uint8 where they fit, else as int32.

    Raises:
        SampleError: for fractions, and for numbers that do not fit.
    """
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not np.issubdtype(array.dtype, np.integer) and (np.mod(array, 1) != 0).any():
        raise SampleError("a label map holds whole numbers", got=f"values from {low:g} to {high:g} with fractions")
    if low < -(2**31) or high >= 2**31:
        raise SampleError("a label map holds numbers of at most 31 bits", got=f"{low:g} to {high:g}")
    return array.astype(np.uint8 if low >= 0 and high <= 255 else np.int32)


def resample(image: Image, geometry: Geometry, label: bool, fill: float | None = 0.0) -> Image:
    """Put an image onto another grid: linear, for labels nearest; beyond its edge `fill`, or its edge if None.

    Raises:
        SampleError: when the grids differ in the number of axes.
    """
    if image.geometry.dims != geometry.dims:
        raise SampleError(
            "grids differ in the number of axes", expected=str(geometry.dims), got=str(image.geometry.dims)
        )
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(geometry.size)
    resampler.SetOutputSpacing(geometry.spacing)
    resampler.SetOutputOrigin(geometry.origin)
    resampler.SetOutputDirection(geometry.direction)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor if label else sitk.sitkLinear)
    resampler.SetUseNearestNeighborExtrapolator(fill is None)
    resampler.SetDefaultPixelValue(fill or 0.0)
    return Image(_pixels(resampler.Execute(to_itk(image))), geometry)


def _pixels(found: Any) -> NDArray[Any]:
    array = sitk.GetArrayFromImage(found)
    if found.GetNumberOfComponentsPerPixel() > 1:
        array = np.moveaxis(array, -1, 0)
    elif found.GetDimension() < 4:
        array = array[None]
    return np.ascontiguousarray(array)


def _dicom(path: Path, label: bool) -> Image:
    array, grid = read_parts([part_of(path)])
    refuse_holes(path.name, array)
    if label and len(array) != 1:
        raise SampleError(f"{path.name}: a label map has one channel", got=str(len(array)))
    geometry = flat(grid)
    values = label_array(array) if label else array
    return Image(values.reshape(-1, *geometry.shape), geometry)


def _require(path: Path) -> None:
    if not path.is_file():
        raise SampleError(f"no file {path}", check="missing")
    ending(path)


def _opened(path: Path) -> Any:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise SampleError(f"cannot read {path.name}", got=_reason(error)) from None
    with _naming(path):
        geometry = _geometry(reader)
    check_grid(path.name, geometry.spacing, geometry.origin, geometry.direction)
    return reader


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say of which file something is wrong."""
    try:
        yield
    except SampleError as error:
        raise SampleError(
            *(replace(each, message=f"{path.name}: {each.message}") for each in error.problems)
        ) from None


def _reason(error: RuntimeError) -> str:
    """Return the last line of ITK's message, where the reason stands."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _ADDRESS.sub("", lines[-1]) if lines else ""


def _geometry(found: Any) -> Geometry:
    """Return the grid of an image or a reader; the fourth axis holds channels."""
    size, spacing, origin = found.GetSize(), found.GetSpacing(), found.GetOrigin()
    matrix = np.asarray(found.GetDirection()).reshape(len(size), len(size))
    dims = min(len(size), 3)
    if len(size) not in (2, 3, 4):
        raise SampleError("an image has two or three axes, and perhaps channels", got=f"{len(size)} axes")
    direction = tuple(itertools.chain.from_iterable(matrix[:dims, :dims].tolist()))
    return Geometry(size[:dims], spacing[:dims], origin[:dims], direction)
