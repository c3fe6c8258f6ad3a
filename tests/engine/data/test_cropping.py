"""Steps that cut an image or add to it, against SimpleITK and MONAI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from monai.transforms import CenterSpatialCrop, SpatialPad
from pydantic import ValidationError

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Crop, CropForeground, CropOrPad, Image, Pad, Row, write_image
from fuse_engine.data.image import from_itk, to_itk

Rows = Callable[..., Row]


def plane(*shape: int, label: bool = False) -> Image:
    array = np.arange(np.prod(shape)).reshape(1, *shape)
    return Image(array.astype(np.int32 if label else np.float32), Geometry.plain(shape))


def same(found: Image, reference: Any) -> None:
    expected = from_itk(reference)
    np.testing.assert_array_equal(found.array, expected.array)
    assert found.geometry.near(expected.geometry)


def test_a_box_equals_simpleitks(volume: Image, row: Rows) -> None:
    found = Crop(start=[1, 2, 3], size=[4, 5, 6])(volume, row())
    same(found, sitk.RegionOfInterest(to_itk(volume), (6, 5, 4), (3, 2, 1)))
    flat = plane(9, 7)
    same(Crop(start=[0, 2], size=[9, 3])(flat, row()), sitk.RegionOfInterest(to_itk(flat), (3, 9), (2, 0)))
    assert not np.shares_memory(found.array, volume.array)


@pytest.mark.parametrize("size", [(3, 4), (4, 3), (8, 7), (1, 1)])
def test_a_centred_box_equals_monais(row: Rows, size: tuple[int, int]) -> None:
    image = plane(8, 7)
    found = Crop(size=list(size))(image, row())
    np.testing.assert_array_equal(found.array, CenterSpatialCrop(size)(image.array))


def test_a_box_beyond_the_image_is_refused(volume: Image, row: Rows) -> None:
    with pytest.raises(SampleError, match="does not lie within the image; expected a box within 6 x 8 x 10"):
        Crop(start=[3, 0, 0], size=[4, 4, 4])(volume, row())
    with pytest.raises(SampleError, match="CropOrPad where images may be smaller; got 7 x 8 x 10 from 0 x 0 x 0"):
        Crop(size=[7, 8, 10])(volume, row())
    with pytest.raises(ValidationError, match="as many first pixels as sizes"):
        Crop(start=[0, 0], size=[1, 1, 1])


@pytest.mark.parametrize(("border", "name"), [("constant", "constant"), ("edge", "edge"), ("reflect", "reflect")])
def test_padding_equals_numpys_and_keeps_its_place(volume: Image, row: Rows, border: Any, name: Any) -> None:
    found = Pad(by=[1, 2, 3, 4, 5, 6], border=border, fill=-7)(volume, row())
    extra = {"constant_values": -7} if name == "constant" else {}
    expected = np.pad(volume.array[0], [(1, 2), (3, 4), (5, 6)], name, **extra)
    np.testing.assert_array_equal(found.array[0], expected)
    np.testing.assert_allclose(found.geometry.point((1, 3, 5)), volume.geometry.origin)
    if border == "constant":
        same(found, sitk.ConstantPad(to_itk(volume), (5, 3, 1), (6, 4, 2), -7))


def test_padding_to_a_size_equals_monais_and_never_cuts(row: Rows) -> None:
    image = plane(8, 6)
    found = Pad(size=[4, 10])(image, row())
    np.testing.assert_array_equal(found.array, SpatialPad((4, 10))(image.array))
    assert Pad(by=[2])(image, row()).array.shape == (1, 12, 10)
    assert Pad(by=[2, 0])(image, row()).array.shape == (1, 12, 6)
    with pytest.raises(SampleError, match="`by` does not fit a 2-D image; expected 1, 2 or 4 numbers"):
        Pad(by=[1, 2, 3])(image, row())


@pytest.mark.parametrize("arguments", [{}, {"by": [1], "size": [4, 4]}, {"by": [-1]}, {"size": [0, 4]}])
def test_padding_without_sense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        Pad.model_validate(arguments)


def test_a_label_map_is_filled_with_whole_numbers(row: Rows) -> None:
    label = plane(3, 3, label=True)
    found = CropOrPad(size=[5, 5], fill=9)(label, row())
    assert found.array.dtype == np.int32
    assert found.array[0, 0, 0] == 9
    small = Image(label.array.astype(np.uint8), label.geometry)
    for fill in (0.5, -1, 256):
        with pytest.raises(
            SampleError, match="a label map cannot be filled.*; expected a whole number from 0 to 255"
        ):
            CropOrPad(size=[5, 5], fill=fill)(small, row())


@pytest.mark.parametrize("shape", [(5, 6), (6, 5), (4, 9)])
def test_cut_and_padded_back_every_pixel_is_where_it_was(row: Rows, shape: tuple[int, int]) -> None:
    image = plane(*shape)
    small = CropOrPad(size=[4, 5])(image, row())
    back = CropOrPad(size=list(shape), fill=-1)(small, row())
    assert back.geometry.near(image.geometry)
    kept = back.array >= 0
    assert kept.sum() == min(4, shape[0]) * min(5, shape[1])
    np.testing.assert_array_equal(back.array[kept], image.array[kept])


def blob(volume: Image) -> Image:
    array = np.zeros_like(volume.array)
    array[0, 2:4, 3:6, 4:9] = 50
    return Image(array, volume.geometry)


def test_the_foreground_and_its_margin(volume: Image, row: Rows) -> None:
    image = blob(volume)
    found = CropForeground()(image, row())
    assert found.array.shape == (1, 2, 3, 5)
    assert (found.array == 50).all()
    np.testing.assert_allclose(found.geometry.origin, volume.geometry.point((2, 3, 4)))
    assert CropForeground(margin=[1, 0, 3])(image, row()).array.shape == (1, 4, 3, 9)
    # 2, 0.75 and 0.5 mm a pixel: 1.5 mm are 1, 2 and 3 pixels, the last up to the edge
    assert CropForeground(margin=[1.5], unit="mm")(image, row()).array.shape == (1, 4, 7, 9)
    two = Image(np.concatenate([image.array, np.roll(image.array, -2, 3)]), image.geometry)
    assert CropForeground()(two, row()).array.shape == (2, 2, 3, 7)
    sizes = CropForeground(above=49)(image, row()).array.shape, CropForeground(above=-1)(image, row()).array.shape
    assert sizes == (found.array.shape, image.array.shape)


def test_an_image_without_foreground(volume: Image, row: Rows) -> None:
    empty = Image(np.zeros_like(volume.array), volume.geometry)
    with pytest.raises(SampleError, match="no pixel lies above 0; expected some foreground; or `empty: whole`"):
        CropForeground()(empty, row())
    assert CropForeground(empty="whole")(empty, row()) is empty
    corner = np.zeros_like(volume.array)
    corner[0, 0, 0, 0] = 1  # upstream took a class that is only there for absent
    assert CropForeground()(Image(corner, volume.geometry), row()).array.shape == (1, 1, 1, 1)


def test_image_and_label_map_are_cut_alike(tmp_path: Path, volume: Image, row: Rows) -> None:
    write_image(tmp_path / "i.nrrd", blob(volume))
    label = Image((blob(volume).array > 0).astype(np.uint8), volume.geometry)
    step = CropForeground(like="image", margin=[1])
    cells = row(image="i.nrrd")
    image, mask = step(blob(volume), cells), step(label, cells)
    assert image.geometry == mask.geometry
    np.testing.assert_array_equal(image.array > 0, mask.array == 1)
    assert step.reads(cells) == {"image": tmp_path / "i.nrrd"}
    assert CropForeground().reads(cells) == {}


def test_the_deciding_file_may_lie_on_another_grid(tmp_path: Path, volume: Image, row: Rows) -> None:
    write_image(tmp_path / "i.nrrd", blob(volume))
    turned = from_itk(sitk.DICOMOrient(to_itk(blob(volume)), "RAI"))
    found = CropForeground(like="image")(turned, row(image="i.nrrd"))
    assert found.array.all()
    assert found.array.size == 2 * 3 * 5
    apart = replace(volume.geometry, origin=(900.0, 0.0, 0.0))
    with pytest.raises(SampleError, match="the foreground in column 'image' lies outside the image"):
        CropForeground(like="image")(Image(volume.array, apart), row(image="i.nrrd"))
    with pytest.raises(SampleError, match="the image in column 'image' has 3 axes; expected 2"):
        CropForeground(like="image")(plane(4, 4), row(image="i.nrrd"))


def test_another_image_is_moved_as_the_one_that_decides(volume: Image, row: Rows) -> None:
    places = Image(np.stack(np.mgrid[:6, :8, :10]).astype(np.float32), volume.geometry)
    moved = (
        CropForeground(margin=[1])(blob(volume), row()),
        CropForeground(margin=[1]).move(places, blob(volume), row()),
    )
    assert moved[0].geometry == moved[1].geometry
    assert moved[1].array[:, 0, 0, 0].tolist() == [1, 2, 3]
