"""DICOM series, segmentations and structure sets made by hand, with pydicom alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    RTStructureSetStorage,
    SegmentationStorage,
    generate_uid,
)

from fuse_engine.core.geometry import Geometry

Change = Callable[[Dataset, int], None]


def new_file(sop_class: str, syntax: str = ExplicitVRLittleEndian) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, generate_uid()
    meta.TransferSyntaxUID = syntax
    found = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID, found.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    return found


def set_pixels(found: Dataset, pixels: np.ndarray, stored: int = 16) -> None:
    frames = pixels if pixels.ndim == 3 else pixels[None]
    found.Rows, found.Columns = frames.shape[1:]
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit = pixels.itemsize * 8, stored, stored - 1
    found.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    if pixels.ndim == 3:
        found.NumberOfFrames = len(frames)
    found.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    found["PixelData"].VR = "OW" if pixels.itemsize > 1 else "OB"


def write(found: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    found.save_as(path)
    return path


def turned(angle: float = 20.0, tilt: float = 35.0) -> np.ndarray:
    """Return axes that lie oblique in the patient, as columns."""
    a, b = np.radians((angle, tilt))
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return about_z @ about_x


def grid(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], axes: np.ndarray | None = None
) -> Geometry:
    """Return a grid of `shape` (z, y, x) with `spacing` (x, y, z) mm."""
    matrix = np.eye(3) if axes is None else axes
    size = (shape[2], shape[1], shape[0])
    return Geometry(size, spacing, (-31.5, 12.25, 100.0), tuple(matrix.ravel().tolist()))


@dataclass
class Series:
    """A CT series on the disk."""

    files: list[Path]
    uid: str
    space: str
    study: str
    sops: list[str]
    geometry: Geometry


@dataclass
class Scanner:
    """Writes series into a folder."""

    folder: Path
    study: str = field(default_factory=generate_uid)
    patient: str = "P-0815"

    def slices(self, volume: np.ndarray, geometry: Geometry, stored: int = 16) -> Iterator[FileDataset]:
        uid, space = generate_uid(), generate_uid()
        matrix = geometry.matrix
        for number, pixels in enumerate(volume):
            found = new_file(CTImageStorage)
            found.PatientID, found.PatientName, found.Modality = self.patient, "Doe^Jane", "CT"
            found.StudyInstanceUID, found.SeriesInstanceUID, found.FrameOfReferenceUID = self.study, uid, space
            found.SeriesDescription, found.InstanceNumber = "Thorax", number + 1
            found.ImagePositionPatient = [float(n) for n in geometry.point((number, 0, 0))]
            found.ImageOrientationPatient = [float(n) for n in [*matrix[:, 0], *matrix[:, 1]]]
            found.PixelSpacing = [geometry.spacing[1], geometry.spacing[0]]
            found.SliceThickness = 99.0  # says nothing about the distance
            found.RescaleSlope, found.RescaleIntercept = 1, -1024
            set_pixels(found, np.ascontiguousarray(pixels), stored)
            yield found

    def series(
        self, volume: np.ndarray, geometry: Geometry, name: str = "ct", change: Change | None = None
    ) -> Series:
        files, sops = [], []
        for number, found in enumerate(self.slices(volume, geometry)):
            if change:
                change(found, number)
            # names in another order than the positions
            files.append(write(found, self.folder / name / f"IM{number * 5 % 97:04d}"))
            sops.append(found.SOPInstanceUID)
        return Series(files, found.SeriesInstanceUID, found.FrameOfReferenceUID, self.study, sops, geometry)

    def seg(self, series: Series, segments: dict[str, np.ndarray], geometry: Geometry, **more: Any) -> Path:
        """Write masks (z, y, x) on a grid as a binary SEG without its empty frames; `more` are attributes."""
        frames, groups = [], []
        for number, mask in enumerate(segments.values(), 1):
            for place in np.flatnonzero(mask.any(axis=(1, 2))):
                frames.append(mask[place])
                groups.append(_frame_of(number, geometry.point((int(place), 0, 0))))
        found = new_file(SegmentationStorage)
        stack = np.array(frames).astype(np.uint8)
        set_pixels(found, stack, 8)
        found.BitsAllocated = found.BitsStored = 1
        found.HighBit = 0
        packed = np.packbits(stack.ravel(), bitorder="little").tobytes()
        found.PixelData = packed + b"\0" * (len(packed) % 2)
        found.Modality, found.SegmentationType, found.PatientID = "SEG", "BINARY", self.patient
        found.StudyInstanceUID, found.SeriesInstanceUID = self.study, generate_uid()
        found.FrameOfReferenceUID = series.space
        found.ReferencedSeriesSequence = [_item(SeriesInstanceUID=series.uid)]
        found.SegmentSequence = [
            _item(SegmentNumber=number, SegmentLabel=label) for number, label in enumerate(segments, 1)
        ]
        matrix = geometry.matrix
        orientation = [float(n) for n in [*matrix[:, 0], *matrix[:, 1]]]
        found.SharedFunctionalGroupsSequence = [
            _item(
                PlaneOrientationSequence=[_item(ImageOrientationPatient=orientation)],
                PixelMeasuresSequence=[_item(PixelSpacing=[geometry.spacing[1], geometry.spacing[0]])],
            )
        ]
        found.PerFrameFunctionalGroupsSequence = groups
        for name, value in more.items():
            setattr(found, name, value)
        return write(found, self.folder / "drawn" / f"{found.SOPInstanceUID[-8:]}.dcm")

    def rtstruct(self, series: Series, rois: dict[str, list[np.ndarray]], kind: str = "CLOSED_PLANAR") -> Path:
        """Write contours (n, 3) in mm by the name of the structure."""
        found = new_file(RTStructureSetStorage)
        found.Modality, found.PatientID = "RTSTRUCT", self.patient
        found.StudyInstanceUID, found.SeriesInstanceUID = self.study, generate_uid()
        found.FrameOfReferenceUID = series.space
        image = _item(ReferencedSOPInstanceUID=series.sops[0])
        referenced = _item(SeriesInstanceUID=series.uid, ContourImageSequence=[image])
        study = _item(RTReferencedSeriesSequence=[referenced])
        found.ReferencedFrameOfReferenceSequence = [
            _item(FrameOfReferenceUID=series.space, RTReferencedStudySequence=[study])
        ]
        found.StructureSetROISequence = [
            _item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=series.space)
            for number, name in enumerate(rois, 10)
        ]
        found.ROIContourSequence = [
            _item(ReferencedROINumber=number, ContourSequence=[_contour(points, kind) for points in contours])
            for number, contours in enumerate(rois.values(), 10)
        ]
        return write(found, self.folder / "drawn" / f"{found.SOPInstanceUID[-8:]}.dcm")


def _item(**values: Any) -> Dataset:
    found = Dataset()
    for name, value in values.items():
        setattr(found, name, value)
    return found


def _frame_of(number: int, position: tuple[float, ...]) -> Dataset:
    return _item(
        SegmentIdentificationSequence=[_item(ReferencedSegmentNumber=number)],
        PlanePositionSequence=[_item(ImagePositionPatient=[float(n) for n in position])],
    )


def _contour(points: np.ndarray, kind: str) -> Dataset:
    return _item(
        ContourGeometricType=kind, NumberOfContourPoints=len(points),
        ContourData=[round(float(n), 4) for n in points.ravel()],
    )  # fmt: skip
