"""A mask that is not there: a mistake, or that nothing is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from fuse_engine.core.errors import SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Dataset, Image, LoadImage, Row, write_image


def test_an_empty_cell_is_a_label_map_without_a_pixel_on_the_images_grid(
    row: Callable[..., Row], tmp_path: Path, volume: Image
) -> None:
    write_image(tmp_path / "a.nii.gz", volume)
    cells = row(image="a.nii.gz", mask="")
    with pytest.raises(
        SampleError, match="column 'mask' names no file; expected `missing: empty` where .*exclude"
    ):
        LoadImage(column="mask", label=True)(None, cells)
    step = LoadImage(column="mask", label=True, values=[0, 255], missing="empty")
    found = step(None, cells)
    assert (found.array.dtype, found.array.shape, found.array.max()) == (np.uint8, (1, 6, 8, 10), 0)
    assert found.geometry.near(volume.geometry)
    assert step.reads(cells) == {"mask": "", "image": tmp_path / "a.nii.gz"}
    with pytest.raises(SampleError, match=r"column 'mask': no file .*b.nii.gz"):
        step(None, row(image="a.nii.gz", mask="b.nii.gz"))


@pytest.mark.parametrize("wrong", [{"column": "mask"}, {"label": True}])
def test_only_another_images_label_map_may_be_missing(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="expected `missing: empty` only with `label: true`"):
        LoadImage(missing="empty", **wrong)  # type: ignore[arg-type]


def test_negatives_without_a_mask_are_samples_like_others(study: Experiment) -> None:
    table = study.folder / "cohort.csv"
    table.write_text(table.read_text().replace(",m1.png,", ",,"))
    place = ("data", "gt", "segmentation", 0, "LoadImage", "missing")
    mask = Dataset.from_experiment(study.changed(place, "empty")).value("s1", "data.gt.segmentation")
    assert isinstance(mask, Image)
    assert (mask.label, mask.array.shape, mask.array.any()) == (True, (1, 16, 16), False)
