"""A cohort of computed mammograms to try everything on: no patient stands behind it.

Each patient has several views. A view shows a breast outline, dense tissue, and for some patients a lesion:
round and faint (benign) or spiculated and brighter (positive), with its outline as a polygon. Age and BMI go
with the finding, so clinical data help.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from scipy.ndimage import gaussian_filter
from skimage.draw import polygon2mask

from fuse_engine.core.random import stream

COLUMNS = ("sample", "patient", "view", "image", "contours", "biopsy", "age", "bmi")
VIEWS = ("L-CC", "L-MLO", "R-CC", "R-MLO")
FINDINGS = ("normal", "benign", "positive")
SPACING = 0.8
"""mm between pixel centres of the default size."""
_SHARES = (0.3, 0.2, 0.5)
_AGE = {"normal": 50.0, "benign": 53.0, "positive": 61.0}
_BMI = {"normal": 25.0, "benign": 25.5, "positive": 28.5}
_MAMMOGRAM = UID("1.2.840.10008.5.1.4.1.1.1.2")

Points = NDArray[np.float64]
"""Corners of a polygon as (x, y) in pixels."""


@dataclass(frozen=True)
class View:
    """One computed mammogram: pixels (y, x) from 0 to 1 and the outlines of its lesions."""

    pixels: NDArray[np.float32]
    lesions: tuple[Points, ...]


def write_cohort(folder: Path, patients: int = 60, seed: int = 7, size: tuple[int, int] = (256, 192)) -> Path:
    """Write a cohort as DICOM files and `cohort.csv`, two to four views a patient; return the table's path.

    `size` is (y, x) in pixels. The same arguments write the same pixels and the same table.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    table = folder / "cohort.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number in range(patients):
            for row, view in _patient(number, patients, seed, size):
                _write_dicom(images / Path(row["image"]).name, view, row, seed)
                writer.writerow(row)
    return table


def _patient(
    number: int, patients: int, seed: int, size: tuple[int, int]
) -> Iterator[tuple[dict[str, str], View]]:
    rng = stream(seed, "patient", number)
    finding = _finding(number, patients)
    side = str(rng.choice(["L", "R"]))
    patient = f"P{number:04d}"
    age = float(np.clip(rng.normal(_AGE[finding], 7), 32, 88))
    bmi = float(np.clip(rng.normal(_BMI[finding], 3), 17, 44))
    count = int(rng.integers(2, len(VIEWS) + 1))
    chosen = [f"{side}-CC", *rng.permutation([view for view in VIEWS if view != f"{side}-CC"])][:count]
    for view in chosen:
        here = finding if view.startswith(side) else "normal"
        drawn = draw_view(stream(seed, "view", number, view), here, view, size)
        yield (
            {
                "sample": f"{patient}-{view}",
                "patient": patient,
                "view": view,
                "image": f"images/{patient}-{view}.dcm",
                "contours": json.dumps([np.round(points, 1).tolist() for points in drawn.lesions]),
                "biopsy": here,
                "age": f"{age:.0f}",
                "bmi": f"{bmi:.1f}",
            },
            drawn,
        )


def _finding(number: int, patients: int) -> str:
    position = (number * 0.6180339887) % 1.0 if patients > len(FINDINGS) else number / len(FINDINGS)
    return FINDINGS[int(np.searchsorted(np.cumsum(_SHARES), position, side="right"))]


def draw_view(rng: np.random.Generator, finding: str, view: str, size: tuple[int, int]) -> View:
    """Compute one mammogram of `size` (y, x) with the lesions of a finding."""
    width = size[1]
    outline = _breast(rng, view, size)
    depth = np.clip(gaussian_filter(outline.astype(np.float64), 0.03 * width) * 1.6 - 0.6, 0, 1)
    tissue = _dense_tissue(rng, size)
    pixels = outline * (0.18 + 0.22 * depth + float(rng.uniform(0.1, 0.4)) * tissue * depth)
    lesions = []
    if finding != "normal":
        for _ in range(int(rng.integers(1, 3)) if finding == "positive" else 1):
            points = _lesion_outline(rng, finding, depth)
            pixels = pixels + _lesion_light(rng, finding, points, size) * (outline > 0)
            lesions.append(points)
    pixels = pixels + rng.normal(0, 0.012, size) * (0.3 + 0.7 * outline)
    if view.startswith("R"):
        pixels = pixels[:, ::-1]
        lesions = [np.column_stack((width - 1 - points[:, 0], points[:, 1])) for points in lesions]
    return View(np.clip(pixels, 0, 1).astype(np.float32), tuple(lesions))


