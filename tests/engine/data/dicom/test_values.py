"""Stored numbers become values, colours and windows as pydicom and SimpleITK compute them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_modality_lut, apply_voi_lut, convert_color_space
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    RLELossless,
)

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import LoadDicom, Row, read_image, read_series
from tests.dicom_files import grid, new_file, set_pixels, turned, write


@pytest.fixture
def ct(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a CT slice with more attributes."""

    def make(**more: object) -> Path:
        found = new_file(CTImageStorage)
        found.RescaleSlope, found.RescaleIntercept = 1, -1024
        found.PixelSpacing = [1, 1]
        set_pixels(found, np.arange(0, 4000, 10, dtype=np.uint16).reshape(20, 20))
        for name, value in more.items():
            setattr(found, name, value)
        return write(found, tmp_path / "ct.dcm")

    return make


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_of_the_header_is_pydicoms(
    ct: Callable[..., Path], row_of: Callable[..., Row], function: str, photometric: str
) -> None:
    path = ct(
        WindowCenter=[40, -600], WindowWidth=[400, 1500], VOILUTFunction=function,
        PhotometricInterpretation=photometric,
    )  # fmt: skip
    found = pydicom.dcmread(path)
    for number in (1, 2):
        values = apply_modality_lut(found.pixel_array, found)
        shown = apply_voi_lut(values, found, index=number - 1)
        low, high = -1024, 2**16 - 1 - 1024  # the range that pydicom spreads a window over
        expected = (shown - low) / (high - low)
        array = LoadDicom(voi="header", number=number)(None, row_of(image=path)).array[0]
        np.testing.assert_allclose(array, 1 - expected if photometric == "MONOCHROME1" else expected, atol=1e-5)
    with pytest.raises(SampleError, match="offers 2 windows and VOI tables; .* got number 3"):
        LoadDicom(voi="header", number=3)(None, row_of(image=path))


def test_a_window_of_ones_own(ct: Callable[..., Path], row_of: Callable[..., Row]) -> None:
    step = LoadDicom(voi="window", window=(40, 400), function="LINEAR_EXACT")
    values = np.arange(0, 4000, 10).reshape(20, 20) - 1024.0
    expected = np.clip((values + 160) / 400, 0, 1)
    np.testing.assert_allclose(step(None, row_of(image=ct())).array[0], expected, atol=1e-6)
    for wrong in ({"voi": "window"}, {"window": (40, 400)}, {"voi": "window", "window": (40, 0.5)}):
        with pytest.raises(ValueError, match="expected"):
            LoadDicom(**wrong)


def table(first: int, entries: np.ndarray, bits: int) -> Dataset:
    found = Dataset()
    found.add_new("LUTDescriptor", "SS", [len(entries), first, bits])
    found.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return found


def test_tables_are_pydicoms(ct: Callable[..., Path], row_of: Callable[..., Row]) -> None:
    entries = np.random.default_rng(0).integers(0, 65536, 256)
    path = ct(ModalityLUTSequence=[table(100, entries, 16)])
    found = pydicom.dcmread(path)
    np.testing.assert_array_equal(read_series([path]).array[0], apply_modality_lut(found.pixel_array, found))
    path = ct(VOILUTSequence=[table(-200, entries, 16)], WindowCenter=40, WindowWidth=400)
    found = pydicom.dcmread(path)
    shown = apply_voi_lut(found.pixel_array.astype(np.int16) - 1024, found) / 65535
    np.testing.assert_allclose(LoadDicom(voi="header")(None, row_of(image=path)).array[0], shown, rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "JPEG2000.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "rtdose.dcm",
        "examples_overlay.dcm",
        "MR_small_bigendian.dcm",
    ],
)
def test_pydicoms_grey_files_are_pydicoms(name: str) -> None:
    path = Path(get_testdata_file(name, download=False))
    found = pydicom.dcmread(path)
    reference = path.with_name("MR_small.dcm") if "jpeg_ls" in name else path
    stored = pydicom.dcmread(reference).pixel_array
    scaling = float(found.get("DoseGridScaling", 1.0))
    expected = apply_modality_lut(stored, found) * scaling
    np.testing.assert_allclose(read_series([path]).array[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_small_odd.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "examples_ybr_color.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "examples_palette.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_gdcm_KY.dcm",
    ],
)
def test_colours_become_channels_as_in_itk(name: str) -> None:
    path = get_testdata_file(name, download=False)
    reference = np.moveaxis(sitk.GetArrayFromImage(sitk.ReadImage(path)), -1, 0)
    found = read_image(Path(path))
    array = found.array // 256 if "palette" in name else found.array  # ITK shortens the 16 bits of the palette
    np.testing.assert_allclose(array.reshape(reference.shape), reference, atol=2)
    assert found.array.shape[0] == 3


def test_a_dose_lies_where_itk_puts_it() -> None:
    path = get_testdata_file("rtdose.dcm", download=False)
    found, reference = read_series([Path(path)]), sitk.ReadImage(path)
    for index in ((0, 0, 0), (3, 5, 7), (9, 9, 14)):
        place = found.geometry.point(tuple(reversed(index)))
        np.testing.assert_allclose(place, reference.TransformIndexToPhysicalPoint(index), atol=1e-3)


