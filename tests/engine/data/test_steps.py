"""Each processor step against a closed form or an independent reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from pydantic import ValidationError

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import (
    Columns,
    Image,
    IntensityWindow,
    Label,
    LoadImage,
    Normalize,
    Orient,
    Pad,
    Pipeline,
    Processor,
    Resample,
    Resize,
    Row,
    to_tensors,
)
from fuse_engine.data.image import to_itk

Rows = Callable[..., Row]


def plane(array: np.ndarray, spacing: tuple[float, ...] | None = None) -> Image:
    return Image(array[None], Geometry.plain(array.shape, spacing))


def test_orient_turns_as_simpleitk_does(volume: Image, row: Rows) -> None:
    found = Orient(code="LPS")(volume, row())
    reference = sitk.DICOMOrient(to_itk(volume), "LPS")
    np.testing.assert_array_equal(found.array[0], sitk.GetArrayFromImage(reference))
    assert found.geometry.aligned
    inside = np.argmax(volume.array)
    old = volume.geometry.point(np.unravel_index(inside, volume.array.shape[1:]))
    new = found.geometry.point(np.unravel_index(np.argmax(found.array), found.array.shape[1:]))
    np.testing.assert_allclose(old, new, atol=1e-9)


def test_orient_keeps_channels_labels_and_planes(volume: Image, row: Rows) -> None:
    two = Image(np.concatenate([volume.array, -volume.array]), volume.geometry)
    found = Orient(code="RAI")(two, row())
    np.testing.assert_array_equal(found.array[0], -found.array[1])
    label = Orient(code="RAI")(Image((volume.array > 100).astype(np.uint8), volume.geometry), row())
    np.testing.assert_array_equal(label.array[0], found.array[0] > 100)
    assert label.array.dtype == np.uint8
    flat = plane(np.zeros((3, 4), np.float32))
    assert Orient()(flat, row()) is flat
    with pytest.raises(ValidationError, match="three letters"):
        Orient(code="LPL")


def test_resample_keeps_centre_and_extent(volume: Image, row: Rows) -> None:
    found = Resample(spacing=[1.0, 0.5, 0.25])(volume, row())
    assert found.array.shape == (1, 12, 12, 20)
    assert found.geometry.spacing == (0.25, 0.5, 1.0)
    middle = [tuple((n - 1) / 2 for n in image.geometry.shape) for image in (volume, found)]
    np.testing.assert_allclose(volume.geometry.point(middle[0]), found.geometry.point(middle[1]), atol=1e-9)
    same = Resample(spacing=[2.0, 0.75, 0.5])(volume, row())
    np.testing.assert_allclose(same.array, volume.array, atol=1e-4)


def test_resample_continues_the_edge_and_keeps_label_values(row: Rows) -> None:
    image = plane(np.full((5, 7), -1000, np.float32), spacing=(1.0, 1.3))
    assert (Resample(spacing=[0.7, 0.6])(image, row()).array == -1000).all()
    label = plane(np.array([[0, 7], [200, 3]], np.uint8))
    found = Resample(spacing=[0.25, 0.25])(label, row())
    assert found.array.dtype == np.uint8
    np.testing.assert_array_equal(found.array[0], label.array[0].repeat(4, 0).repeat(4, 1))


def test_resample_smooths_before_it_shrinks_when_asked_to(row: Rows) -> None:
    noise = np.random.default_rng(0).normal(size=(2, 24, 40, 48)).astype(np.float32)
    image = Image(noise, Geometry.plain((24, 40, 48), (2.0, 1.0, 0.5)))
    found = Resample(spacing=[1.5, 2.5, 2.0], anti_aliasing=True)(image, row())
    for channel, ours in zip(noise, found.array, strict=True):  # z does not shrink, y does 2.5-fold, x 4-fold
        smooth = sitk.GetImageFromArray(channel)
        for axis, factor in ((1, 2.5), (0, 4.0)):
            sigma = np.sqrt(factor**2 - 1) / (2 * np.sqrt(2 * np.log(2)))
            smooth = sitk.RecursiveGaussian(smooth, sigma, direction=axis)
        smooth.SetSpacing(image.geometry.spacing)
        grid = to_itk(Image(found.array[:1], found.geometry))
        truth = sitk.GetArrayFromImage(sitk.Resample(smooth, grid, sitk.Transform(), sitk.sitkLinear, 0.0))
        inner = (slice(2, -2),) * 3
        assert np.abs(ours - truth)[inner].max() < 0.02 * np.abs(channel).max()
        assert np.abs(ours)[inner].std() < 0.2


def test_stripes_finer_than_the_new_pixels_vanish_and_label_maps_stay(row: Rows) -> None:
    stripes = np.tile(np.float32([1, -1]), (48, 24))
    aliased = Resample(spacing=[1.0, 3.0])(plane(stripes), row()).array
    assert np.abs(aliased).max() == 1  # stripes three times as wide, which nobody has seen
    smooth = Resample(spacing=[1.0, 3.0], anti_aliasing=True)(plane(stripes), row()).array
    assert np.abs(smooth[..., 2:-2]).max() < 0.01  # exp(-pi^2 sigma^2 / 2), and the cut tails of the Gaussian
    label = plane((stripes > 0).astype(np.uint8))
    coarse = [Resample(spacing=[1.0, 3.0], anti_aliasing=way)(label, row()) for way in (False, True)]
    np.testing.assert_array_equal(coarse[0].array, coarse[1].array)


@pytest.mark.parametrize("size", [(16, 12), (7, 40), (50, 61), (33, 47)])
def test_resize_equals_torch(row: Rows, size: tuple[int, int]) -> None:
    array = np.random.default_rng(0).normal(size=(3, 33, 47)).astype(np.float32)
    image = Image(array, Geometry.plain((33, 47)))
    found = Resize(size=list(size))(image, row())
    reference = torch.nn.functional.interpolate(
        torch.from_numpy(array)[None], size, mode="bilinear", antialias=True, align_corners=False
    )
    np.testing.assert_allclose(found.array, reference[0], atol=2e-5)  # torch's weights are float32
    label = plane(np.random.default_rng(0).integers(0, 9, (33, 47)).astype(np.uint8))
    near = torch.nn.functional.interpolate(torch.from_numpy(label.array)[None].float(), size, mode="nearest-exact")
    np.testing.assert_array_equal(Resize(size=list(size))(label, row()).array, near[0])


def test_resize_of_a_volume_keeps_a_slope_and_its_place(volume: Image, row: Rows) -> None:
    z, y, x = np.mgrid[:12, :16, :20].astype(np.float32)
    slope = Image((z + 2 * y - x)[None], Geometry.plain((12, 16, 20)))
    found = Resize(size=[24, 32, 40])(slope, row()).array[0, 2:-2, 2:-2, 2:-2]
    k, j, i = (np.mgrid[:24, :32, :40] + 0.5) / 2 - 0.5
    np.testing.assert_allclose(found, (k + 2 * j - i)[2:-2, 2:-2, 2:-2], atol=1e-4)
    turned = Resize(size=[3, 4, 5])(volume, row())
    assert turned.geometry.spacing == (1.0, 1.5, 4.0)
    corners = [image.geometry.point((-0.5, -0.5, -0.5)) for image in (volume, turned)]
    np.testing.assert_allclose(*corners, atol=1e-9)


def test_a_size_for_other_axes_is_refused(volume: Image, row: Rows) -> None:
    with pytest.raises(SampleError, match=r"the size does not fit a 3-D image; expected 3 numbers \(z, y, x\)"):
        Resize(size=[8, 8])(volume, row())
    with pytest.raises(SampleError, match="Resize works on an image; expected a step such as LoadImage before it"):
        Resize()(None, row())
    for step in (Resize, Resample):
        field = "size" if step is Resize else "spacing"
        with pytest.raises(ValidationError, match="expected"):
            step.model_validate({field: [0, 1]})


@pytest.mark.parametrize(
    ("step", "size"),
    [(Resize(size=[60000] * 3), "60000 x 60000 x 60000"), (Pad(by=[50000]), "100006 x"),
     (Resample(spacing=[0.0001] * 3), "120000 x 60000 x 50000")],
)  # fmt: skip
def test_what_cannot_fit_the_memory_is_refused(volume: Image, row: Rows, step: Processor, size: str) -> None:
    with pytest.raises(SampleError, match=f"image of {size}.* pixels is too large for the memory; expected less"):
        step(volume, row())


def test_a_series_is_not_for_load_image(tmp_path: Path, row: Rows) -> None:
    (tmp_path / "ct").mkdir()
    with pytest.raises(SampleError, match="'image' names a folder; expected one image file; LoadDicom reads"):
        LoadImage()(None, row(image="ct"))


def test_window_maps_and_clips(row: Rows) -> None:
    image = plane(np.array([[-100.0, 0.0, 50.0, 100.0, 900.0]], np.float32))
    found = IntensityWindow(window=(0, 100), to=(-1, 1))(image, row())
    np.testing.assert_allclose(found.array[0], [[-1, -1, 0, 1, 1]])
    np.testing.assert_allclose(IntensityWindow()(image, row()).array[0], [[0, 0.1, 0.15, 0.2, 1]])
    ramp = plane(np.arange(101, dtype=np.float32)[None])
    found = IntensityWindow(percentiles=(10, 90))(ramp, row())
    np.testing.assert_allclose(found.array[0, 0], np.clip((np.arange(101) - 10) / 80, 0, 1), atol=1e-6)


def test_a_constant_image_has_no_nan(row: Rows) -> None:
    flat = plane(np.full((4, 4), 7, np.float32))
    assert (IntensityWindow(percentiles=(1, 99), to=(-1, 1))(flat, row()).array == -1).all()
    assert (Normalize()(flat, row()).array == 0).all()
    assert (Normalize(above=100)(flat, row()).array == 0).all()


def test_a_window_without_width_keeps_what_rises_above_it(row: Rows) -> None:
    empty = np.zeros((20, 20), np.float32)
    empty[3, 4] = 9
    found = IntensityWindow(percentiles=(1, 99), to=(-1, 1))(plane(empty), row())
    np.testing.assert_array_equal(found.array[0], np.where(empty > 0, 1, -1))


def test_normalize_each_channel_over_its_foreground(row: Rows) -> None:
    array = np.random.default_rng(0).normal([[[5]], [[-300]]], [[[2]], [[40]]], (2, 50, 60)).astype(np.float32)
    found = Normalize()(Image(array, Geometry.plain((50, 60))), row()).array
    np.testing.assert_allclose(found.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((1, 2)), 1, rtol=1e-5)
    half = plane(np.array([[0, 0, 10, 14]], np.float32))
    np.testing.assert_allclose(Normalize(above=0)(half, row()).array[0], [[-6, -6, -1, 1]])


def test_intensity_steps_leave_labels_alone(row: Rows) -> None:
    label = plane(np.zeros((2, 2), np.uint8))
    for step in (IntensityWindow(), Normalize()):
        with pytest.raises(SampleError, match="changes intensities; expected an image; got a label map"):
            step(label, row())


@pytest.mark.parametrize(
    "arguments",
    [{"percentiles": (1, 99), "window": (0, 1)}, {"percentiles": (-1, 50)}, {"window": (5, 5)}, {"to": (1, 0)}],
)
def test_window_refuses_ranges_without_sense(arguments: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        IntensityWindow.model_validate(arguments)


def test_label_is_the_position_of_the_class(row: Rows) -> None:
    step = Label(column="biopsy", classes=["normal", "positive"])
    assert step(None, row(biopsy="positive")) == 1
    assert step.reads(row(biopsy="x")) == {"biopsy": "x"}
    message = (
        r"sample 's1': column 'biopsy' holds no known class; expected one of normal, positive; got 'postive'; "
    )
    with pytest.raises(SampleError, match=message + "did you mean 'positive'"):
        step(None, row(biopsy="postive"))
    with pytest.raises(ValidationError, match="every name once"):
        Label(classes=["a", "a"])


def test_a_missing_class_has_a_number_of_its_own(row: Rows) -> None:
    step = Label(column="biopsy", classes=["normal", "unknown"], missing=-1)
    assert [step(None, row(biopsy=text)) for text in ("", "n/a", "normal", "unknown")] == [-1, -1, 0, 1]
    with pytest.raises(SampleError, match="holds no known class"):
        step(None, row(biopsy="postive"))
    with pytest.raises(ValidationError, match="less than 0"):
        Label(missing=1)


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1_0", "63,5"])
def test_a_cell_that_is_no_number_is_named(row: Rows, text: str) -> None:
    with pytest.raises(SampleError, match=f"sample 's1': column 'age' holds no number.*got '{text}'"):
        Columns(names=["age"])(None, row(age=text))


def test_columns_read_and_normalize(row: Rows) -> None:
    plain = Columns(names=["b", "a"])(None, row(a="1e1", b="-2.5"))
    assert (plain.tolist(), plain.dtype) == ([-2.5, 10.0], np.float32)
    step = Columns(names=["a"], normalize=True)
    with pytest.raises(SampleError, match="mean and std have not been measured"):
        step(None, row(a="1"))
    fitted = step.fit([row(a="1"), row(a="3")], Pipeline(()))
    assert (fitted.mean, fitted.std, step.mean) == ([2.0], [1.0], None)
    assert fitted(None, row(a="5")).tolist() == [3.0]
    assert fitted.fit([row(a="100")], Pipeline(())) == fitted
    assert step.fit([row(a="4"), row(a="4")], Pipeline(()))(None, row(a="5")).tolist() == [1.0]
    with pytest.raises(ValidationError, match="expected 1 numbers"):
        Columns(names=["a"], mean=[1, 2], std=[1, 1])


def test_label_maps_of_other_values_become_classes(tmp_path: Path, row: Rows) -> None:
    pixels = np.array([[0, 255], [255, 0]], np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "m.png"))
    found = LoadImage(column="mask", label=True, values=[0, 255])(None, row(mask="m.png"))
    np.testing.assert_array_equal(found.array[0], [[0, 1], [1, 0]])
    assert to_tensors_of(found).dtype == torch.int64
    with pytest.raises(SampleError, match="the label map holds the value 255; expected one of 0, 254"):
        LoadImage(column="mask", label=True, values=[0, 254])(None, row(mask="m.png"))
    with pytest.raises(ValidationError, match="only with `label: true`"):
        LoadImage(values=[0, 255])


def to_tensors_of(image: Image) -> torch.Tensor:
    found: torch.Tensor = to_tensors({"data.id": "s1", "data.gt.mask": image})["data.gt.mask"]  # type: ignore[arg-type]
    return found
