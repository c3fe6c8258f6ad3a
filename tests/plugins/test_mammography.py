from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from skimage.draw import polygon2mask

from fuse_engine.core.errors import SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import resolve
from fuse_engine.data import Cohort, Contours, Dataset, Image, LoadImage, Row, Table
from fuse_engine.testing import check_component
from fuse_mammography import BreastCrop, BreastWindow, LabelTask
from fuse_mammography.phantom import SPACING, write_cohort

TASK = LabelTask(classes={"negative": {"biopsy": ["normal", "benign"]}, "positive": {"biopsy": ["positive"]}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    write_cohort(folder, patients=12)
    return folder


@pytest.fixture
def cohort(folder: Path) -> Cohort:
    return Table(path=Path("cohort.csv"), id="sample", group="patient").read(folder)


def row_with(cohort: Cohort, **values: str) -> Row:
    rows = (cohort.row(name) for name in cohort.ids)
    return next(row for row in rows if all(row.text(column).endswith(text) for column, text in values.items()))


def test_components_keep_the_contract() -> None:
    for cls in (BreastCrop, BreastWindow):
        check_component(cls)
    check_component(LabelTask, classes=TASK.classes)


def test_the_same_seed_writes_the_same_cohort(folder: Path, tmp_path: Path) -> None:
    write_cohort(tmp_path, patients=12)
    for path in sorted(folder.rglob("*.*")):
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_lesions_are_bright_and_inside_their_outlines(cohort: Cohort) -> None:
    row = row_with(cohort, biopsy="positive")
    image = LoadImage()(None, row)
    assert isinstance(image, Image)
    pixels = image.array[0]
    for points in json.loads(row.text("contours")):
        corners = np.asarray(points)[:, ::-1]
        inside = polygon2mask(pixels.shape, corners)
        near = polygon2mask(pixels.shape, corners.mean(0) + 1.6 * (corners - corners.mean(0))) & ~inside
        assert pixels[inside].mean() > pixels[near & (pixels > 200)].mean() + 300


def test_clinical_values_go_with_the_finding(tmp_path: Path) -> None:
    with write_cohort(tmp_path, patients=60, size=(64, 48)).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ages = {
        finding: np.mean([float(row["age"]) for row in rows if row["biopsy"] == finding])
        for finding in ("normal", "positive")
    }
    views = {row["patient"]: 0 for row in rows}
    for row in rows:
        views[row["patient"]] += 1
    assert ages["positive"] > ages["normal"] + 3
    assert min(views.values()) >= 2


def test_either_photometric_shows_dense_tissue_bright(cohort: Cohort) -> None:
    for view in ("CC", "MLO"):
        image = LoadImage()(None, row_with(cohort, view=view))
        assert isinstance(image, Image)
        assert np.median(image.array[:, :4, -4:]) < 0.1 * image.array.max()
        assert image.geometry.spacing == pytest.approx((SPACING, SPACING))


def test_the_crop_keeps_pixels_where_they_were(cohort: Cohort) -> None:
    row = row_with(cohort, biopsy="positive")
    image, mask = LoadImage()(None, row), Contours(column="contours")(None, row)
    cropped, cut = BreastCrop()(image, row), BreastCrop()(mask, row)
    assert isinstance(image, Image)
    assert isinstance(cropped, Image)
    assert isinstance(cut, Image)
    assert cropped.array[0].size < 0.8 * image.array[0].size
    assert cropped.geometry.near(cut.geometry)
    offset = np.subtract(cropped.geometry.origin, image.geometry.origin) / image.geometry.spacing
    column, line = np.rint(offset).astype(int)
    height, width = cropped.array.shape[1:]
    assert np.array_equal(cropped.array[0], image.array[0, line : line + height, column : column + width])
    assert cut.array.sum() == mask.array.sum() > 0  # type: ignore[union-attr]
    with pytest.raises(SampleError, match="on the grid of the mammogram"):
        BreastCrop()(cropped, row)


def test_the_breast_fills_the_window_and_the_background_is_zero(cohort: Cohort) -> None:
    row = cohort.row(cohort.ids[0])
    image = BreastWindow()(LoadImage()(None, row), row)
    assert isinstance(image, Image)
    assert (image.array.min(), image.array.max()) == (0, 1)
    assert np.mean(image.array == 0) > 0.2
    blank = Image(np.zeros_like(image.array), image.geometry)
    assert not BreastWindow()(blank, row).array.any()  # type: ignore[union-attr]


def test_the_task_groups_findings(cohort: Cohort) -> None:
    found = {row.text("biopsy"): TASK(None, row) for row in map(cohort.row, cohort.ids)}
    assert found == {"normal": 0, "benign": 0, "positive": 1}


def test_a_value_outside_the_task_is_named(cohort: Cohort) -> None:
    task = LabelTask(classes={"a": {"biopsy": ["normals"]}, "b": {"biopsy": ["positive"]}})
    with pytest.raises(SampleError, match=r"fits no class.*got biopsy 'normal'; did you mean 'normals'"):
        task(None, row_with(cohort, biopsy="normal"))


def test_the_preset_reads_the_cohort(folder: Path) -> None:
    experiment = Experiment.from_preset("mammography_demo", folder=folder)
    resolve(experiment)
    dataset = Dataset.from_experiment(experiment)
    name = next(name for name in dataset.ids if dataset.value(name, "data.gt.classification") == 1)
    sample = dataset.sample(name)
    image, mask = sample["data.input.image"], sample["data.gt.segmentation"]
    assert image.array.shape == mask.array.shape == (1, 96, 72)
    assert image.geometry.near(mask.geometry)
    assert image.array[mask.array > 0].mean() > image.array[image.array > 0].mean()
    assert len(sample["data.input.clinical"]) == 2