def enhanced(numbers: np.ndarray, geometry: Geometry, order: list[int], path: Path) -> Path:
    """Write frames (z, y, x) in an order of their own; slope and intercept differ by frame."""
    found = new_file(EnhancedCTImageStorage)
    set_pixels(found, np.stack([numbers[place] for place in order]))
    matrix = geometry.matrix
    found.SharedFunctionalGroupsSequence = [Dataset()]
    shared = found.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence = [Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [float(n) for n in (*matrix[:, 0], *matrix[:, 1])]
    shared.PixelMeasuresSequence = [Dataset()]
    shared.PixelMeasuresSequence[0].PixelSpacing = [geometry.spacing[1], geometry.spacing[0]]
    groups = []
    for place in order:
        group = Dataset()
        group.PlanePositionSequence, group.PixelValueTransformationSequence = [Dataset()], [Dataset()]
        group.FrameVOILUTSequence = [Dataset()]
        group.PlanePositionSequence[0].ImagePositionPatient = [float(n) for n in geometry.point((place, 0, 0))]
        group.PixelValueTransformationSequence[0].RescaleSlope = 2
        group.PixelValueTransformationSequence[0].RescaleIntercept = -place
        group.FrameVOILUTSequence[0].WindowCenter, group.FrameVOILUTSequence[0].WindowWidth = 100, 200
        groups.append(group)
    found.PerFrameFunctionalGroupsSequence = groups
    return write(found, path)


def test_frames_of_one_file_are_put_in_order(tmp_path: Path, row_of: Callable[..., Row]) -> None:
    numbers = np.random.default_rng(0).integers(0, 99, (5, 6, 7)).astype(np.int16)
    geometry = grid((5, 6, 7), (0.7, 0.9, 3.0), turned())
    path = enhanced(numbers, geometry, [3, 0, 4, 1, 2], tmp_path / "e.dcm")
    found = read_series([path])
    expected = 2.0 * numbers - np.arange(5)[:, None, None]
    np.testing.assert_array_equal(found.array[0], expected)
    assert found.geometry.near(geometry)
    shown = LoadDicom(voi="header")(None, row_of(image=path))
    np.testing.assert_allclose(shown.array[0], np.clip((expected - 99.5) / 199 + 0.5, 0, 1), atol=1e-6)


def test_volumes_of_one_file_become_channels(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 99, (3, 6, 7)).astype(np.int16)
    geometry = grid((3, 6, 7), (1.0, 1.0, 3.0))
    path = enhanced(numbers, geometry, [0, 1, 2, 2, 1, 0], tmp_path / "e.dcm")
    found = read_series([path])
    assert found.array.shape == (2, 3, 6, 7)
    np.testing.assert_array_equal(found.array[0], found.array[1])
    with pytest.raises(SampleError, match="lie at the position of another one"):
        read_series([enhanced(numbers, geometry, [0, 1, 2, 2], tmp_path / "f.dcm")])


def test_a_film_is_stacked(tmp_path: Path) -> None:
    found = new_file(MultiFrameGrayscaleWordSecondaryCaptureImageStorage)
    numbers = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
    set_pixels(found, numbers)
    found.PixelSpacing = [0.5, 0.25]
    image = read_image(write(found, tmp_path / "film.dcm"))
    np.testing.assert_array_equal(image.array[0], numbers)
    assert image.geometry == Geometry.plain((4, 5, 6), (1.0, 0.5, 0.25))


def test_ybr_becomes_rgb_also_from_rle(tmp_path: Path) -> None:
    found = pydicom.dcmread(get_testdata_file("SC_rgb_rle.dcm", download=False))
    found.decompress()
    colours = found.pixel_array
    found.PhotometricInterpretation, found.PlanarConfiguration = "YBR_FULL", 0
    found.PixelData = convert_color_space(colours, "RGB", "YBR_FULL").tobytes()
    for name in ("plain", "rle"):
        if name == "rle":
            found.compress(RLELossless)
        found.save_as(tmp_path / f"{name}.dcm")
        array = read_image(tmp_path / f"{name}.dcm").array
        np.testing.assert_allclose(np.moveaxis(array, 0, -1), colours, atol=2)


def test_colour_has_no_window(row_of: Callable[..., Row]) -> None:
    path = get_testdata_file("SC_rgb_small_odd.dcm", download=False)
    with pytest.raises(SampleError, match="is in colour and has no window; expected `voi: none`"):
        LoadDicom(voi="window", window=(40, 400))(None, row_of(image=path))


@pytest.mark.parametrize(("keyword", "kind"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_floats_are_read_as_they_are(ct: Callable[..., Path], keyword: str, kind: str) -> None:
    found = pydicom.dcmread(ct())
    numbers = np.random.default_rng(0).normal(size=(20, 20)).astype(kind)
    for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope", "RescaleIntercept"):
        delattr(found, name)
    found.BitsAllocated = numbers.itemsize * 8
    setattr(found, keyword, numbers.tobytes())
    path = ct().with_name("float.dcm")
    found.save_as(path)
    np.testing.assert_allclose(read_series([path]).array[0], numbers, rtol=1e-6)
