"""A series is read as SimpleITK and pydicom read it, or refused with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import check_series, read_series
from tests.dicom_files import Scanner, grid, set_pixels, turned, write


def by_itk(files: list[Path]) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(files[0].parent)))
    return reader.Execute()


def test_an_oblique_series_is_simpleitks(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    files = scanner.series(numbers, oblique).files
    found, reference = read_series(sorted(files)), by_itk(files)
    np.testing.assert_array_equal(found.array[0], sitk.GetArrayFromImage(reference))
    np.testing.assert_array_equal(found.array[0], numbers - 1024.0)
    np.testing.assert_allclose(found.geometry.spacing, reference.GetSpacing(), atol=1e-5)
    np.testing.assert_allclose(found.geometry.direction, reference.GetDirection(), atol=1e-6)
    np.testing.assert_allclose(found.geometry.origin, reference.GetOrigin(), atol=1e-6)
    assert found.geometry.near(oblique)
    assert found.array.dtype == np.float32


def test_a_series_against_the_normal_is_turned_round(scanner: Scanner, numbers: np.ndarray) -> None:
    down = np.diag([1.0, 1.0, -1.0])  # left-handed: the file's order runs against the normal of its planes
    files = scanner.series(numbers, grid((7, 9, 11), (1.0, 1.0, 3.0), down)).files
    found, reference = read_series(files), by_itk(files)
    np.testing.assert_array_equal(found.array[0], sitk.GetArrayFromImage(reference))
    np.testing.assert_allclose(found.geometry.origin, reference.GetOrigin())
    np.testing.assert_array_equal(found.array[0], numbers[::-1] - 1024.0)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless]
)
@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.uint8])
def test_every_number_format_is_pydicoms(scanner: Scanner, oblique: Geometry, syntax: str, kind: type) -> None:
    low = -2000 if kind is np.int16 else 0
    pixels = np.random.default_rng(1).integers(low, 200 if kind is np.uint8 else 4000, (3, 9, 11)).astype(kind)
    files = []
    for number, made in enumerate(scanner.slices(pixels, oblique, 8 if kind is np.uint8 else 16)):
        made.RescaleSlope, made.RescaleIntercept = 0.5 + number, -3.25 * number
        path = write(made, scanner.folder / f"{number}.dcm")
        found = pydicom.dcmread(path)
        if syntax == RLELossless:
            found.compress(RLELossless)
            found.save_as(path)
        else:
            big = syntax == ExplicitVRBigEndian
            found.file_meta.TransferSyntaxUID = syntax
            raw = pixels[number].astype(pixels.dtype.newbyteorder(">" if big else "<")).tobytes()
            found.PixelData = raw + b"\0" * (len(raw) % 2)
            if kind is np.uint8:
                found["PixelData"].VR = "OB"
            pydicom.dcmwrite(path, found, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=not big)
        files.append(path)
    array = read_series(files).array[0]
    for number, path in enumerate(files):
        expected = pydicom.dcmread(path).pixel_array * (0.5 + number) - 3.25 * number
        np.testing.assert_allclose(array[number], expected, rtol=1e-6)


def test_bits_that_do_not_count_are_left_out(scanner: Scanner) -> None:
    made = next(scanner.slices(np.array([[[0x7FFF, 0x0801, 5]]], np.uint16), grid((1, 1, 3), (1, 1, 1)), 12))
    made.RescaleIntercept, made.PixelRepresentation = 0, 1
    array = read_series([write(made, scanner.folder / "a.dcm")]).array
    np.testing.assert_array_equal(array[0], [[-1, -2047, 5]])


def drop(files: list[Path]) -> None:
    files.pop(3).unlink()


def repeat(files: list[Path]) -> None:
    files.append(files[2].with_name("copy"))
    files[-1].write_bytes(files[2].read_bytes())


def edit(change: Callable[[Dataset], None]) -> Callable[[list[Path]], None]:
    def apply(files: list[Path]) -> None:
        found = pydicom.dcmread(files[4])
        change(found)
        found.save_as(files[4])

    return apply


def sideways(found: Dataset) -> None:
    found.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]


def shrink(found: Dataset) -> None:
    set_pixels(found, np.zeros((4, 11), np.int16))


def tilt(files: list[Path]) -> None:
    for number, path in enumerate(files):
        found = pydicom.dcmread(path)
        along = turned()[:, 1] * number * 0.4
        found.ImagePositionPatient = [a + float(b) for a, b in zip(found.ImagePositionPatient, along, strict=True)]
        found.save_as(path)


def cut(files: list[Path]) -> None:
    files[4].write_bytes(files[4].read_bytes()[:-40])


def another_series(found: Dataset) -> None:
    found.SeriesInstanceUID = generate_uid()


def every(keyword: str, value: object) -> Callable[[list[Path]], None]:
    def apply(files: list[Path]) -> None:
        for path in files:
            found = pydicom.dcmread(path)
            setattr(found, keyword, value)
            found.save_as(path)

    return apply


WRONG = {
    "missing": (drop, r"1 slice\(s\) missing between IM\d+ and IM\d+: 5.00 mm instead of 2.50"),
    "duplicate": (repeat, r"1 slices lie at the position of another one \(.*copy"),
    "localizer": (edit(sideways), "1 of 7 slices have another orientation"),
    "size": (edit(shrink), r"1 of 7 slices have another size \(IM"),
    "spacing": (edit(lambda f: setattr(f, "PixelSpacing", [1, 1])), "another pixel spacing"),
    "tilt": (tilt, "shifted sideways by up to 2.4 mm, as with a tilted gantry"),
    "cut": (cut, r"IM\d+ is cut off; expected 198 bytes of pixels"),
    "empty": (lambda files: files[4].write_bytes(b""), r"IM\d+ is empty"),
    "placeless": (edit(lambda f: f.__delattr__("ImagePositionPatient")), "without a position"),
    "skewed": (edit(lambda f: setattr(f, "ImageOrientationPatient", [1, 0, 0, 0.3, 1, 0])), "perpendicular"),
    "series": (edit(another_series), "belong to 2 series"),
    "no spacing": (every("PixelSpacing", None), "no slice says how far apart its pixels are"),
    "spacing of 0": (every("PixelSpacing", [0, 0]), "no slice says how far apart its pixels are"),
    "no direction": (every("ImageOrientationPatient", [0] * 6), "perpendicular unit vectors"),
    "slope of 0": (every("RescaleSlope", 0), r"a rescale slope of 0 leaves nothing of the values \(IM"),
    "wild": (edit(lambda f: setattr(f, "ImagePositionPatient", [0, 0, 1e5])), "mm"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_and_refused(
    scanner: Scanner, numbers: np.ndarray, oblique: Geometry, name: str
) -> None:
    files = scanner.series(numbers, oblique).files
    assert check_series(files) == []
    damage, message = WRONG[name]
    damage(files)
    with pytest.raises(SampleError, match=message):
        read_series(files)
    assert any(fault.blocking for fault in check_series(files))
    with pytest.raises(SampleError):
        read_series(scanner.folder / "ct")


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("ImagePositionPatient", None, "holds 7 stacks.* got 7 images without a place"),
        ("Rows", 0, "holds 0 stacks.* got 7 x CT Image Storage"),
        ("BitsAllocated", 7, r"holds 0 stacks.* got IM\d+ has 7 bits"),
    ],
)
def test_a_folder_without_a_stack_says_what_there_is(
    scanner: Scanner, numbers: np.ndarray, oblique: Geometry, keyword: str, value: object, reason: str
) -> None:
    every(keyword, value)(scanner.series(numbers, oblique).files)
    with pytest.raises(SampleError, match=reason):
        read_series(scanner.folder / "ct")


def test_every_kind_of_fault_is_named_at_once(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    files = scanner.series(numbers, oblique).files
    cut(files)
    edit(shrink)(files[1:])
    found = " ".join(map(str, check_series(files)))
    assert "cut off" in found
    assert "another size" in found


def test_positions_written_rounded_are_no_fault(scanner: Scanner, numbers: np.ndarray) -> None:
    def rounded(found: Dataset, number: int) -> None:
        found.ImagePositionPatient = [round(float(n), 1) for n in found.ImagePositionPatient]

    geometry = grid((7, 9, 11), (0.8, 0.6, 0.625))
    files = scanner.series(numbers, geometry, change=rounded).files
    assert check_series(files) == []
    assert read_series(files).geometry.spacing[2] == pytest.approx(0.625, abs=0.02)


def test_different_rescales_are_said_and_used(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    def scaled(found: Dataset, number: int) -> None:
        found.RescaleSlope, found.RescaleIntercept = 1 + number, 0

    files = scanner.series(numbers, oblique, change=scaled).files
    (fault,) = check_series(files)
    assert ("rescale" in str(fault), fault.blocking) == (True, False)
    np.testing.assert_array_equal(read_series(files).array[0], numbers * np.arange(1.0, 8)[:, None, None])


def test_a_folder_is_its_only_stack(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    files = scanner.series(numbers, oblique).files
    scout = pydicom.dcmread(files[0])
    scout.ImageType, scout.ImageOrientationPatient = ["ORIGINAL", "PRIMARY", "LOCALIZER"], [1, 0, 0, 0, 0, -1]
    write(scout, scanner.folder / "ct" / "scout")
    (scanner.folder / "ct" / "notes.txt").write_text("no DICOM", encoding="ascii")
    np.testing.assert_array_equal(read_series(scanner.folder / "ct").array, read_series(files).array)
    scanner.series(numbers[:3], oblique, "ct/../ct")
    with pytest.raises(SampleError, match=r"ct holds 2 stacks of images; .* got"):
        read_series(scanner.folder / "ct")


def test_a_single_slice_is_flat(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    (file,) = scanner.series(numbers[:1], oblique).files
    found = read_series([file])
    assert found.array.shape == (1, 9, 11)
    assert found.geometry == Geometry.plain((9, 11), (0.6, 0.8))


def test_padding_takes_the_lowest_of_the_rest(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    numbers[:, 0] = -2000

    def padded(found: Dataset, number: int) -> None:
        found.PixelPaddingValue = -2000

    array = read_series(scanner.series(numbers, oblique, change=padded).files).array[0]
    rest = numbers[:, 1:] - 1024.0
    np.testing.assert_array_equal(array[:, 1:], rest)
    assert (array[:, 0] == rest.min()).all()


def test_monochrome1_is_inverted_as_gdcm_does(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    def inverted(found: Dataset, number: int) -> None:
        found.PhotometricInterpretation, found.RescaleIntercept = "MONOCHROME1", 0
        set_bits(found)

    def set_bits(found: Dataset) -> None:
        found.BitsStored, found.HighBit, found.PixelRepresentation = 12, 11, 0

    files = scanner.series(numbers, oblique, change=inverted).files
    np.testing.assert_array_equal(read_series(files).array[0], sitk.GetArrayFromImage(by_itk(files)))
    np.testing.assert_array_equal(read_series(files).array[0], 4095 - numbers)


def test_no_message_names_the_patient(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    files = scanner.series(numbers, oblique).files
    for damage in (edit(shrink), cut, drop):
        damage(files)
    text = " ".join(map(str, check_series(files)))
    assert "Doe" not in text
    assert "P-0815" not in text
