"""CT and MRI windows, trimmed norm and histogram matching, against the formulas of their origin and SimpleITK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError
from skimage.filters import threshold_otsu

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import (
    Clip,
    CtWindow,
    HistogramMatch,
    Image,
    IntensityWindow,
    LoadChannels,
    LoadImage,
    MriWindow,
    Normalize,
    PerChannel,
    Pipeline,
    Row,
    SelectChannels,
    ToRange,
    TrimmedNorm,
    write_image,
)

Rows = Callable[..., Row]


def image_of(array: Any) -> Image:
    pixels = np.asarray(array, np.float32)
    return Image(pixels, Geometry.plain(pixels.shape[1:]))


def scan(seed: int = 0, channels: int = 1, shape: tuple[int, ...] = (9, 24, 20)) -> Image:
    """Return dark air with a brighter body in it."""
    rng = np.random.default_rng(seed)
    array = np.abs(rng.normal(0, 8, (channels, *shape)))
    inner = (slice(None), *(slice(n // 5, -(n // 5)) for n in shape))
    array[inner] = rng.gamma(20, 12, array[inner].shape)
    return image_of(array)


def quartiles(values: np.ndarray) -> tuple[float, float]:
    low, middle, high = np.percentile(values.astype(float), (25, 50, 75), method="midpoint")
    return float(middle), float((high - low) / (2 * 0.67448975))


def ramp(values: np.ndarray, low: float, high: float, bottom: float, top: float) -> np.ndarray:
    return np.clip(bottom + (values.astype(float) - low) * (top - bottom) / (high - low), bottom, top)


def test_ct_window_reaches_half_its_width_to_both_sides(row: Rows) -> None:
    image = image_of([[[-1000, -250, 50, 200, 350, 3000]]])
    found = CtWindow(level=[50], width=[600], to=(-1, 1))(image, row())
    np.testing.assert_allclose(found.array[0, 0], [-1, -1, 0, 0.5, 1, 1])


def test_several_ct_windows_make_a_channel_each(row: Rows) -> None:
    image = scan()
    lung_and_bone = CtWindow(level=[-600, 400], width=[1500, 1800])
    found = lung_and_bone(image, row())
    assert found.array.shape == (2, 9, 24, 20)
    for channel, level, width in zip(found.array, (-600, 400), (1500, 1800), strict=True):
        single = IntensityWindow(window=(level - width / 2, level + width / 2))(image, row())
        np.testing.assert_array_equal(channel, single.array[0])
    np.testing.assert_array_equal(lung_and_bone(found, row()).array.shape, (2, 9, 24, 20))
    assert CtWindow()(found, row()).array.shape == (2, 9, 24, 20)
    with pytest.raises(SampleError, match="2 windows do not fit 3 channels; expected one window, or 3"):
        lung_and_bone(scan(channels=3), row())
    with pytest.raises(ValidationError, match="one width for each of 3 levels, got 2"):
        CtWindow(level=[1, 2, 3], width=[1, 2])
    with pytest.raises(ValidationError, match="widths above 0"):
        CtWindow(width=[0])


@pytest.mark.parametrize("shape", [(30, 41), (9, 24, 20)])
def test_mri_window_is_innereyes(row: Rows, shape: tuple[int, ...]) -> None:
    image = scan(channels=2, shape=shape)
    before = image.array.copy()
    found = MriWindow(sharpen=1.3, tail=[1.0, 2.0], to=(-1, 1))(image, row())
    for channel, result, tail in zip(before, found.array, (1.0, 2.0), strict=True):
        threshold = threshold_otsu(channel)
        level, deviation = quartiles(channel[channel > threshold])
        low = max(level - 1.3 * deviation, threshold)
        high = min(channel.max(), level + tail * 1.3 * deviation)
        cleared = np.where(channel < threshold, 0, channel)
        np.testing.assert_allclose(result, ramp(cleared, low, high, -1, 1), atol=1e-5)
    np.testing.assert_array_equal(image.array, before)  # the original clears the background of its input
    assert (MriWindow(to=(-1, 1))(image_of(np.full((1, 4, 4), 7)), row()).array == -1).all()
    with pytest.raises(SampleError, match="the tails do not fit the channels; expected 1 or 2 numbers; got 3"):
        MriWindow(tail=[1, 1, 1])(image, row())


def test_mri_window_does_not_depend_on_where_zero_is(row: Rows) -> None:
    image = scan(channels=1, shape=(30, 41))
    below = Image(image.array - 4096, image.geometry)
    expected = MriWindow()(image, row()).array
    np.testing.assert_allclose(MriWindow()(below, row()).array, expected, atol=1e-3)
    assert (expected == 0).mean() > 0.1


@pytest.mark.parametrize("masked", [False, True])
def test_trimmed_norm_is_innereyes(tmp_path: Path, row: Rows, masked: bool) -> None:
    image = scan(channels=2)
    inside = np.ones(image.array.shape[1:], bool)
    if masked:
        inside = image.array[0] > 100
        write_image(tmp_path / "m.nrrd", Image(inside.astype(np.uint8)[None], image.geometry))
    step = TrimmedNorm(percentiles=(2, 98), sharpen=1.9, mask="brain" if masked else None, to=(-1, 1))
    found = step(image, row(brain="m.nrrd"))
    for channel, result in zip(image.array, found.array, strict=True):
        counted = channel[inside].astype(float)
        lowest, highest = np.percentile(counted, (2, 98), method="midpoint")
        trimmed = counted[(counted > lowest) & (counted < highest)]
        level, deviation = quartiles(trimmed)
        low, high = max(level - 1.9 * deviation, trimmed.min()), min(level + 1.9 * deviation, trimmed.max())
        expected = np.where(inside, ramp(channel, low, high, -1, 1), -1)
        np.testing.assert_allclose(result, expected, atol=1e-5)
    assert step.reads(row(brain="m.nrrd")) == ({"brain": tmp_path / "m.nrrd"} if masked else {})
    assert (TrimmedNorm()(image_of(np.full((1, 4, 4), 7)), row()).array == 0).all()


def test_a_mask_decides_what_is_measured(tmp_path: Path, row: Rows) -> None:
    image = scan()
    inside = image.array[0] > 100
    finer = Geometry((40, 48, 18), (0.5, 0.5, 0.5), (-0.25, -0.25, -0.25), image.geometry.direction)
    doubled = inside.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    write_image(tmp_path / "m.nrrd", Image(doubled.astype(np.uint8)[None], finer))
    found = Normalize(mask="brain")(image, row(brain="m.nrrd")).array[0]
    np.testing.assert_allclose((found[inside].mean(), found[inside].std()), (0, 1), atol=1e-5)
    write_image(tmp_path / "e.nrrd", Image(np.zeros((1, 9, 24, 20), np.uint8), image.geometry))
    with pytest.raises(SampleError, match="the mask in column 'brain' marks no pixel of the image"):
        Normalize(mask="brain")(image, row(brain="e.nrrd"))


def test_to_range_goes_on_where_the_window_clips(row: Rows) -> None:
    image = image_of([[[0, 50, 100, 200]]])
    np.testing.assert_allclose(ToRange(window=(0, 100), to=(-1, 1))(image, row()).array[0, 0], [-1, 0, 1, 3])
    np.testing.assert_array_equal(Clip(low=10, high=60)(image, row()).array[0, 0], [10, 50, 60, 60])
    np.testing.assert_array_equal(Clip(low=None, high=60)(image, row()).array[0, 0], [0, 50, 60, 60])
    with pytest.raises(ValidationError, match="`low` below `high`"):
        Clip(low=2, high=1)


def test_each_channel_has_a_step_of_its_own(row: Rows) -> None:
    image = scan(channels=3)
    found = PerChannel(steps={"0": CtWindow(), "2": {"Normalize": {"above": 50}}})(image, row())  # type: ignore[dict-item]
    for channel, step in ((0, CtWindow()), (2, Normalize(above=50))):
        alone = step(SelectChannels(channels=[channel])(image, row()), row())
        np.testing.assert_array_equal(found.array[channel], alone.array[0])
    np.testing.assert_array_equal(found.array[1], image.array[1])
    np.testing.assert_array_equal(SelectChannels(channels=[2, 0])(image, row()).array, image.array[[2, 0]])


def test_steps_of_channels_that_do_not_fit_are_refused(row: Rows) -> None:
    with pytest.raises(SampleError, match="there is no channel 3; expected 0 to 1"):
        PerChannel(steps={"3": CtWindow()})(scan(channels=2), row())
    two = PerChannel(steps={"0": CtWindow(level=[1, 2])})
    with pytest.raises(SampleError, match="CtWindow of channel 0 made something else of it; expected one channel"):
        two(scan(), row())
    with pytest.raises(ValidationError, match="whole numbers from 0, 'CT' is none"):
        PerChannel(steps={"CT": CtWindow()})


def test_files_become_channels(tmp_path: Path, row: Rows) -> None:
    ct, pet = scan(1), scan(2)
    write_image(tmp_path / "ct.nrrd", ct)
    write_image(tmp_path / "pet.nrrd", pet)
    cells = row(ct="ct.nrrd", pet="pet.nrrd")
    step = LoadChannels(columns=["ct", "pet"])
    np.testing.assert_array_equal(step(None, cells).array, np.concatenate([ct.array, pet.array]))
    assert step.reads(cells) == {"ct": tmp_path / "ct.nrrd", "pet": tmp_path / "pet.nrrd"}
    with pytest.raises(ValidationError, match="every name once, 'ct' is there twice"):
        LoadChannels(columns=["ct", "ct"])


def test_channels_of_other_grids_are_refused_or_resampled(tmp_path: Path, row: Rows) -> None:
    ct = scan(1)
    plain = sitk.GetImageFromArray(ct.array[0])
    coarse = sitk.Resample(plain, (10, 12, 9), sitk.Transform(), sitk.sitkLinear, (0.5, 0.5, 0), (2, 2, 1))
    write_image(tmp_path / "ct.nrrd", ct)
    sitk.WriteImage(coarse, str(tmp_path / "pet.nrrd"))
    cells = row(ct="ct.nrrd", pet="pet.nrrd")
    message = r"pet.nrrd \(column 'pet'\) lies on another grid than ct.nrrd \(column 'ct'\); expected 9 x 24 x 20"
    with pytest.raises(SampleError, match=message):
        LoadChannels(columns=["ct", "pet"])(None, cells)
    found = LoadChannels(columns=["ct", "pet"], resample=True)(None, cells)
    expected = sitk.Resample(coarse, plain, sitk.Transform(), sitk.sitkLinear, 0)
    np.testing.assert_allclose(found.array[1], sitk.GetArrayFromImage(expected), atol=1e-4)


def test_matching_a_reference_is_simpleitks(tmp_path: Path, row: Rows) -> None:
    image, other = scan(1, shape=(30, 64, 60)), scan(2, shape=(30, 64, 60))
    reference = Image(3 * other.array + 40, other.geometry)
    write_image(tmp_path / "r.nrrd", reference)
    step = HistogramMatch(percentiles=np.linspace(0, 100, 22).tolist(), reference=Path("r.nrrd"))
    found = step.fit([row()], Pipeline(()))(image, row())
    both = [sitk.GetImageFromArray(item.array[0]) for item in (image, reference)]
    expected = sitk.HistogramMatching(*both, 4096, 20, False)
    apart = np.abs(found.array[0] - sitk.GetArrayFromImage(expected))
    assert np.percentile(apart, 99) < 0.005 * np.ptp(reference.array)


def test_learned_landmarks_bring_one_contrast_to_one_scale(tmp_path: Path, row: Rows) -> None:
    body = scan(1)
    rows = []
    for number, (gain, offset) in enumerate([(1, 0), (3, 20), (0.5, -4)]):
        write_image(tmp_path / f"{number}.nrrd", Image(np.float32(gain) * body.array + offset, body.geometry))
        rows.append(row(image=f"{number}.nrrd"))
    before = Pipeline((LoadImage(),))
    step = HistogramMatch(percentiles=[5, 25, 50, 75, 95], to=(0, 10))
    assert step.unfitted
    fitted = step.fit(rows, before)
    assert fitted.landmarks is not None
    np.testing.assert_allclose((fitted.landmarks[0], fitted.landmarks[-1]), (0, 10), atol=1e-6)
    results = [fitted(before.run(item), item).array for item in rows]
    for result in results:
        np.testing.assert_allclose(result, results[0], atol=1e-4)
        np.testing.assert_allclose(np.percentile(result, [5, 25, 50, 75, 95]), fitted.landmarks, atol=1e-4)
    assert fitted.fit(rows[:1], before) == fitted
    # beyond the last landmark it goes on with the slope of the last segment
    low, high = np.percentile(body.array, [75, 95])
    slope = (fitted.landmarks[4] - fitted.landmarks[3]) / (high - low)
    np.testing.assert_allclose(results[0].max(), 10 + (body.array.max() - high) * slope, rtol=1e-4)


def test_landmarks_are_learned_from_so_many_samples_spread_over_all(tmp_path: Path, row: Rows) -> None:
    for number in range(5):
        write_image(tmp_path / f"{number}.nrrd", scan(number))
    rows = [row(image=f"{number}.nrrd") for number in range(5)]
    few, before = HistogramMatch(samples=3), Pipeline((LoadImage(),))
    assert few.fit(rows, before).landmarks == few.fit([rows[0], rows[2], rows[4]], before).landmarks
    flat = HistogramMatch()
    write_image(tmp_path / "flat.nrrd", image_of(np.full((1, 4, 4, 4), 3)))
    with pytest.raises(SampleError, match="no training image has any contrast"):
        flat.fit([row(image="flat.nrrd")], before)
    with pytest.raises(SampleError, match="no training sample"):
        flat.fit([], before)
    with pytest.raises(SampleError, match="landmarks have not been measured"):
        flat(scan(), row())
    with pytest.raises(SampleError, match="works on one channel; expected PerChannel around it; got 2 channels"):
        HistogramMatch(percentiles=[0, 100], landmarks=[0, 1])(scan(channels=2), row())


def test_each_channel_learns_for_itself(tmp_path: Path, row: Rows) -> None:
    two = Image(np.concatenate([scan(1).array, 5 * scan(2).array]), scan().geometry)
    write_image(tmp_path / "two.nrrd", two)
    cells, before = row(image="two.nrrd"), Pipeline((LoadImage(),))
    step = PerChannel(steps={"1": HistogramMatch(percentiles=[10, 50, 90])})
    assert step.unfitted
    fitted = step.fit([cells], before)
    assert not fitted.unfitted
    alone = Pipeline((LoadImage(), SelectChannels(channels=[1])))
    assert fitted.steps["1"] == HistogramMatch(percentiles=[10, 50, 90]).fit([cells], alone)


def test_a_mostly_black_image_is_matched(row: Rows) -> None:
    array = np.zeros((1, 20, 20))
    array[0, :4] = np.arange(80).reshape(4, 20)
    found = HistogramMatch(percentiles=[10, 50, 90, 100], landmarks=[0, 2, 10, 20])(image_of(array), row()).array
    assert found[0, 19, 19] == 1
    assert found.max() == 20
    assert np.isfinite(found).all()
    assert (HistogramMatch(percentiles=[1, 99], landmarks=[3, 9])(image_of(array * 0), row()).array == 3).all()


@pytest.mark.parametrize(
    "arguments",
    [{"percentiles": [50, 10]}, {"percentiles": [-1, 10]}, {"reference": "r.nii", "mask": "brain"},
     {"landmarks": [1, 2]}, {"percentiles": [1, 99], "landmarks": [2, 1]}, {"to": [1, 0]}],
)  # fmt: skip
def test_landmarks_without_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        HistogramMatch.model_validate(arguments)
