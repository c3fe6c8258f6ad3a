"""Reading a DICOM series and scanning a tree of DICOM files, ours beside others; prints Markdown tables.

python benchmarks/dicom.py [--slices 256] [--files 5000] [--rounds 7]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from monai.transforms import LoadImage
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from fuse_engine.data import DicomTree, read_series
from fuse_engine.data.dicom.facts import facts_of

KEYWORDS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "Modality", "Rows",
    "Columns", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
    "RescaleIntercept", "ImageType", "NumberOfFrames",
]  # fmt: skip


def write(folder: Path, slices: int, size: int, series: int) -> list[Path]:
    """Write series with the header of a real CT (257 elements)."""
    made = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    made.Rows = made.Columns = size
    rng, files = np.random.default_rng(0), []
    for number in range(slices):
        if number % (slices // series) == 0:
            made.SeriesInstanceUID = generate_uid()
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        made.ImagePositionPatient = [0, 0, 2.0 * number]
        made.PixelData = rng.integers(0, 2000, (size, size)).astype("<i2").tobytes()
        files.append(folder / f"{made.SeriesInstanceUID[-8:]}" / f"{number:05d}.dcm")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        made.save_as(files[-1])
    return files


def by_pydicom(files: list[Path]) -> np.ndarray:
    found = sorted((pydicom.dcmread(path) for path in files), key=lambda item: item.ImagePositionPatient[2])
    return np.stack([item.pixel_array * item.RescaleSlope + item.RescaleIntercept for item in found])


def by_itk(files: list[Path]) -> np.ndarray:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(files[0].parent)))
    return sitk.GetArrayFromImage(reader.Execute())


def by_monai(files: list[Path]) -> np.ndarray:
    return LoadImage(image_only=True)(files[0].parent).numpy()


def header(path: Path) -> list[str]:
    found = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=KEYWORDS)
    return [str(found.get(keyword)) for keyword in KEYWORDS]


def tree(root: Path, kept: Path, again: bool) -> None:
    if not again:
        shutil.rmtree(kept / "dicom", ignore_errors=True)
    DicomTree(path=root).read(root)


def measure(jobs: dict[str, Callable[[], object]], rounds: int) -> None:
    wall: dict[str, list[float]] = {name: [] for name in jobs}
    cpu: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start, used = time.perf_counter(), time.process_time()
            job()
            wall[name].append(time.perf_counter() - start)
            cpu[name].append(time.process_time() - used)
    print("| what | CPU ms | wall ms |\n|---|---|---|")
    for name in jobs:
        print(f"| {name} | {1e3 * statistics.median(cpu[name]):.0f} | {1e3 * statistics.median(wall[name]):.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slices", type=int, default=256)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch) / "cache"
        os.environ["FUSE_CACHE"] = str(kept)
        files = write(Path(scratch) / "series", options.slices, 256, 1)
        np.testing.assert_array_equal(read_series(files).array[0], by_itk(files))
        print(f"\nA series of {options.slices} slices of 256 x 256, read as one volume:\n")
        measure(
            {
                "ours, the files": partial(read_series, files),
                "ours, the folder": partial(read_series, files[0].parent),
                "SimpleITK": partial(by_itk, files),
                "pydicom loop": partial(by_pydicom, files),
                "MONAI LoadImage": partial(by_monai, files),
            },
            options.rounds,
        )
        root = Path(scratch) / "tree"
        many = write(root, options.files, 32, 50)
        print(f"\nA tree of {options.files} files in 50 series:\n")
        with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(8) as threads:
            measure(
                {
                    "ours, DicomTree": partial(tree, root, kept, False),
                    "ours, DicomTree again": partial(tree, root, kept, True),
                    "ours, headers in one loop": lambda: [facts_of(path, path.name) for path in many],
                    "pydicom, one loop": lambda: [header(path) for path in many],
                    "pydicom, 8 threads": lambda: list(threads.map(header, many, chunksize=50)),
                    "pydicom, 2 processes (their CPU not counted)": lambda: list(
                        processes.map(header, many, chunksize=50)
                    ),
                },
                min(options.rounds, 3),
            )


if __name__ == "__main__":
    main()
