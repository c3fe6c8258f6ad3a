"""Small pictures of samples: the right planes, the right way up, kept on disk without a word of text."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from skimage.transform import resize

from fuse_engine.core.errors import SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.thumbnails import Thumbnails, pictured, thumbnail
from fuse_engine.service.thumbnails import thumbnails
from fuse_engine.service.work import Work

TEXT = """
data:
  source: {Table: {path: t.csv, id: id}}
  input: {age: [{Columns: {names: [age]}}], image: [{LoadImage: {column: image}}, {Resize: {size: [4, 4, 4]}}]}
model: {Wrap: {}}
"""
CODES = ("LPS", "RAS", "SPL", "AIR", "PSR")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "cache"))


def volume() -> sitk.Image:
    """A head: bright in front, a spot at the patient's left ear, a hat on top."""
    pixels = np.zeros((20, 40, 30), np.int16)  # z, y, x in LPS
    pixels[2:18, 4:36, 3:27] = 100
    pixels[2:18, 4:8, 3:27] = 300  # in front
    pixels[8:12, 18:22, 24:27] = 500  # left
    pixels[15:18, 4:36, 3:27] = 700  # above
    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing((1.0, 1.0, 2.0))
    return image


def experiment(folder: Path, files: list[str]) -> Experiment:
    rows = [f"s{number},{60 + number},{name}" for number, name in enumerate(files)]
    (folder / "t.csv").write_text("\n".join(["id,age,image", *rows, ""]))
    return Experiment.from_text(TEXT, folder)


def planes(folder: Path, files: list[str], size: int = 64) -> list[np.ndarray]:
    dataset = Dataset.from_experiment(experiment(folder, files))
    rows = map(dataset.cohort.row, dataset.ids)
    return [thumbnail(pictured(dataset.pipelines, row), row, size) for row in rows]


def test_every_orientation_of_a_volume_gives_the_same_three_planes(tmp_path: Path) -> None:
    for code in CODES:
        sitk.WriteImage(sitk.DICOMOrient(volume(), code), str(tmp_path / f"{code}.nrrd"))
    made = planes(tmp_path, [f"{code}.nrrd" for code in CODES])
    assert [one.shape for one in made] == [(3, 64, 64)] * len(CODES)
    for other in made[1:]:
        np.testing.assert_array_equal(other, made[0])


def test_the_planes_stand_as_a_radiologist_looks_at_them(tmp_path: Path) -> None:
    sitk.WriteImage(volume(), str(tmp_path / "v.nrrd"))
    axial, coronal, sagittal = planes(tmp_path, ["v.nrrd"], size=80)[0].astype(int)
    assert axial[40, 61] > axial[40, 18], "the patient's left is on the right"
    assert axial[12, 40] > axial[68, 40], "the front is above"
    assert coronal[12:18, 40].mean() > coronal[62:68, 40].mean(), "the head is above"
    assert sagittal[40, 10:16].mean() > sagittal[40, 64:70].mean(), "the front is at the left"
    assert not axial[:, :10].any(), "40 by 30 mm: black beside it"


def test_a_picture_is_scaled_as_scikit_image_does(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 200, (96, 64)).astype(np.uint8)
    smooth = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(pixels), 3.0)
    sitk.WriteImage(sitk.Cast(smooth, sitk.sitkUInt8), str(tmp_path / "p.png"))
    made = planes(tmp_path, ["p.png"], size=48)[0][0]
    original = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "p.png"))).astype(float)
    low, high = np.percentile(original, (1, 99))
    expected = resize(np.clip((original - low) / (high - low), 0, 1), (48, 32), anti_aliasing=True) * 255
    assert np.abs(made[:, 8:40] - expected).mean() < 4
    assert not made[:, :8].any()
    assert not made[:, 40:].any()


def test_hardly_anything_to_see(tmp_path: Path) -> None:
    for name, value in (("zero.nrrd", 0), ("same.nrrd", 7)):
        sitk.WriteImage(sitk.GetImageFromArray(np.full((3, 8, 8), value, np.int16)), str(tmp_path / name))
    dot = np.zeros((5, 200, 200), np.int16)
    dot[2, 100, 100] = 5
    sitk.WriteImage(sitk.GetImageFromArray(dot), str(tmp_path / "dot.nrrd"))
    zero, same, seen = planes(tmp_path, ["zero.nrrd", "same.nrrd", "dot.nrrd"], size=200)
    assert (zero.max(), same.max()) == (0, 0)
    assert seen[0, 100, 100] == 255


