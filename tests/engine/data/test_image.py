"""Images keep pixels and place through SimpleITK; damaged files are refused."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image, check_file, read_geometry, read_image, resample, write_image


def write_dicom(path: Path, pixels: np.ndarray, slope: float = 1.0) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID, found.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    found.Rows, found.Columns = pixels.shape
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 16, 15, 0
    found.PixelSpacing, found.Modality = [0.3, 0.2], "CT"
    found.ImagePositionPatient, found.ImageOrientationPatient = [5, 6, 7], [1, 0, 0, 0, 1, 0]
    found.RescaleSlope, found.RescaleIntercept = slope, 0
    found.PixelData = pixels.astype("<u2").tobytes()
    found.save_as(path)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
def test_a_volume_comes_back_as_it_was_written(tmp_path: Path, volume: Image, ending: str) -> None:
    path = tmp_path / f"a b ü{ending}"
    if ending == ".mhd":
        sitk.WriteImage(_itk(volume), str(path))
    else:
        write_image(path, volume)
    found = read_image(path)
    np.testing.assert_array_equal(found.array, volume.array)
    assert found.geometry.near(volume.geometry)
    assert read_geometry(path).near(volume.geometry)
    assert not list(tmp_path.glob(".part-*"))


def _itk(image: Image) -> sitk.Image:
    found = sitk.GetImageFromArray(image.array[0])
    found.SetSpacing(image.geometry.spacing)
    found.SetOrigin(image.geometry.origin)
    found.SetDirection(image.geometry.direction)
    return found


def test_a_point_lies_where_simpleitk_puts_it(tmp_path: Path, volume: Image) -> None:
    write_image(tmp_path / "v.nii.gz", volume)
    reference = sitk.ReadImage(str(tmp_path / "v.nii.gz")).TransformIndexToPhysicalPoint((3, 2, 1))
    np.testing.assert_allclose(read_image(tmp_path / "v.nii.gz").geometry.point((1, 2, 3)), reference, atol=1e-5)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_colour_becomes_channels(tmp_path: Path, ending: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (7, 9, 3), np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=True), str(tmp_path / f"c{ending}"))
    found = read_image(tmp_path / f"c{ending}")
    np.testing.assert_array_equal(found.array, np.moveaxis(pixels, -1, 0))
    assert (found.array.dtype, found.geometry.size) == (np.float32, (9, 7))


def test_the_fourth_axis_becomes_channels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)
    found = sitk.GetImageFromArray(pixels, isVector=False)
    found.SetSpacing((0.5, 0.6, 3.0, 1.0))
    sitk.WriteImage(found, str(tmp_path / "t.nii.gz"))
    image = read_image(tmp_path / "t.nii.gz")
    np.testing.assert_array_equal(image.array, pixels)
    np.testing.assert_allclose(image.geometry.spacing, (0.5, 0.6, 3.0), rtol=1e-6)


def test_a_dicom_slice_is_two_dimensional(tmp_path: Path) -> None:
    pixels = np.arange(35).reshape(5, 7)
    write_dicom(tmp_path / "s.dcm", pixels, slope=2.0)
    found = read_image(tmp_path / "s.dcm")
    np.testing.assert_array_equal(found.array[0], pixels * 2)
    assert found.geometry == read_geometry(tmp_path / "s.dcm")
    np.testing.assert_allclose(found.geometry.spacing, (0.2, 0.3))


def test_label_maps_are_whole_numbers(tmp_path: Path) -> None:
    pixels = np.array([[0, 1], [2, 700]], np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "l.nrrd"))
    found = read_image(tmp_path / "l.nrrd", label=True)
    assert found.label
    np.testing.assert_array_equal(found.array[0], pixels)
    sitk.WriteImage(sitk.GetImageFromArray(pixels + np.float32(0.5)), str(tmp_path / "f.nrrd"))
    with pytest.raises(SampleError, match="a label map holds whole numbers; got values from 0.5"):
        read_image(tmp_path / "f.nrrd", label=True)


def _damaged(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    pixels = np.random.default_rng(0).integers(0, 4000, (12, 40, 30)).astype(np.int16)
    if name.endswith((".png", ".jpg")):
        sitk.WriteImage(sitk.GetImageFromArray((pixels[0] >> 4).astype(np.uint8)), str(path))
    elif name.endswith(".dcm"):
        write_dicom(path, pixels[0])
    else:
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(path))
    read_image(path)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: len(data) * 2 // 3])
    return path


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "mha", "tif", "png", "jpg", "dcm"])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, ending: str) -> None:
    path = _damaged(tmp_path, f"cut.{ending}")
    with pytest.raises(SampleError, match=rf"cut\.{ending}"):
        read_image(path)


def test_the_last_bytes_count(tmp_path: Path, volume: Image) -> None:
    write_image(tmp_path / "v.nii", volume)
    whole = (tmp_path / "v.nii").read_bytes()
    (tmp_path / "w.nii").write_bytes(whole[:-1])
    with pytest.raises(SampleError, match=rf"w.nii is cut off; expected {len(whole)} bytes"):
        check_file(tmp_path / "w.nii")
    (tmp_path / "z.nii.gz").write_bytes(gzip.compress(whole)[:-4])
    with pytest.raises(SampleError, match=r"z.nii.gz is damaged or cut off"):
        check_file(tmp_path / "z.nii.gz")


def test_a_flipped_bit_in_a_compressed_file_is_refused(tmp_path: Path, volume: Image) -> None:
    write_image(tmp_path / "v.nii.gz", volume)
    data = bytearray((tmp_path / "v.nii.gz").read_bytes())
    data[-200] ^= 4
    (tmp_path / "v.nii.gz").write_bytes(data)
    with pytest.raises(SampleError, match="v.nii.gz is damaged or cut off"):
        read_image(tmp_path / "v.nii.gz")


@pytest.mark.parametrize("hole", [np.nan, np.inf])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, hole: float, ending: str, kind: type) -> None:
    pixels = np.zeros((3, 5, 7), kind)
    pixels[-1, -1, -1] = hole
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / f"n{ending}"))
    with pytest.raises(SampleError, match=f"n{ending} holds values that are not finite"):
        read_image(tmp_path / f"n{ending}")


def test_nan_is_found_across_the_pieces_a_file_is_read_in(tmp_path: Path) -> None:
    pixels = np.zeros((9, 400, 401), np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "n.nii"))
    check_file(tmp_path / "n.nii")
    pixels.flat[(1 << 20) - 88] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "m.nii.gz"))
    with pytest.raises(SampleError, match="not finite"):
        check_file(tmp_path / "m.nii.gz")


def test_a_header_that_lies_is_refused(tmp_path: Path, volume: Image) -> None:
    write_image(tmp_path / "v.nii", volume)
    data = bytearray((tmp_path / "v.nii").read_bytes())
    struct.pack_into("<f", data, 108, 1e9)
    (tmp_path / "offset.nii").write_bytes(data)
    with pytest.raises(SampleError, match="offset.nii has an impossible NIfTI header"):
        read_image(tmp_path / "offset.nii")
    struct.pack_into("<f", data, 108, 352)
    struct.pack_into("<h", data, 42, 0)
    (tmp_path / "size.nii").write_bytes(data)
    with pytest.raises(SampleError, match="size.nii has an impossible NIfTI header"):
        read_image(tmp_path / "size.nii")


def test_a_header_of_terabytes_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    header = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 30000 30000 30000\nencoding: raw\n\n"
    (tmp_path / "huge.nrrd").write_bytes(header.encode() + b"12345")
    with pytest.raises(SampleError, match=r"huge.nrrd is too large for the memory; .*got 27000.0 GB"):
        read_image(tmp_path / "huge.nrrd")


def test_a_dicom_file_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "s.dcm", np.zeros((4, 4)))
    data = (tmp_path / "s.dcm").read_bytes()
    start = data.index(b"\x08\x00\x16\x00UI")
    deeper = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    (tmp_path / "deep.dcm").write_bytes(data[:start] + deeper * 20_000 + data[start:])
    for read in (read_image, read_geometry):
        with pytest.raises(SampleError, match="deep.dcm is not a readable DICOM file"):
            read(tmp_path / "deep.dcm")


def test_pixels_outside_the_headers_folder_are_refused(tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret.raw", tmp_path / "data"
    folder.mkdir()
    secret.write_bytes(b"x" * 100)
    header = "ObjectType = Image\nNDims = 2\nDimSize = 10 10\nElementType = MET_UCHAR\nElementDataFile = {}\n"
    (folder / "a.mhd").write_text(header.format("../secret.raw"), encoding="ascii")
    with pytest.raises(SampleError, match=r"a.mhd takes its pixels from '../secret.raw', outside its own folder"):
        read_image(folder / "a.mhd")
    nrrd = f"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 10 10\nencoding: raw\ndata file: {secret}\n\n"
    (folder / "b.nhdr").write_text(nrrd, encoding="ascii")
    with pytest.raises(SampleError, match="b.nhdr takes its pixels from"):
        read_image(folder / "b.nhdr")


def test_names_endings_and_empty_files(tmp_path: Path, volume: Image) -> None:
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    strange.touch()
    with pytest.raises(SampleError, match=r"'caf\\xe9.png' is not UTF-8"):
        read_image(strange)
    (tmp_path / "a.xyz").touch()
    with pytest.raises(SampleError, match="cannot read a.xyz; expected a file that ends in .png"):
        read_image(tmp_path / "a.xyz")
    (tmp_path / "e.nii.gz").touch()
    with pytest.raises(SampleError, match="e.nii.gz"):
        read_image(tmp_path / "e.nii.gz")
    with pytest.raises(SampleError, match="no file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(FuseError, match="cannot write v.png"):
        write_image(tmp_path / "v.png", volume)
    with pytest.raises(FuseError, match="cannot write v.mhd as one file; expected .mha or .nrrd"):
        write_image(tmp_path / "v.mhd", volume)
    assert not list(tmp_path.glob("v.*"))


def test_a_dicom_without_pixels_is_named(tmp_path: Path) -> None:
    write_dicom(tmp_path / "s.dcm", np.zeros((4, 4)))
    found = pydicom.dcmread(tmp_path / "s.dcm")
    del found.PixelData
    found.save_as(tmp_path / "n.dcm")
    with pytest.raises(SampleError, match="n.dcm"):
        read_image(tmp_path / "n.dcm")
    (tmp_path / "t.dcm").write_text("no DICOM at all", encoding="ascii")
    with pytest.raises(SampleError, match="t.dcm"):
        read_image(tmp_path / "t.dcm")


def test_resample_is_exact_on_a_plane_and_fills_outside() -> None:
    z, y, x = np.mgrid[:5, :6, :7].astype(np.float32)
    image = Image((3 * x + 2 * y - z)[None], Geometry.plain((5, 6, 7)))
    target = Geometry((4, 4, 3), (0.5, 1.0, 1.5), (1.25, 1.0, 0.5), Geometry.plain((1, 1, 1)).direction)
    k, j, i = np.mgrid[:3, :4, :4]
    expected = 3 * (1.25 + 0.5 * i) + 2 * (1 + j) - (0.5 + 1.5 * k)
    np.testing.assert_allclose(resample(image, target, label=False).array[0], expected, atol=1e-5)
    far = Geometry((2, 2, 2), (1.0, 1.0, 1.0), (90.0, 0.0, 0.0), target.direction)
    assert (resample(image, far, label=False, fill=-7.0).array == -7).all()
    assert (resample(image, far, label=False, fill=None).array >= 0).all()


def test_an_image_whose_pixels_do_not_fit_its_grid_cannot_be_made() -> None:
    with pytest.raises(FuseError, match="pixels and geometry differ in size"):
        Image(np.zeros((1, 4, 5), np.float32), Geometry.plain((5, 4)))


def test_real_brain_with_its_tumour(real_data: Path) -> None:
    image = read_image(real_data / "brain_mr" / "brain1_image.nrrd")
    label = read_image(real_data / "brain_mr" / "brain1_label.nrrd", label=True)
    assert image.array.shape == (1, 25, 256, 256)
    assert label.geometry.near(image.geometry)
    np.testing.assert_allclose(image.geometry.spacing, (0.78125, 0.78125, 6.5), rtol=1e-3)
    reference = sitk.ReadImage(str(real_data / "brain_mr" / "brain1_image.nrrd"))
    np.testing.assert_allclose(image.geometry.point((3, 2, 1)), reference.TransformIndexToPhysicalPoint((1, 2, 3)))
    np.testing.assert_array_equal(image.array[0], sitk.GetArrayFromImage(reference).astype(np.float32))


def test_fractions_in_a_picture_file_are_refused_with_a_format_that_holds_them(tmp_path: Path) -> None:
    image = Image(np.zeros((1, 4, 5), np.float32), Geometry.plain((4, 5)))
    with pytest.raises(FuseError, match=r"cannot write a\.png: .*expected a name that ends in \.nii\.gz"):
        write_image(tmp_path / "a.png", image)
    assert list(tmp_path.iterdir()) == []
