"""A folder of DICOM files becomes a cohort: one row a series, with what is drawn on it and what is odd."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    GrayscaleSoftcopyPresentationStateStorage,
    generate_uid,
)

from fuse_engine.core import reading
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Cohort, DicomTree, LoadDicom, LoadSegmentation, Pipeline, read_cohort
from tests.dicom_files import Scanner, grid, new_file, set_pixels, write


def read(folder: Path, **fields: object) -> Cohort:
    return DicomTree(path=Path(), **fields).read(folder)


def said(cohort: Cohort) -> str:
    return "\n".join(f"{problem.where} {problem.sample} {problem.message}" for problem in cohort.remarks)


def pixels(cohort: Cohort, name: str) -> np.ndarray:
    return Pipeline((LoadDicom(),)).run(cohort.row(name)).array


@pytest.fixture
def study(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> Scanner:
    """Write a CT with a segmentation, a structure set, a report, and what is no image."""
    series = scanner.series(numbers, oblique)
    scanner.seg(series, {"a": numbers > 1000}, oblique)
    scanner.rtstruct(series, {"b": [np.array([oblique.point((1, y, x)) for y, x in ((1, 1), (1, 5), (5, 5))])]})
    for sop_class in (BasicTextSRStorage, GrayscaleSoftcopyPresentationStateStorage):
        found = new_file(sop_class)
        found.StudyInstanceUID, found.SeriesInstanceUID = scanner.study, generate_uid()
        write(found, scanner.folder / "other" / f"{sop_class}.dcm")
    scout = pydicom.dcmread(series.files[0])
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write(scout, scanner.folder / "other" / "scout")
    (scanner.folder / "readme.txt").write_text("words", encoding="ascii")
    return scanner


def test_one_row_holds_the_series_and_what_is_drawn_on_it(study: Scanner, numbers: np.ndarray) -> None:
    cohort = read(study.folder, tags=["SliceThickness", "RescaleSlope"])
    row = cohort.row(cohort.ids[0])
    assert len(cohort) == 1
    assert row.id.startswith("CT-")
    assert (row.text("modality"), row.text("description"), row.text("slices")) == ("CT", "Thorax", "7")
    assert (row.text("image"), row.text("SliceThickness"), row.text("RescaleSlope")) == ("ct", "99.0", "1.0")
    assert row.text("report") == f"other/{BasicTextSRStorage}.dcm"
    np.testing.assert_array_equal(pixels(cohort, row.id)[0], numbers - 1024.0)
    mask = LoadSegmentation()(None, row)
    np.testing.assert_array_equal(mask.array[0], numbers > 1000)
    assert row.path("rtstruct").is_file()


def test_what_is_no_image_is_counted(study: Scanner) -> None:
    cohort = read(study.folder)
    text = said(cohort)
    assert {remark.where for remark in cohort.remarks if "left out" in remark.message} == {"unmatched"}
    assert "1 x Grayscale Softcopy Presentation State Storage" in text
    assert "1 x localizers" in text
    assert "1 x files that are no DICOM" in text


def test_the_patient_is_a_code_unless_asked_for(study: Scanner) -> None:
    cohort = read(study.folder)
    code = cohort.row(cohort.ids[0]).group
    assert code not in ("", "P-0815")
    text = cohort.frame.to_csv() + said(cohort) + "".join(map(str, study.folder.parent.rglob("*")))
    assert "P-0815" not in text  # 0815 alone may stand in a UID
    assert "Doe" not in text
    assert read(study.folder).row(cohort.ids[0]).group == code
    assert read(study.folder, patient_id=True).row(cohort.ids[0]).group == "P-0815"
    assert read(study.folder, tags=["PatientID"]).column("PatientID") == ["P-0815"]


def test_the_kept_scan_names_no_patient(study: Scanner) -> None:
    read(study.folder)
    kept = [path for path in Path(os.environ["FUSE_CACHE"]).rglob("*") if path.is_file()]
    assert len(kept) == 1
    text = str(pq.read_table(kept[0]).to_pylist())  # packed on the disk
    assert "Thorax" in text
    assert "P-0815" not in text
    assert "Doe" not in text


def test_series_in_one_folder_are_told_apart(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    for volume in (numbers, numbers[:4] + 1):
        for number, found in enumerate(scanner.slices(volume, oblique)):
            write(found, scanner.folder / f"{len(volume)} {number}")
    cohort = read(scanner.folder)
    by_size = {cohort.row(name).text("slices"): name for name in cohort.ids}
    assert len(json.loads(cohort.row(by_size["4"]).text("image"))) == 4
    np.testing.assert_array_equal(pixels(cohort, by_size["4"])[0], numbers[:4] - 1023.0)
    np.testing.assert_array_equal(pixels(cohort, by_size["7"])[0], numbers - 1024.0)
    assert read(scanner.folder, slices=5).ids == (by_size["7"],)
    with pytest.raises(
        FuseError, match="no DICOM image series in .*; got left out: 2 x series of other modalities"
    ):
        read(scanner.folder, modalities=["MR"])


@pytest.mark.parametrize("keyword", ["EchoNumbers", "TemporalPositionIdentifier", "AcquisitionNumber"])
def test_stacks_of_one_series_are_told_apart(
    scanner: Scanner, numbers: np.ndarray, oblique: Geometry, keyword: str
) -> None:
    uid = generate_uid()

    def echo(number: int) -> Callable[[Dataset, int], None]:
        def change(found: Dataset, _: int) -> None:
            found.SeriesInstanceUID = uid
            setattr(found, keyword, number)

        return change

    for number in (1, 2):
        scanner.series(numbers + number, oblique, f"mr/{number}", echo(number))
    cohort = read(scanner.folder)
    assert len(set(cohort.ids)) == 2
    np.testing.assert_array_equal(
        [pixels(cohort, name)[0, 0, 0, 0] for name in cohort.ids], numbers[0, 0, 0] - [1023.0, 1022.0]
    )
    assert {name.rsplit("-", 1)[0] for name in cohort.ids} == {cohort.ids[0][:-2]}


def test_a_number_that_counts_slices_divides_nothing(
    scanner: Scanner, numbers: np.ndarray, oblique: Geometry
) -> None:
    def counted(found: Dataset, number: int) -> None:
        found.AcquisitionNumber = number

    scanner.series(numbers, oblique, change=counted)
    assert read(scanner.folder).column("slices") == ["7"]


def test_what_is_odd_in_a_series_names_it_and_its_files(
    scanner: Scanner, numbers: np.ndarray, oblique: Geometry
) -> None:
    files = scanner.series(numbers, oblique).files
    files[3].unlink()
    files[5].write_bytes(files[5].read_bytes()[:-20])
    (scanner.folder / "ct" / "IM9999").touch()
    scanner.seg(scanner.series(numbers, oblique, "gone"), {"a": numbers > 1}, oblique)
    for path in (scanner.folder / "gone").iterdir():
        path.unlink()
    cohort = read(scanner.folder)
    (name,) = cohort.ids
    text = said(cohort)
    assert f"series {name} 1 slice(s) missing between IM0010 and IM0020" in text
    assert f"series {name} IM0025 is cut off" in text
    assert "unreadable  ct/IM9999: IM9999 is empty" in text
    assert "unmatched  drawn/" in text
    with pytest.raises(FuseError, match="IM9999 is empty|missing between"):
        pixels(cohort, name)


def test_views_without_a_position_are_samples_of_their_own(scanner: Scanner) -> None:
    uid = generate_uid()
    for number in range(4):
        found = new_file(DigitalMammographyXRayImageStorageForPresentation)
        found.Modality, found.SeriesInstanceUID, found.StudyInstanceUID = "MG", uid, scanner.study
        set_pixels(found, np.full((5, 4), number, np.uint16))
        write(found, scanner.folder / "mg" / f"{number}.dcm")
    cohort = read(scanner.folder)
    assert [pixels(cohort, name).mean() for name in cohort.ids] == [0, 1, 2, 3]
    assert len({cohort.row(name).group for name in cohort.ids}) == 1


def test_a_second_look_reads_only_what_changed(
    study: Scanner, numbers: np.ndarray, oblique: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path | None] = []
    monkeypatch.setattr(reading, "_watches", [looked.append])
    first = read(study.folder)
    assert len(set(looked) - {None}) == sum(path.is_file() for path in study.folder.rglob("*"))
    looked.clear()
    assert read(study.folder).table.equals(first.table)
    assert looked == []
    study.series(numbers[:2], oblique, "new")
    assert len(read(study.folder)) == 2
    assert {path.parent.name for path in looked if path} == {"new"}
    (kept,) = (Path(os.environ["FUSE_CACHE"]) / "dicom").iterdir()
    kept.write_bytes(b"damaged")
    assert len(read(study.folder)) == 2


def test_links_that_lead_out_are_not_followed(
    scanner: Scanner, numbers: np.ndarray, oblique: Geometry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = Scanner(tmp_path_factory.mktemp("outside"))
    away = outside.series(numbers, oblique).files
    inside = scanner.series(numbers[:5], oblique).files
    (scanner.folder / "out").symlink_to(away[0].parent)
    (scanner.folder / "ct" / "way").symlink_to(away[6])
    (scanner.folder / "in").symlink_to(inside[0])
    (scanner.folder / "loop").symlink_to(scanner.folder)
    (scanner.folder / "nowhere").symlink_to("nothing")
    inside[0].rename(scanner.folder / "ct" / "kept")
    cohort = read(scanner.folder)
    assert cohort.column("slices") == ["5"]
    np.testing.assert_array_equal(pixels(cohort, cohort.ids[0])[0], numbers[:5] - 1024.0)
    assert "3 x links that lead out of the folder or nowhere" in said(cohort)
    assert "2 x folders that are links" in said(cohort)


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_strange_names_and_text_do_no_harm(scanner: Scanner, numbers: np.ndarray, oblique: Geometry) -> None:
    def hostile(found: Dataset, _: int) -> None:
        found.PatientID, found.Modality, found.SeriesDescription = "../../x", "../../CT", "<b>"

    files = scanner.series(numbers, oblique, "a b\nü'[1]", hostile).files
    for path in files:
        uid = pydicom.dcmread(path).SeriesInstanceUID.encode("ascii")
        path.write_bytes(path.read_bytes().replace(uid, b"../" * (len(uid) // 3) + b"x" * (len(uid) % 3)))
    (scanner.folder / os.fsdecode(b"caf\xe9")).touch()
    cohort = read(scanner.folder)
    (name,) = cohort.ids
    assert name.replace("-", "").isalnum()
    np.testing.assert_array_equal(pixels(cohort, name)[0], numbers - 1024.0)
    assert "1 x names that are not UTF-8" in said(cohort)


def test_errors_name_the_nearest(scanner: Scanner) -> None:
    with pytest.raises(ValueError, match="got 'SliceThicknes'; did you mean 'SliceThickness'"):
        DicomTree(path=Path("x"), tags=["SliceThicknes"])
    with pytest.raises(ValueError, match="'PixelData' is neither"):
        DicomTree(path=Path("x"), tags=["PixelData"])
    (scanner.folder / "scans").mkdir()
    with pytest.raises(FuseError, match="no folder .*scan; did you mean 'scans'"):
        DicomTree(path=Path("scan")).read(scanner.folder)
    with pytest.raises(FuseError, match="no DICOM image series .* got an empty folder"):
        DicomTree(path=Path("scans")).read(scanner.folder)


def test_an_experiment_reads_series_from_a_folder(study: Scanner, numbers: np.ndarray) -> None:
    text = """
data:
  source: {DicomTree: {path: .}}
  input:
    image: [LoadDicom, {CropOrPad: {size: [8, 8, 8]}}]
  gt:
    lesion: [LoadSegmentation, {CropOrPad: {size: [8, 8, 8]}}]
model: None
"""
    cohort = read_cohort(Experiment.from_text(text, study.folder))
    assert cohort.group_column == "patient"
    reads = LoadDicom().reads(cohort.row(cohort.ids[0]))
    assert reads == {"image": study.folder / "ct"}


def test_a_cell_of_files_names_each_of_them(scanner: Scanner, numbers: np.ndarray) -> None:
    geometry = grid((7, 9, 11), (1.0, 1.0, 1.0))
    for name in ("a", "b"):
        scanner.series(numbers, geometry, name)
    found = sorted((scanner.folder / "a").iterdir())
    for path in sorted((scanner.folder / "b").iterdir()):
        path.rename(scanner.folder / "a" / f"b{path.name}")
    row = read(scanner.folder).row(read(scanner.folder).ids[0])
    reads = LoadDicom().reads(row)
    assert reads["image"] == row.text("image")
    assert set(found) in ({*reads.values()} - {reads["image"]}, set(found))
