"""Steps that read DICOM: series of images, segmentations and structure sets drawn on them."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.dicom.lut import Window
from fuse_engine.data.dicom.overlap import Overlap
from fuse_engine.data.dicom.segmentation import read_segmentation
from fuse_engine.data.dicom.series import named_files, read_series, read_series_geometry
from fuse_engine.data.dicom.structures import read_structures
from fuse_engine.data.dicom.volume import Showing, flat
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.processors.columns import once
from fuse_engine.data.processors.loading import Missing, column_reads, nothing
from fuse_engine.data.source import Row


@register
class LoadDicom(Processor):
    """Reads a DICOM series as one volume: a folder, a file, or a list of files as the source DicomTree writes it.

    The values are those of the modality (CT: HU): slope and intercept, or modality LUT, of each slice. What is
    bright on the screen is a high value (MONOCHROME1 is inverted), padding takes the lowest value of the rest,
    colours become channels. A series with missing, doubled or mixed slices is refused; a single slice is 2-D.
    """

    column: str = "image"
    """Column that names the folder, the file, or the files as a JSON list."""
    voi: Literal["none", "header", "window"] = "none"
    """Bring the values to 0..1 as they are shown: by the header's window or table (VOI LUT), or by `window`."""
    number: int = Field(1, ge=1)
    """Which of the header's tables and windows, where it offers several; tables come first."""
    window: tuple[float, float] | None = None
    """Center and width of the window, e.g. `[40, 400]` for soft tissue in HU."""
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"
    """Shape of `window`, after DICOM PS3.3 C.11.2."""

    @model_validator(mode="after")
    def _fits(self) -> LoadDicom:
        if (self.window is not None) != (self.voi == "window"):
            raise ValueError("expected `window` together with `voi: window`, e.g. `[40, 400]`")
        if self.window is not None and self.window[1] < (1 if self.function == "LINEAR" else 1e-9):
            raise ValueError("expected a width of at least 1, or above 0 with LINEAR_EXACT and SIGMOID")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image, (channel, [z,] y, x)."""
        window = Window(*self.window, self.function) if self.window else None
        showing = None if self.voi == "none" else Showing(self.number, window)
        return read_series(named_files(row, self.column), showing)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cell, and the folder or every file."""
        return column_reads(row, self.column)


class _LoadDrawn(Processor):
    """What the steps share that read what was drawn on an image series, as a label map on its grid."""

    column: str
    """Column that names the file, or several as a JSON list."""
    image: str = "image"
    """Column that names the DICOM series it is drawn on; only the headers are read."""
    overlap: Overlap = "error"
    """Whose a pixel is that belongs to several: refuse it, the first one's or the last one's."""
    missing: Missing = "error"
    """What an empty cell means: a mistake, or that nothing is drawn."""

    @abstractmethod
    def _drawn(self, paths: list[Path], grid: Geometry, space: str) -> Image:
        """Return the label map (1, z, y, x) of files on a 3-D grid, which lies in a frame of reference."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the label map, (1, [z,] y, x)."""
        grid, space = read_series_geometry(named_files(row, self.image))
        paths = self._paths(row)
        return _flat(self._drawn(paths, grid, space)) if paths else nothing(flat(grid))

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cells, and every file."""
        given = row.text(self.column) or self.missing == "error"
        drawn = column_reads(row, self.column) if given else {self.column: ""}
        return {**column_reads(row, self.image), **drawn}

    def _paths(self, row: Row) -> list[Path]:
        if not row.text(self.column) and self.missing == "empty":
            return []
        found = named_files(row, self.column)
        if isinstance(found, Path):
            raise SampleError(
                f"column '{self.column}' names a folder", sample=row.id, expected="a file", got=found.name
            )
        return list(found)


@register
class LoadSegmentation(_LoadDrawn):
    """Reads DICOM segmentations (SEG) as a label map on the grid of the image series.

    Frames that lie on the image's pixels are copied, those of another grid give each pixel the nearest value. A
    fractional segmentation counts from half its maximum on.
    """

    column: str = "seg"
    """Column that names the SEG file, or several as a JSON list."""
    segments: list[str] = Field([])
    """Labels or numbers of the segments that become class 1, 2, ...; all under their own numbers where empty."""

    _once = field_validator("segments")(once)

    def _drawn(self, paths: list[Path], grid: Geometry, space: str) -> Image:
        return read_segmentation(paths, grid, space, self.segments, self.overlap)


@register
class LoadStructures(_LoadDrawn):
    """Draws the contours of a radiotherapy structure set (RTSTRUCT) into a label map on the image series' grid.

    A pixel belongs to a structure when its centre lies inside an odd number of its contours: inner contours and
    keyholes are holes. A contour stands for a slab as thick as the contours of its structure lie apart.
    """

    column: str = "rtstruct"
    """Column that names the RTSTRUCT file, or several as a JSON list."""
    structures: list[str] = Field(min_length=1, max_length=255)
    """Names of the structures (ROI) that become class 1, 2, ..."""

    _once = field_validator("structures")(once)

    def _drawn(self, paths: list[Path], grid: Geometry, space: str) -> Image:
        return read_structures(paths, grid, space, self.structures, self.overlap)


def _flat(image: Image) -> Image:
    geometry = flat(image.geometry)
    return Image(image.array.reshape(-1, *geometry.shape), geometry)