def ask(folder: Path, files: list[str], **more: object) -> list[dict]:
    text = experiment(folder, files).to_yaml()
    work = Work(1, "thumbnails", {}, lambda _: None)
    ids = [f"s{number}" for number in range(len(files))]
    return thumbnails(work, text, str(folder), ids, **{"size": 32, "seconds": 30.0, **more})["thumbnails"]


def test_good_samples_have_pictures_and_bad_ones_the_reason(tmp_path: Path) -> None:
    sitk.WriteImage(volume(), str(tmp_path / "good.nrrd"))
    (tmp_path / "cut.nrrd").write_bytes((tmp_path / "good.nrrd").read_bytes()[:400])
    good, cut, gone = ask(tmp_path, ["good.nrrd", "cut.nrrd", "gone.nrrd"])
    assert (good["planes"].shape, good["error"]) == ((3, 32, 32), "")
    assert (cut["planes"], gone["planes"]) == (None, None)
    assert "cut.nrrd" in cut["error"]
    assert "gone.nrrd" in gone["error"]


def test_they_are_kept_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sitk.WriteImage(volume(), str(tmp_path / "Doe^Jane.nrrd"))
    first = ask(tmp_path, ["Doe^Jane.nrrd"])[0]["planes"]
    with monkeypatch.context() as patch:
        patch.setattr("fuse_engine.data.thumbnails.thumbnail", lambda *_: pytest.fail("made again"))
        np.testing.assert_array_equal(ask(tmp_path, ["Doe^Jane.nrrd"])[0]["planes"], first)
    sitk.WriteImage(volume() * -1, str(tmp_path / "Doe^Jane.nrrd"))
    assert not np.array_equal(ask(tmp_path, ["Doe^Jane.nrrd"])[0]["planes"], first)
    assert all(b"Doe" not in path.read_bytes() for path in (tmp_path / "cache").rglob("thumbnails*"))


@pytest.mark.parametrize("damage", [b"", b"no database at all, but long enough to look like one" * 100])
def test_a_damaged_store_makes_way(tmp_path: Path, damage: bytes) -> None:
    sitk.WriteImage(volume(), str(tmp_path / "v.nrrd"))
    first = ask(tmp_path, ["v.nrrd"])[0]["planes"]
    (tmp_path / "cache" / "thumbnails.sqlite").write_bytes(damage)
    for _ in range(2):
        np.testing.assert_array_equal(ask(tmp_path, ["v.nrrd"])[0]["planes"], first)


def test_a_damaged_picture_is_made_again(tmp_path: Path) -> None:
    made = np.full((3, 8, 8), 9, np.uint8)
    with Thumbnails().opened() as kept:
        kept.get("f", 8, lambda: made)
        kept._new["f-8"] = b"damaged"
    with Thumbnails().opened() as kept:
        np.testing.assert_array_equal(kept.get("f", 8, lambda: made), made)


def test_a_full_cache_folder_is_no_reason_to_fail(tmp_path: Path) -> None:
    sitk.WriteImage(volume(), str(tmp_path / "v.nrrd"))
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    (tmp_path / "cache" / "thumbnails.sqlite").mkdir(parents=True)
    assert ask(tmp_path, ["v.nrrd"])[0]["planes"] is not None


def test_it_ends_in_time_and_when_a_person_waits(tmp_path: Path) -> None:
    sitk.WriteImage(volume(), str(tmp_path / "v.nrrd"))
    assert len(ask(tmp_path, ["v.nrrd"] * 5, seconds=0.0)) == 1
    text = experiment(tmp_path, ["v.nrrd"] * 3).to_yaml()
    work = Work(1, "thumbnails", {}, lambda _: None, background=True)
    work.hurry()
    assert thumbnails(work, text, str(tmp_path), ["s0", "s1", "s2"], 32, 30.0)["rest"] == ["s1", "s2"]


def test_a_sample_without_an_image_says_so(tmp_path: Path) -> None:
    text = TEXT.replace(", image: [{LoadImage: {column: image}}, {Resize: {size: [4, 4, 4]}}]", "")
    (tmp_path / "t.csv").write_text("id,age\ns0,1\n")
    dataset = Dataset.from_experiment(Experiment.from_text(text, tmp_path))
    with pytest.raises(SampleError, match="no input of this sample comes from an image file"):
        pictured(dataset.pipelines, dataset.cohort.row("s0"))
