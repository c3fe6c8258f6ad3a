"""The table as the panels get it: every cell, quickly, and what each sample is used for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.exclusions import write_exclusions
from fuse_engine.data import make_folds, read_cohort
from fuse_engine.service import cohorts
from fuse_engine.service.client import Engine
from fuse_engine.service.identity import tree_identity
from fuse_engine.service.opened import open_cohort
from fuse_engine.service.work import Work
from fuse_engine.testing import tiny_experiment


@pytest.fixture
def tiny(tmp_path):
    return tiny_experiment(tmp_path / "tiny")


@pytest.fixture
def ask(tiny):
    def call(method, experiment=tiny):
        work = Work(1, method.__name__, {}, lambda message: None)
        return method(work, experiment.to_yaml(), str(tiny.folder))

    return call


def table_of(reply):
    return pa.ipc.open_file(pa.py_buffer(reply["table"])).read_all()


def test_the_table_crosses_the_processes_as_pandas_reads_it(tiny):
    engine = Engine()
    try:
        arguments = {"experiment": tiny.to_yaml(), "folder": str(tiny.folder)}
        reply = engine.request("cohort", **arguments).result(60)
        parts = engine.request("parts", **arguments).result(60)["parts"]
    finally:
        engine.close()
    frame = pd.read_csv(tiny.folder / "cohort.csv", dtype=str, keep_default_na=False)
    table = table_of(reply)
    assert table.to_pydict() == frame.to_dict("list")
    assert {str(kind) for kind in table.schema.types} == {"dictionary<values=string, indices=int32, ordered=0>"}
    assert {name: reply[name] for name in ("id", "group", "fold", "excluded", "problems")} == {
        "id": "id", "group": "patient", "fold": None, "excluded": {}, "problems": []
    }  # fmt: skip
    folds = make_folds(read_cohort(tiny), tiny.data.split, tiny.seed)
    found = {
        part: tuple(frame["id"][parts == number]) for number, part in enumerate(("train", "validation", "test"))
    }
    assert found == {"train": folds.train, "validation": folds.validation, "test": folds.test}
    assert parts.dtype == np.int8


def test_an_excluded_sample_stays_in_the_table_and_out_of_the_folds(ask, tiny):
    write_exclusions(tiny.folder / "out.csv", {"s03": "blurred", "s99": "gone"})
    chosen = tiny.changed(("data", "excluded"), "out.csv")
    reply = ask(cohorts.cohort, chosen)
    assert (table_of(reply).num_rows, reply["excluded"]) == (16, {"s03": "blurred", "s99": "gone"})
    assert [(p["where"], p["message"]) for p in reply["problems"]] == [
        ("data.excluded", "the excluded sample 's99' is not there")
    ]
    folds = make_folds(read_cohort(chosen), tiny.data.split, tiny.seed)
    parts = ask(cohorts.parts, chosen)["parts"]
    ids = np.array(read_cohort(tiny).ids)
    assert ids[parts == cohorts.EXCLUDED].tolist() == ["s03"]
    assert tuple(ids[parts == 0]) == folds.train

    write_exclusions(tiny.folder / "out.csv", {"s04": "moved"})
    parts = ask(cohorts.parts, chosen)["parts"]
    assert ids[parts == cohorts.EXCLUDED].tolist() == ["s04"]


def test_exclusions_that_cannot_be_read_are_a_problem_beside_the_table(ask, tiny):
    chosen = tiny.changed(("data", "excluded"), "out.csv")
    reply = ask(cohorts.cohort, chosen)
    assert table_of(reply).num_rows == 16
    for problems in (reply["problems"], ask(cohorts.parts, chosen)["problems"]):
        assert [problem["where"] for problem in problems] == ["data.excluded"]


def test_samples_that_cannot_be_divided_are_unused_and_it_is_said_why(ask, tiny):
    reply = ask(cohorts.parts, tiny.changed(("data", "split", "stratify"), "findin"))
    assert set(reply["parts"].tolist()) == {cohorts.UNUSED}
    assert reply["problems"][0]["nearest"] == "finding"
    with pytest.raises(FuseError, match=r"data\.source\.Table: the id column 'idd' is not there"):
        ask(cohorts.cohort, tiny.changed(("data", "source", "Table", "id"), "idd"))


def test_a_changed_table_is_read_again(ask, tiny):
    table = tiny.folder / "cohort.csv"
    assert table_of(ask(cohorts.cohort)).num_rows == 16
    table.write_text("\n".join(table.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    assert table_of(ask(cohorts.cohort)).num_rows == 15


def test_long_cells_are_cut_for_the_panels_alone(ask, tiny):
    table = tiny.folder / "cohort.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    contours = [f"{line},{'é' * (2000 + n)}" for n, line in enumerate(lines[1:])]
    table.write_text("\n".join([f"{lines[0]},contours", *contours]) + "\n", encoding="utf-8")
    cells = table_of(ask(cohorts.cohort))["contours"].to_pylist()
    assert cells == ["é" * cohorts.LONG] * 16
    assert len(open_cohort(tiny).row("s05").text("contours")) == 2005


def test_a_folder_is_another_when_a_file_comes_far_below(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    before = tree_identity(tmp_path)
    assert tree_identity(tmp_path) == before
    (below / "new.png").touch()
    assert tree_identity(tmp_path) != before
