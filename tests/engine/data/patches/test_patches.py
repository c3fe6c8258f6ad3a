"""Patches: where they lie, what is cut out, and that nothing is lost on the way back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream
from fuse_engine.data import Cohort, Dataset, Image, LoadImage, Off, PatchDataset, Pipeline
from fuse_engine.data.patches import Box, ClassIndex, Crops, GridPatches, Patches, RandomPatches, Reassembly, cut
from fuse_engine.data.patches.reassembly import Blend


def sample(image: Image, label: np.ndarray | None = None) -> NestedDict:
    found = NestedDict({"data.id": "s1", "data.input.image": image, "data.gt.age": 3})
    if label is not None:
        found["data.gt.mask"] = Image(label[None], image.geometry)
    return found


def blobs(shape: tuple[int, ...] = (6, 8, 10)) -> np.ndarray:
    """Return a label map: 1 in two pixels, the first of all and the last; 2 in a small box."""
    label = np.zeros(shape, np.uint8)
    label[2:4, 3:5, 4:7] = 2
    label[0, 0, 0] = label[-1, -1, -1] = 1
    return label


def test_a_patch_keeps_its_place_in_the_patient(volume: Image) -> None:
    patch = cut(sample(volume), Box((2, 1, 3), (3, 4, 5)))["data.input.image"]
    itk = sitk.GetImageFromArray(volume.array[0])
    itk.SetSpacing(volume.geometry.spacing)
    itk.SetOrigin(volume.geometry.origin)
    itk.SetDirection(volume.geometry.direction)
    expected = sitk.RegionOfInterest(itk, size=(5, 4, 3), index=(3, 1, 2))
    assert np.array_equal(patch.array[0], sitk.GetArrayFromImage(expected))
    assert np.allclose(patch.geometry.origin, expected.GetOrigin())
    assert np.shares_memory(patch.array, volume.array)


def test_a_patch_larger_than_the_image_goes_on_with_background(volume: Image) -> None:
    whole = sample(volume, blobs())
    (box,) = RandomPatches(size=[9, 8, 14]).boxes(whole, stream("test"))
    assert box == Box((-2, 0, -2), (9, 8, 14))
    patch = cut(whole, box)
    image, mask = patch["data.input.image"], patch["data.gt.mask"]
    assert image.array.shape == mask.array.shape == (1, 9, 8, 14)
    assert np.array_equal(image.array[:, 2:8, :, 2:12], volume.array)
    assert image.array[0, 0, 0, 0] == volume.array.min()
    assert mask.array.sum() == blobs().sum()
    assert image.geometry.point((2.0, 0.0, 2.0)) == pytest.approx(volume.geometry.origin)


def test_every_pixel_of_a_class_is_as_likely(volume: Image) -> None:
    label = blobs()
    index, rng = ClassIndex.of(label), stream("test")
    assert index.classes.tolist() == [0, 1, 2]
    assert [index.count(item) for item in (0, 1, 2, 3)] == [label.size - 14, 2, 12, 0]
    drawn = np.asarray([index.draw(label, 2, rng) for _ in range(3600)])
    places, counts = np.unique(drawn, axis=0, return_counts=True)
    assert np.array_equal(places, np.argwhere(label == 2))
    # 12 places, 300 expected in each, standard deviation 16.6
    assert np.abs(counts - 300).max() < 5 * 16.6


def test_a_class_whose_only_pixel_is_the_first_is_found() -> None:
    # InnerEye takes such a class for absent
    label = np.zeros((3, 4, 5), np.uint8)
    label[0, 0, 0] = 4
    assert ClassIndex.of(label).draw(label, 4, stream("test")) == (0, 0, 0)


def test_an_index_survives_being_kept(volume: Image) -> None:
    index = ClassIndex.of(blobs().astype(np.int32))
    again = ClassIndex.from_array(index.to_array())
    assert np.array_equal(again.classes, index.classes)
    assert np.array_equal(again.ends, index.ends)


def test_centres_follow_the_weights_of_the_classes_there_are(volume: Image) -> None:
    patches = RandomPatches(size=[1, 1, 1], per_sample=1000, balance="data.gt.mask", weights=[0, 1, 3, 6])
    label = blobs()
    boxes = patches.boxes(sample(volume, label), stream("test"))
    classes = np.asarray([label[box.start] for box in boxes])
    # class 3 is not there: its weight is shared by the others; three standard deviations are 41
    assert abs(int((classes == 2).sum()) - 750) < 55
    assert not (classes == 0).any()


def test_centres_stay_inside_a_mask(volume: Image) -> None:
    whole = sample(volume, blobs())
    found = RandomPatches(size=[1, 1, 1], per_sample=50, within="data.gt.mask").boxes(whole, stream("test"))
    assert all(blobs()[box.start] for box in found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": [1.0, 1.0]}, "holds the class 2; expected 3 weights, one for each class; got 2"),
        ({"weights": [0.0, 0.0, 0.0, 1.0]}, "every class of the sample has weight 0"),
        ({"balance": "data.input.image"}, "'data.input.image' is no label map"),
    ],
)
def test_what_cannot_be_drawn_is_told(volume: Image, arguments: dict[str, object], message: str) -> None:
    patches = RandomPatches.model_validate({"size": [2, 2, 2], "balance": "data.gt.mask", **arguments})
    with pytest.raises(SampleError, match=message):
        patches.boxes(sample(volume, blobs()), stream("test"))


def test_images_of_two_sizes_cannot_be_cut_alike(volume: Image) -> None:
    whole = sample(volume)
    whole["data.gt.mask"] = Image(np.zeros((1, 3, 4, 5), np.uint8), Geometry.plain((3, 4, 5)))
    with pytest.raises(SampleError, match=r"'data.gt.mask' and 'data.input.image' cannot be cut alike"):
        Crops(n=2).boxes(whole, stream("test"))


@pytest.mark.parametrize("blend", ["crop", "mean", "gaussian"])
@pytest.mark.parametrize(
    "patches",
    [
        GridPatches(size=[4, 4, 4]), GridPatches(size=[4, 5, 6], stride=[2, 3, 5]), GridPatches(size=[9, 3, 4]),
        Crops(n=1), Crops(n=3),
    ],
    ids=str,
)  # fmt: skip
def test_a_grid_put_together_again_is_the_image(volume: Image, patches: Patches, blend: Blend) -> None:
    whole = sample(volume)
    back = Reassembly(volume.geometry.shape, blend)
    for box in patches.boxes(whole, stream("test")):
        back.add(torch.from_numpy(cut(whole, box)["data.input.image"].array.copy()), box)
    found = back.result().numpy()
    exact = blend == "crop"
    assert np.array_equal(found, volume.array) if exact else np.allclose(found, volume.array, rtol=1e-5)


def test_an_image_that_is_not_covered_is_not_made_up(volume: Image) -> None:
    back = Reassembly((4, 4))
    back.add(torch.ones(1, 2, 4), Box((0, 0), (2, 4)))
    with pytest.raises(ValueError, match="do not cover"):
        back.result()


def test_musket_crops_of_a_picture_lose_no_pixel() -> None:
    image = Image(np.arange(35, dtype=np.float32).reshape(1, 5, 7), Geometry.plain((5, 7)))
    boxes = Crops(n=2).boxes(sample(image), stream("test"))
    assert [(box.start, box.size) for box in boxes] == [
        ((0, 0), (3, 4)), ((0, 3), (3, 4)), ((2, 0), (3, 4)), ((2, 3), (3, 4)),
    ]  # fmt: skip


@pytest.fixture
def dataset(tmp_path: Path, volume: Image) -> Dataset:
    frame = {"id": ["a", "b"], "image": [], "mask": []}
    for name in frame["id"]:
        for column, array in (("image", volume.array[0]), ("mask", blobs())):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{column} {name}.nii.gz"))
            frame[column].append(f"{column} {name}.nii.gz")
    cohort = Cohort.from_frame(pd.DataFrame(frame), folder=tmp_path)
    steps = {
        "data.input.image": Pipeline((LoadImage(column="image"),)),
        "data.gt.mask": Pipeline((LoadImage(column="mask", label=True),)),
    }
    return Dataset(cohort, steps, Off())


def test_the_patches_of_a_sample_depend_on_seed_epoch_and_id_alone(dataset: Dataset) -> None:
    patches = RandomPatches(size=[2, 3, 4], per_sample=3, balance="data.gt.mask")
    first, again = (PatchDataset(dataset, patches, seed=5) for _ in range(2))
    wanted = first.of("b", 7)
    first.of("a", 7)
    assert [patch["data.id"] for patch in wanted] == ["b#0", "b#1", "b#2"]
    for found in (again.of("b", 7), first.of("b", 7)):
        for one, other in zip(found, wanted, strict=True):
            assert np.array_equal(one["data.input.image"].array, other["data.input.image"].array)
    places = {epoch: [p["data.input.image"].geometry.origin for p in first.of("b", epoch)] for epoch in (7, 8)}
    assert places[7] != places[8]


def test_a_grid_of_many_patches_comes_a_few_in_each_epoch(dataset: Dataset) -> None:
    patches = GridPatches(size=[2, 3, 4], per_sample=4)
    first, again = (PatchDataset(dataset, patches, seed=5) for _ in range(2))
    epochs = [[str(patch["data.id"]) for patch in first.of("a", epoch)] for epoch in range(14)]
    assert max(map(len, epochs)) == 4
    # 3 x 3 x 3 patches, four at a time: each comes once in seven epochs, the next seven are the same again
    assert sorted(name for names in epochs[:7] for name in names) == sorted(f"a#{number}" for number in range(27))
    assert epochs[7:] == epochs[:7]
    assert [str(patch["data.id"]) for patch in again.of("a", 5)] == epochs[5]
    assert [name[1:] for name in epochs[0]] != [str(patch["data.id"])[1:] for patch in first.of("b", 0)]
    assert len(PatchDataset(dataset, GridPatches(size=[2, 3, 4], per_sample=None), seed=5).of("a", 0)) == 27


def test_what_goes_wrong_names_sample_and_place(dataset: Dataset) -> None:
    patches = PatchDataset(dataset, RandomPatches(size=[4, 4]), seed=5)
    with pytest.raises(SampleError, match=r"data.patches.RandomPatches: sample 'a': there is nothing to cut"):
        patches.of("a", 0)