def _breast(rng: np.random.Generator, view: str, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return 1 inside the breast: half an ellipse at the chest wall, and the muscle's corner in oblique views."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float64)
    centre, half = height * rng.uniform(0.47, 0.53), height * rng.uniform(0.36, 0.44)
    reach = width * rng.uniform(0.62, 0.82)
    sag = 1 + 0.25 * (y - centre) / half if "MLO" in view else 1.0
    inside = ((y - centre) / half) ** 2 + (x / (reach * np.clip(sag, 0.6, 1.3))) ** 2 < 1
    if "MLO" in view:
        inside |= x + 0.9 * y < width * rng.uniform(0.3, 0.4)
    return np.asarray(gaussian_filter(inside.astype(np.float64), 1.0) > 0.5, dtype=np.float64)


def _dense_tissue(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return 0..1: noise of three scales, as fibroglandular tissue looks."""
    layers = [gaussian_filter(rng.normal(size=size), size[1] * scale) for scale in (0.012, 0.03, 0.08)]
    mixed = np.sum(
        [weight * layer / layer.std() for weight, layer in zip((0.25, 0.45, 0.7), layers, strict=True)], axis=0
    )
    return np.asarray(1 / (1 + np.exp(-2 * mixed)), dtype=np.float64)


def _lesion_outline(rng: np.random.Generator, finding: str, depth: NDArray[np.float64]) -> Points:
    height, width = depth.shape
    ys, xs = np.nonzero(depth > 0.75)
    place = int(rng.integers(len(ys)))
    radius = width * rng.uniform(0.045, 0.085)
    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    if finding == "positive":
        waves = rng.integers(5, 9)
        reach = 1 + 0.28 * np.sin(waves * angles + rng.uniform(0, 6)) + rng.normal(0, 0.07, len(angles))
    else:
        reach = 1 + 0.06 * np.sin(2 * angles + rng.uniform(0, 6))
    x = xs[place] + radius * reach * np.cos(angles)
    y = ys[place] + radius * reach * np.sin(angles)
    return np.column_stack((np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)))


def _lesion_light(
    rng: np.random.Generator, finding: str, points: Points, size: tuple[int, int]
) -> NDArray[np.float64]:
    mask = polygon2mask(size, points[:, ::-1]).astype(np.float64)
    strength = rng.uniform(0.2, 0.34) if finding == "positive" else rng.uniform(0.08, 0.15)
    return np.asarray(strength * gaussian_filter(mask, 1.2), dtype=np.float64)


def _write_dicom(path: Path, view: View, row: dict[str, str], seed: int) -> None:
    height, width = view.pixels.shape
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = _MAMMOGRAM
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(seed), row["sample"]])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = _MAMMOGRAM, meta.MediaStorageSOPInstanceUID
    file.StudyInstanceUID = generate_uid(entropy_srcs=[str(seed), row["patient"]])
    file.SeriesInstanceUID = generate_uid(entropy_srcs=[str(seed), row["sample"], "series"])
    file.Modality, file.PatientID, file.PatientName = "MG", row["patient"], f"PHANTOM^{row['patient']}"
    file.ImageLaterality, file.ViewPosition = row["view"].split("-")
    file.Rows, file.Columns = height, width
    file.ImagerPixelSpacing = file.PixelSpacing = [SPACING * 192 / width] * 2
    file.SamplesPerPixel, file.BitsAllocated, file.BitsStored, file.HighBit = 1, 16, 12, 11
    file.PixelRepresentation = 0
    inverted = row["view"].endswith("MLO")
    file.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    stored = np.round((1 - view.pixels if inverted else view.pixels) * 4095).astype("<u2")
    file.PixelData = stored.tobytes()
    pydicom.dcmwrite(path, file, enforce_file_format=True)
