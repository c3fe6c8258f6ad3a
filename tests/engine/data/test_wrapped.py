"""Samples of a torch dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from torch.utils.data import Dataset as TorchDataset

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data import Dataset, Image, Label, Off, Pipeline
from fuse_engine.data.sources.wrapped import Element, WrapDataset
from fuse_engine.testing import check_component


class Pictures(TorchDataset[Any]):
    """Three pictures with a class each, as torchvision's datasets give them."""

    targets = torch.tensor([0, 2, 1])

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[Picture.Image, int]:
        pixels = np.full((4, 5, 3), [10 * index, 1, 2], np.uint8)
        return Picture.fromarray(pixels), int(self.targets[index])


class Volumes(TorchDataset[Any]):
    """Mappings of tensors."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> dict[str, Any]:
        mask = torch.zeros(3, 4, 5, dtype=torch.int64)
        mask[1] = index
        return {"scan": torch.full((1, 3, 4, 5), index + 0.5), "mask": mask[None], "age": 60.5, "name": "x"}


class PictureSource(WrapDataset):
    """Three pictures."""

    def open(self, folder: Path) -> Any:
        return Pictures()


class VolumeSource(WrapDataset):
    """Two volumes."""

    def open(self, folder: Path) -> Any:
        return Volumes()


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for cls in (PictureSource, VolumeSource):
        monkeypatch.setitem(registry._components["source"], cls.__name__, cls)


def test_pictures_and_classes(tmp_path: Path) -> None:
    cohort = PictureSource().read(tmp_path)
    image, label = Pipeline((Element(),)), Pipeline((Label(column="target", classes=["0", "1", "2"]),))
    dataset = Dataset(cohort, {"data.input.image": image, "data.gt.label": label}, Off())
    assert dataset.ids == ("0", "1", "2")
    assert dataset.labels("data.gt.label") == {"0": 0, "1": 2, "2": 1}
    value = dataset.value("2", "data.input.image")
    assert isinstance(value, Image)
    assert value.array.shape == (3, 4, 5)
    assert value.array[:, 0, 0].tolist() == [20, 1, 2]


def test_parts_of_a_mapping(tmp_path: Path) -> None:
    row = VolumeSource().read(tmp_path).row("1")
    scan, mask = Element(part="scan")(None, row), Element(part="mask", label=True)(None, row)
    assert isinstance(scan, Image)
    assert isinstance(mask, Image)
    assert scan.array.shape == mask.array.shape == (1, 3, 4, 5)
    assert (scan.label, mask.label) == (False, True)
    assert mask.array.sum() == 20
    assert Element(part="age")(None, row) == 60.5


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    row = VolumeSource().read(tmp_path).row("0")
    with pytest.raises(SampleError, match=r"no part 'maks'; expected one of scan, mask, age, name; did you mean"):
        Element(part="maks")(None, row)


def test_classes_are_never_looked_for_in_the_items(tmp_path: Path) -> None:
    cohort = PictureSource().read(tmp_path)
    dataset = Dataset(cohort, {"data.gt.label": Pipeline((Element(part="1"),), "data.gt.label")}, Off())
    with pytest.raises(FuseError, match="is made from files; expected a class that stands in a column"):
        dataset.classes("data.gt.label")


@pytest.mark.parametrize(
    ("targets", "column"), [(["cat", "dog"], ["cat", "dog"]), ([torch.tensor(3), np.int64(4)], ["3", "4"])]
)
def test_targets_of_any_kind_are_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: list[Any], column: list[str]
) -> None:
    monkeypatch.setattr(Volumes, "targets", targets, raising=False)
    assert VolumeSource().read(tmp_path).column("target") == column


def test_a_dataset_that_cannot_be_opened_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(WrapDataset):
        """Nothing."""

        def open(self, folder: Path) -> Any:
            raise RuntimeError("not found, use download=True")

    monkeypatch.setitem(registry._components["source"], "Broken", Broken)
    with pytest.raises(FuseError, match="cannot be opened: RuntimeError: not found, use download=True"):
        Broken().read(tmp_path)
    monkeypatch.setattr(Broken, "open", lambda source, folder: iter([1, 2]))
    with pytest.raises(FuseError, match=r"has no length; expected items 0, 1, \.\.\.; got list_iterator"):
        Broken().read(tmp_path)


def test_a_class_that_was_written_anew_opens_its_own_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(VolumeSource().read(tmp_path)) == 2
    anew = type("VolumeSource", (PictureSource,), {"__doc__": "Three pictures."})
    monkeypatch.setitem(registry._components["source"], "VolumeSource", anew)
    assert len(anew().read(tmp_path)) == 3


def test_a_wrapped_dataset_keeps_the_rules() -> None:
    check_component(PictureSource)
