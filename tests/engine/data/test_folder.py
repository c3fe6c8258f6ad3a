"""A folder becomes a cohort by the ids in its names; what belongs to none is named."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from pydantic import ValidationError

from fuse_engine.core import document
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Folder
from fuse_engine.data.dicom.scan import scan
from fuse_engine.data.sources.listing import Listing
from fuse_engine.data.sources.neighbours import Neighbours
from fuse_engine.run.folder import RunFolder

PAIR = {"image": "images/{id}_0000.nii.gz", "mask": "labels/{id}.nii.gz"}


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_every_folder_is_a_class(tmp_path: Path) -> None:
    fill(tmp_path / "set", "cats/1.png", "cats/old/2.v1.nii.gz", "dogs/1.JPG", "cats/notes.txt", "loose.png")
    cohort = Folder(path=Path("set")).read(tmp_path)
    assert cohort.ids == ("cats/1", "cats/old/2.v1", "dogs/1")
    assert cohort.column("label") == ["cats", "cats", "dogs"]
    assert cohort.row("dogs/1").path("image") == tmp_path / "set/dogs/1.JPG"
    assert [str(remark) for remark in cohort.remarks] == [
        "unmatched: 'loose.png' lies in no class; expected a folder for each class"
    ]


def test_what_a_run_wrote_is_no_sample(tmp_path: Path) -> None:
    fill(tmp_path, "cats/1.png")
    experiment = Experiment.from_document(
        document.parse("{data: {source: Folder, input: {a: [Text]}}, model: MultiHead}"), tmp_path
    )
    run = RunFolder.create(tmp_path / "cats" / "runs", experiment)
    fill(run.predictions / "masks", "s01.nii.gz")
    cohort = Folder().read(tmp_path)
    assert (cohort.ids, cohort.remarks) == (("cats/1",), ())
    assert Folder(files={"mask": "masks/{id}.nii.gz"}).read(run.predictions).ids == ("s01",)
    assert [item.file for item in scan(tmp_path).facts if "runs" in item.file] == [], "nor a file to look into"


def test_image_and_mask_are_paired_by_id_never_by_order(tmp_path: Path) -> None:
    names = ["a", "b.v1.2", "c d", "日本", "line\nbreak", "quo'te\"s", "-x", "100%s"]
    for number, name in enumerate(names):
        fill(tmp_path, f"images/{name}_0000.nii.gz", f"images/{name}_0001.nii.gz")
        fill(tmp_path / "labels" / str(number % 3), f"{name}_seg.nii.gz")
    files = {"image": "images/{id}_0000.nii.gz", "second": "images/{id}_0001.nii.gz"}
    cohort = Folder(files={**files, "mask": "labels/*/{id}_seg.nii.gz"}).read(tmp_path)
    assert sorted(cohort.ids) == sorted(names)
    assert cohort.remarks == ()
    for row in cohort.rows(names):
        assert row.path("image").name == f"{row.id}_0000.nii.gz"
        assert row.path("second").name == f"{row.id}_0001.nii.gz"
        assert row.path("mask").name == f"{row.id}_seg.nii.gz"


def test_every_file_without_its_partner_is_named_with_the_nearest(tmp_path: Path) -> None:
    fill(tmp_path, "images/p1_0000.nii.gz", "labels/p1.nii.gz", "images/p2_0000.nii.gz", "labels/p2_seg.nii.gz")
    fill(tmp_path, "labels/p3.nii", "labels/README.txt", "labels/.p9.nii.gz")
    cohort = Folder(files=PAIR).read(tmp_path)
    assert cohort.ids == ("p1",)
    assert {remark.where for remark in cohort.remarks} == {"unmatched"}
    assert [str(remark).removeprefix("unmatched: ") for remark in cohort.remarks] == [
        "'images/p2_0000.nii.gz' has no mask; expected labels/p2.nii.gz; did you mean 'labels/p2_seg.nii.gz'?",
        "'labels/p2_seg.nii.gz' has no image; expected images/p2_seg_0000.nii.gz; "
        "did you mean 'images/p2_0000.nii.gz'?",
        "'labels/p3.nii' fits no pattern; expected images/{id}_0000.nii.gz or labels/{id}.nii.gz",
    ]


def test_a_mask_beside_its_image_is_no_image_without_a_mask(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a_mask.png", "b.jpeg", "b_mask.png")
    cohort = Folder(files={"image": "{id}.*", "mask": "{id}_mask.png"}).read(tmp_path)
    assert cohort.ids == ("a", "b")
    assert cohort.remarks == ()


def test_any_ending_leaves_the_dots_of_an_id(tmp_path: Path) -> None:
    fill(tmp_path, "p.1.2.nii.gz", "p.1.3.NII", "p.1.4.mha")
    assert Folder(files={"image": "{id}.*"}).read(tmp_path).ids == ("p.1.2", "p.1.3", "p.1.4")


def test_a_sample_may_lack_what_is_optional(tmp_path: Path) -> None:
    fill(tmp_path, "images/a_0000.nii.gz", "images/b_0000.nii.gz", "labels/b.nii.gz", "labels/c.nii.gz")
    cohort = Folder(files=PAIR, optional=["mask"]).read(tmp_path)
    assert cohort.column("mask") == ["", "labels/b.nii.gz"]
    assert [remark.message for remark in cohort.remarks] == ["'labels/c.nii.gz' has no image"]


def test_names_of_folders_are_group_fold_and_label(tmp_path: Path) -> None:
    fill(tmp_path, "train/p1/sick/L.png", "train/p1/sick/R.png", "test/p2/well/L.png")
    cohort = Folder(files={"image": "{fold}/{group}/{label}/{side}.png"}, id="{group}-{side}").read(tmp_path)
    assert cohort.ids == ("p1-L", "p1-R", "p2-L")
    row = cohort.row("p2-L")
    assert (row.group, row.fold, row.text("label"), row.text("side")) == ("p2", "test", "well", "L")


def test_a_name_that_stands_twice_is_the_same_text(tmp_path: Path) -> None:
    fill(tmp_path, "b1/b1_t1.nii.gz", "b1/b1_seg.nii.gz", "b2/b1_t1.nii.gz")
    cohort = Folder(files={"t1": "{id}/{id}_t1.nii.gz", "mask": "{id}/{id}_seg.nii.gz"}).read(tmp_path)
    assert cohort.ids == ("b1",)
    assert [remark.message for remark in cohort.remarks] == ["'b2/b1_t1.nii.gz' fits no pattern"]


def test_letters_that_macos_writes_as_two_are_one(tmp_path: Path) -> None:
    fill(tmp_path, f"images/{unicodedata.normalize('NFD', 'Müller')}_0000.nii.gz", "labels/Müller.nii.gz")
    assert Folder(files=PAIR).read(tmp_path).ids == ("Müller",)


def test_two_files_of_one_id_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/1.png", "c/1.png", "c/1.jpg")
    with pytest.raises(FuseError, match=r"two files for image of the sample '1': 'a/1.png' and 'b/1.png'"):
        Folder(files={"image": "{label}/{id}.png"}).read(tmp_path)
    with pytest.raises(FuseError, match=r"sample 'c/1': 'c/1.jpg' and 'c/1.png'"):
        Folder().read(tmp_path)


def test_names_that_contradict_each_other_make_no_sample(tmp_path: Path) -> None:
    fill(tmp_path, "train/a.png", "val/a_mask.png", "val/b.png", "val/b_mask.png")
    cohort = Folder(files={"image": "{fold}/{id}.png", "mask": "{fold}/{id}_mask.png"}).read(tmp_path)
    assert cohort.ids == ("b",)
    assert cohort.remarks[0].message == "'val/a_mask.png' and 'train/a.png' have one id, 'a', but differ in fold"


def test_links_that_leave_the_folder_are_passed_over_with_a_word(tmp_path: Path) -> None:
    root = fill(tmp_path / "set", "c/1.png")
    fill(tmp_path, "secret.png")
    (root / "c/2.png").symlink_to(tmp_path / "secret.png")
    (root / "c/3.png").symlink_to(root / "c/1.png")
    (root / "c/4.png").symlink_to(root / "gone.png")
    (root / "c/loop").symlink_to(root)
    cohort = Folder(path=root).read(tmp_path)
    assert cohort.ids == ("c/1", "c/3")
    assert sorted(remark.message for remark in cohort.remarks) == [
        "'c/2.png' is a link that leaves the folder", "'c/4.png' is a link to nothing",
        "'c/loop' is a link to a folder",
    ]  # fmt: skip


def test_a_name_that_is_no_text_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "c/1.png")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/c/\xff.png"))).touch()
    cohort = Folder().read(tmp_path)
    assert [str(remark) for remark in cohort.remarks] == ["unreadable: the name of 'c/\\xff.png' is not UTF-8"]


def test_a_folder_without_samples_says_what_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(FuseError, match=r"no folder .*image; did you mean 'images'"):
        Folder(path=Path("image")).read(tmp_path)
    with pytest.raises(FuseError, match="expected files such as '<class>/<image>'; got 0 files, none of them"):
        Folder().read(tmp_path)
    fill(tmp_path, "imagesTr/a_0000.nii.gz")
    with pytest.raises(FuseError, match=r"got e\.g\. 'imagesTr/a_0000\.nii\.gz'"):
        Folder(files=PAIR).read(tmp_path)
    fill(tmp_path, "images/b_0000.nii.gz")
    with pytest.raises(FuseError, match=r"'images/b_0000.nii.gz' has no mask; expected labels/b.nii.gz"):
        Folder(files=PAIR).read(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"files": {"image": "a.png"}}, "expected '{id}' in the pattern of 'image'"),
        ({"files": {"image": "../{id}.png"}}, "expected a path below the folder"),
        ({"files": {"image": "/data/{id}.png"}}, "expected a path below the folder"),
        ({"files": {"image": "{id}{.png"}}, "expected names of letters and digits in braces"),
        ({"files": {"image": "{id}_*_*_*_*.png"}}, "expected at most 4 names and stars"),
        ({"files": {"a": "{id}/{b}.png", "b": "{id}.jpg"}}, "expected another name for the column 'b'"),
        ({"files": {"id": "{id}.png"}}, "expected another name for the column 'id'"),
        ({"id": "sample"}, "expected a name in braces in `id`"),
        ({"files": {"image": "{id}.png"}, "optional": ["image"]}, "expected some of the columns"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Folder(**fields)


def test_of_many_lonely_files_a_thousand_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"images/{n:06d}_0000.nii.gz" for n in range(100_000)]
    listing = Listing(tmp_path, [*names, "labels/000007.nii.gz"])
    monkeypatch.setattr("fuse_engine.data.sources.folder.list_files", lambda root: listing)
    cohort = Folder(files=PAIR).read(tmp_path)
    assert cohort.ids == ("000007",)
    assert len(cohort.remarks) == 1001
    assert cohort.remarks[-1].message == "98999 more files belong to no sample"


def test_the_nearest_name_is_that_of_a_full_search() -> None:
    names = [f"case{n:04d}_{side}" for n in range(500) for side in "LR"]
    assert Neighbours(names).nearest("case0123L") == "case0123_L"
    assert Neighbours(names).nearest("xcase0400_R") == "case0400_R"
    assert Neighbours([]).nearest("a") == ""
