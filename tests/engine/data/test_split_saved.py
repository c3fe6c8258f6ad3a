"""A saved split outlives changes of the table; leaks are named; extra samples are only trained on."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pandas as pd
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.sections import Split
from fuse_engine.data import Cohort, Dataset, fit_experiment, make_folds
from fuse_engine.data.split import divide, shared_files, write_split

Make = Callable[..., Cohort]


def test_a_saved_split_counts_whatever_became_of_the_table(make_cohort: Make, study: Experiment) -> None:
    path = study.folder / "split.csv"
    study = study.changed(("data", "split", "test"), ["0"])
    before = divide(study)
    write_split(path, before)
    row = f"s0,{before.fold_of['s0']},{before.part_of['s0']}"
    assert path.read_text().splitlines()[:2] == ["id,fold,part", row]
    table = study.folder / "cohort.csv"
    lines = table.read_text().splitlines()
    new = [f"n{n},p9,i0.png,m0.png,normal,9" for n in range(7)]
    table.write_text("\n".join([lines[0], *new, *lines[2:]]) + "\n")
    study = study.changed(("seed",), 99)
    after = divide(study, saved=path)
    assert {name: after.part_of[name] for name in after.part_of} == {
        name: part for name, part in before.part_of.items() if name != "s0"
    }
    assert after.fold_of == {name: fold for name, fold in before.fold_of.items() if name != "s0"}
    assert [str(remark) for remark in after.remarks] == [
        "data.split: new since the split was saved, so not used: n0, n1, n2, n3, n4 and 2 more",
        "data.split: in the saved split, but not in the source any more: s0",
    ]
    assert divide(study).part_of != before.part_of


def test_a_saved_split_may_have_gone_through_a_spreadsheet(study: Experiment) -> None:
    path = study.folder / "split.csv"
    write_split(path, divide(study))
    path.write_text(path.read_text(), encoding="utf-8-sig", newline="\r\n")
    again = study.changed(("data", "split"), {"saved": "split.csv"})
    assert divide(again).part_of == divide(study).part_of


def test_a_patient_who_is_in_two_parts_since_the_table_was_corrected_is_named(study: Experiment) -> None:
    path = study.folder / "split.csv"
    before = divide(study)
    write_split(path, before)
    one, two = before.train[0], before.validation[0]
    table = study.folder / "cohort.csv"
    patient = before.cohort.group(one)
    lines = [line.split(",") for line in table.read_text().splitlines()]
    column = lines[0].index("patient")
    table.write_text(
        "".join(",".join(patient if line[0] == two and n == column else cell for n, cell in enumerate(line)) + "\n"
                for line in lines)
    )  # fmt: skip
    after = divide(study, saved=path)
    assert after.part_of == before.part_of
    assert [str(remark) for remark in after.remarks] == [
        f"data.split: the group '{patient}' is in two parts; expected a new run, which divides the samples anew; "
        f"got '{one}' in 'train', '{two}' in 'validation'"
    ]


def reusing(study: Experiment) -> Experiment:
    """Save the division of a study and return it with another seed, divided as it was saved."""
    (study.folder / "runs").mkdir(exist_ok=True)
    write_split(study.folder / "runs" / "split.csv", divide(study))
    return study.changed(("data", "split"), {"saved": "runs/split.csv"}).changed(("seed",), 99)


def test_a_new_run_divides_the_same_samples_as_an_old_one(study: Experiment) -> None:
    study = study.changed(("data", "split", "test"), ["0"])
    before, reused = divide(study), divide(reusing(study))
    assert (reused.part_of, reused.fold_of, reused.remarks) == (before.part_of, before.fold_of, ())
    gone = before.train[0]
    (study.folder / "out.csv").write_text(f"id,reason\n{gone},blurred\n")
    excluding = reusing(study).changed(("data", "excluded"), "out.csv")
    assert divide(excluding).train == tuple(name for name in before.train if name != gone)
    table = {"Table": {"path": "cohort.csv", "fold": "finding"}}
    (remark,) = divide(reusing(study).changed(("data", "source"), table)).remarks
    assert str(remark).startswith(
        "data.split.saved: it divides the samples, so the source's fold column 'finding'"
    )


def test_a_saved_split_of_other_samples_is_refused(study: Experiment) -> None:
    again, table = reusing(study), study.folder / "cohort.csv"
    head, *lines = table.read_text().splitlines()
    table.write_text("\n".join([head, *lines, "n0,p9,i0.png,m0.png,normal,9"]) + "\n")
    with pytest.raises(
        FuseError, match=r"data.split.saved: split.csv does not list the sample 'n0'; expected the"
    ):
        divide(again)
    table.write_text("\n".join([head, *lines[2:]]) + "\n")
    with pytest.raises(FuseError, match="data.split.saved: split.csv lists 2 samples: s0, s1, not in the source"):
        divide(again)
    with pytest.raises(FuseError, match=r"data.split.saved: no file .*splitt.csv; .* did you mean 'split.csv'"):
        divide(again.changed(("data", "split", "saved"), "runs/splitt.csv"))
    with pytest.raises(
        FuseError, match=r"no file .*runs; expected the split.csv of a run; did you mean 'runs/split"
    ):
        divide(again.changed(("data", "split", "saved"), "runs"))


def test_a_saved_split_keeps_neither_leaks_nor_extra_samples(study: Experiment) -> None:
    more = with_extra(study, ["x0,i0.png,positive,200,e0"])
    again = reusing(more)
    assert divide(again).train == divide(more).train
    assert divide(again.changed(("data", "extra_train"), None)).train == divide(more).train[:-1]
    path, one = study.folder / "runs" / "split.csv", divide(more).train[0]
    path.write_text("".join(line.replace(",train", ",test") if line.startswith(f"{one},") else line
                            for line in path.read_text().splitlines(keepends=True)))  # fmt: skip
    with pytest.raises(FuseError, match=r"data.split.saved: the group '.*' is in two parts"):
        divide(again)


@pytest.mark.parametrize("name", ['quote"and,comma', "new\nline", "=cmd()", "ünï cödé"])
def test_any_id_comes_back(make_cohort: Make, study: Experiment, name: str) -> None:
    frame = pd.DataFrame({"id": [name, *"abcdefg"]})
    folds = make_folds(Cohort.from_frame(frame), Split(folds=2), 0)
    write_split(study.folder / "split.csv", folds)
    found = divide(study, folds.cohort, study.folder / "split.csv")
    assert (found.part_of, found.remarks) == (folds.part_of, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,fold\ns0,1\n", "split.csv, row 1: no row of a split; expected id, fold, part with one of"),
        ("id,fold,part\ns0,1,trian\n", "split.csv, row 2: no row of a split.*got s0, 1, trian"),
        ("", "split.csv is empty; expected the split that the run saved"),
        ("id,fold,part\ns0,1,train\ns0,1,test\n", "split.csv: the id 's0' stands twice"),
        ("id,fold,part\nother,1,train\n", "no training sample of split.csv is in the source any more"),
    ],
)
def test_a_damaged_split_is_refused(study: Experiment, text: str, message: str) -> None:
    path = study.folder / "split.csv"
    path.write_text(text)
    with pytest.raises(FuseError, match=message):
        divide(study, saved=path)


def test_the_same_file_in_two_parts_is_a_leak(study: Experiment) -> None:
    study = study.changed(("data", "split"), {"lists": {"test": ["p2"]}, "folds": 2})
    table = study.folder / "cohort.csv"
    pipelines = Dataset.from_experiment(study).pipelines
    assert shared_files(divide(study), pipelines) == []
    table.write_text(table.read_text().replace("i4.png", "i0.png").replace("m4.png", "m0.png"))
    folds = divide(study)
    (problem,) = shared_files(folds, pipelines)
    assert str(problem) == (
        "data.split: sample 's4': the same file is in two parts: 'i0.png'; expected samples of one file in one "
        f"part, e.g. by group: image; got 's0' in {folds.part_of['s0']}, 's4' in test (data.input.image)"
    )
    for name in "i1.png", "i2.png", "i3.png", "i5.png":
        table.write_text(table.read_text().replace(name, "i0.png"))
    assert shared_files(divide(study), pipelines) == []  # an image that all share says nothing about any


def with_extra(study: Experiment, lines: list[str], folder: str = "more") -> Experiment:
    extra = study.folder / folder
    extra.mkdir(exist_ok=True)
    shutil.copy(study.folder / "i0.png", extra / "i0.png")
    (extra / "extra.csv").write_text("\n".join(["name,image,finding,age,case", *lines]) + "\n")
    table = {"path": f"{folder}/extra.csv", "id": "name", "group": "case"}
    study = study.changed(("data", "extra_train"), {"Table": table})
    return study.changed(("data", "split", "test"), ["0"])


def test_extra_samples_are_trained_on_in_every_fold(study: Experiment) -> None:
    study = with_extra(study, ["x0,i0.png,positive,200,e0", "x1,i0.png,normal,300,e1"])
    plain = divide(study.changed(("data", "extra_train"), None))
    for fold in ("1", "2"):
        folds = divide(study.changed(("data", "split", "validation"), [fold]))
        assert set(folds.train) == {name for name, own in plain.fold_of.items() if own not in ("0", fold)} | {
            "x0",
            "x1",
        }
        assert (folds.test, folds.fold_of["x0"]) == (plain.test, "extra_train")
    dataset = Dataset.from_experiment(fit_experiment(study), folds.cohort)
    assert dataset.classes("data.gt.classification").numbers.tolist() == [0, 1, 0, 1, 0, 1, 1, 0]
    assert dataset.cohort.row("x0").path("image") == study.folder / "more" / "i0.png"
    clinical = fit_experiment(study).data.input["clinical"][0].args
    ages = [200, 300, *(50 + int(name[1:]) for name in divide(study).train if name.startswith("s"))]
    assert clinical["mean"] == pytest.approx([sum(ages) / len(ages)])
    assert shared_files(folds, dataset.pipelines) == []  # i0.png of another folder is another file


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("s1,i0.png,normal,5,e0", "data.extra_train: the id 's1' is in both sources"),
        (
            "x1,i0.png,normal,5,{test}",
            "data.extra_train: sample 'x1': the group '{test}' also has validation",
        ),
    ],
)
def test_extra_samples_must_be_apart_from_the_others(study: Experiment, line: str, message: str) -> None:
    plain = divide(study.changed(("data", "split", "test"), ["0"]))
    group = plain.cohort.row(plain.test[0]).group
    study = with_extra(study, [line.format(test=group)])
    with pytest.raises(FuseError, match=message.format(test=group)):
        divide(study)
    study = with_extra(study, [f"x1,i0.png,normal,5,{plain.cohort.row(plain.train[0]).group}"])
    assert "x1" in divide(study).train
