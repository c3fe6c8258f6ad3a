"""Every check finds its fault, says which sample and what to do, and finds nothing in good samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.functions import functions
from fuse_engine.core.health import CHECKS, Finding
from fuse_engine.data import Image, LoadDicom, LoadImage, Pipeline, read_cohort, write_image
from fuse_engine.data.doctor import source_findings
from fuse_engine.run.gate import all_findings
from tests.engine.data.doctor.conftest import EXPERIMENT, grid, mask, picture, turned

Study = Callable[..., Experiment]


def findings(experiment: Experiment) -> list[Finding]:
    return all_findings(experiment, read_cohort(experiment))


def told(experiment: Experiment, sample: str = "x") -> list[tuple[str, str]]:
    return [(item.check, item.message) for item in findings(experiment) if item.sample == sample]


def marked(image: Image, high: float = 1) -> np.ndarray:
    return (image.array > 6) * int(high)


def test_nothing_is_wrong_with_good_samples(study: Study) -> None:
    assert findings(study()) == []


def test_a_file_that_was_cut_off_is_unreadable(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "x.nii.gz", picture(99))
    (tmp_path / "x.nii.gz").write_bytes((tmp_path / "x.nii.gz").read_bytes()[:-300])
    [(check, message)] = told(study(x={"image": "x.nii.gz"}))
    assert (check, "x.nii.gz is damaged or cut off" in message) == ("unreadable", True)


@pytest.mark.parametrize(("cell", "words"), [("i1.nii", "did you mean 'i1.nii.gz'?"), ("", "names no file")])
def test_a_file_that_is_not_there_is_missing(study: Study, cell: str, words: str) -> None:
    [(check, message)] = told(study(x={"image": cell}))
    assert (check, words in message) == ("missing", True)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (grid((11, 9, 8)), "the mask has 8 x 9 x 11 pixels, the image 8 x 9 x 10"),
        (grid(spacing=(1.0, 1.5, 2.5)), "spacing 2.5 x 1.5 x 1 mm against 2 x 1.5 x 1 mm"),
        (grid(origin=(5.0, 6.0, 9.0)), "origin 9 x 6 x 5 mm against 7 x 6 x 5 mm; corners up to 2 mm apart"),
        (grid(direction=(-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)), "direction RPS against LPS"),
    ],
    ids=["size", "spacing", "origin", "direction"],
)
def test_a_mask_on_another_grid_is_named(study: Study, tmp_path: Path, other, words: str) -> None:
    write_image(tmp_path / "x.nrrd", mask(other))
    write_image(tmp_path / "y.nrrd", picture(77))
    found = dict(told(study(x={"image": "y.nrrd", "mask": "x.nrrd"})))
    assert words in found["mask_grid"]


def test_a_mask_that_the_steps_bring_onto_the_grid_does_not_block(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "x.nrrd", mask(grid(spacing=(0.5, 0.75, 1.0), size=(20, 18, 16))))
    write_image(tmp_path / "y.nrrd", picture(77))
    text = EXPERIMENT.replace("mask, label: true}}", "mask, label: true}}, {ResampleLike: {column: image}}")
    found = findings(study(text=text, x={"image": "y.nrrd", "mask": "x.nrrd"}))
    finding = next(item for item in found if item.check == "mask_grid")
    assert not finding.blocks
    assert "the steps bring both onto one grid" in finding.message


def test_labels_are_compared_with_what_the_model_knows(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "seven.nrrd", mask(value=7))
    write_image(tmp_path / "none.nrrd", mask(value=0))
    write_image(tmp_path / "a.nrrd", picture(77))
    write_image(tmp_path / "b.nrrd", picture(78))
    experiment = study(x={"image": "a.nrrd", "mask": "seven.nrrd"}, y={"image": "b.nrrd", "mask": "none.nrrd"})
    assert told(experiment, "x")[0][0] == "unexpected_label"
    assert "holds the label 7; expected 0 to 1" in told(experiment, "x")[0][1]
    assert [check for check, _ in told(experiment, "y")] == ["empty_label"]


def test_labels_that_the_steps_map_are_expected(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "seven.nrrd", mask(value=7))
    write_image(tmp_path / "a.nrrd", picture(77))
    cells = {"image": "a.nrrd", "mask": "seven.nrrd"}
    mapped = EXPERIMENT.replace("mask, label: true}}", "mask, label: true, values: [0, 7]}}")
    assert told(study(good=0, text=mapped, x={**cells, "finding": "normal"}), "x") == []
    wrong = EXPERIMENT.replace("mask, label: true}}", "mask, label: true, values: [0, 1]}}")
    [(check, message)] = told(study(text=wrong, x=cells))
    assert (check, "value 7" in message) == ("unexpected_label", True)


def test_labels_that_a_function_maps_are_expected(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "known", {})
    functions.add(marked)
    write_image(tmp_path / "seven.nrrd", mask(value=7))
    write_image(tmp_path / "a.nrrd", picture(77))
    for more, expected in (("", []), (", moves: true", []), (", arguments: {high: 9}", ["unexpected_label"])):
        step = f"mask, label: true}}}}, {{Function: {{function: marked{more}}}}}"
        text = EXPERIMENT.replace("mask, label: true}}", step)
        experiment = study(text=text, x={"image": "a.nrrd", "mask": "seven.nrrd"})
        assert [check for check, _ in told(experiment, "x")] == expected


def test_a_cell_that_is_no_class_is_named_with_the_nearest(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "a.nrrd", picture(77))
    [(check, message)] = told(study(x={"image": "a.nrrd", "finding": "norml"}))
    assert (check, "did you mean 'normal'?" in message) == ("unexpected_label", True)


def test_values_that_are_not_finite_or_all_the_same(study: Study, tmp_path: Path) -> None:
    holes, flat = picture(1), picture(2)
    holes.array[0, 1, 1, 1], flat.array[:] = np.nan, 3
    write_image(tmp_path / "holes.nii", holes)
    write_image(tmp_path / "flat.mha", flat)
    experiment = study(x={"image": "holes.nii"}, y={"image": "flat.mha"}, z={"image": "flat.mha"})
    assert [check for check, _ in told(experiment, "x")] == ["not_finite"]
    assert [check for check, _ in told(experiment, "y")] == ["constant"]
    assert [check for check, _ in told(experiment, "z")] == ["constant"]  # and no duplicate of y


def test_oblique_images_are_told_with_their_angle_and_do_not_block(study: Study, tmp_path: Path) -> None:
    tilted = grid(direction=turned(12))
    write_image(tmp_path / "i.nrrd", picture(50, tilted))
    write_image(tmp_path / "m.nrrd", mask(tilted))
    found = [item for item in findings(study(x={"image": "i.nrrd", "mask": "m.nrrd"})) if item.sample == "x"]
    assert {(item.check, item.message, item.blocks) for item in found} == {
        ("oblique", "the axes are turned by 12.0 degrees", False)
    }


def test_a_spacing_far_from_the_others_stands_out(study: Study, tmp_path: Path) -> None:
    thick = grid(spacing=(1.0, 1.5, 6.0))
    write_image(tmp_path / "i.nrrd", picture(50, thick))
    write_image(tmp_path / "m.nrrd", mask(thick))
    found = told(study(x={"image": "i.nrrd", "mask": "m.nrrd"}))
    words = "a spacing of 6 x 1.5 x 1 mm, where most have about 2 x 1.5 x 1 mm"
    assert found == [("spacing_outlier", words), ("spacing_outlier", words)]


def test_duplicates_block_across_folds_only(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "copy.nrrd", picture(0))  # the pixels of s0 in another format
    across = study(x={"image": "copy.nrrd", "fold": "1"})
    assert {(item.sample, item.blocks) for item in findings(across)} == {("s0", True), ("x", True)}
    assert "holds the same pixels as 's0' (fold 0), in another fold" in told(across)[0][1]
    within = study(x={"image": "copy.nrrd", "fold": "0"})
    assert {(item.sample, item.check, item.blocks) for item in findings(within)} == {
        ("s0", "duplicate_content", False), ("x", "duplicate_content", False)
    }  # fmt: skip


def test_a_patient_in_two_folds_blocks_every_sample_of_hers(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "a.nrrd", picture(77))
    found = findings(study(x={"image": "a.nrrd", "patient": "ps3", "fold": "0"}))
    assert {(item.check, item.sample, item.message) for item in found} == {
        ("group_in_two_folds", name, "the group 'ps3' stands in the folds 0, 1") for name in ("s3", "x")
    }


def test_rare_classes_are_told_for_the_whole_cohort(study: Study, tmp_path: Path) -> None:
    write_image(tmp_path / "a.nrrd", picture(77))
    [finding] = findings(study(good=11, x={"image": "a.nrrd", "finding": "positive"}))
    assert (finding.check, finding.sample, finding.column) == ("class_imbalance", "", "data.gt.classification")
    assert "class 0: 11, class 1: 1" in finding.message


def test_what_the_source_found_odd_is_told(study: Study) -> None:
    experiment = study()
    cohort = read_cohort(experiment)
    remark = Problem("m9.nii.gz belongs to no image", where="unmatched")
    object.__setattr__(cohort, "remarks", (remark,))
    [finding] = source_findings(cohort, {})
    assert (finding.check, finding.message) == ("unmatched", "m9.nii.gz belongs to no image")


def test_what_is_odd_about_a_series_is_told_once(study: Study) -> None:
    cohort = read_cohort(study())
    object.__setattr__(cohort, "remarks", (Problem("2 slices are missing", where="series", sample="s1"),))
    told = {step: list(source_findings(cohort, {"image": Pipeline((step(),))})) for step in (LoadImage, LoadDicom)}
    assert [finding.sample for finding in told[LoadImage]] == ["s1"]
    assert told[LoadDicom] == [], "the step that reads the series says it, and whether it matters"


def test_findings_survive_the_way_to_the_window() -> None:
    finding = Finding("oblique", "s1", "turned", "data.input.image", blocking=False)
    assert Finding.from_json(finding.to_json()) == finding
    assert Finding("missing", "s1", "no file").blocks
    assert not Finding("oblique", "s1", "turned").blocks
    with pytest.raises(FuseError, match="did you mean 'oblique'"):
        Finding.from_json({"check": "oblik", "sample": "", "message": ""})
    assert all(check.help.endswith(".") and check.title for check in CHECKS.values())
