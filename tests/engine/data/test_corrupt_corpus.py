"""Damaged files are refused by name and cause, without a crash, a hang or a gulp of memory; others load."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.data import LoadImage, Pipeline, Table
from tests.engine.data import corrupt_corpus

SCRIPT = Path(__file__).with_name("corrupt_corpus.py")
SECONDS = 5.0
BYTES = 1 << 30


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str | None]]:
    folder = tmp_path_factory.mktemp("corpus")
    return folder, corrupt_corpus.write(folder)


@pytest.fixture(scope="module")
def found(expected: tuple[Path, dict[str, str | None]]) -> dict[str, dict[str, Any]]:
    """What one process says of all files."""
    search = os.pathsep.join([*sys.path, str(Path(__file__).parents[3])])
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(expected[0])], capture_output=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": search, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    return {os.fsdecode(line["name"].encode("latin-1")): line for line in lines}


def test_there_are_many_of_them(expected: tuple[Path, dict[str, str | None]]) -> None:
    causes = list(expected[1].values())
    assert len(causes) - causes.count(None) >= 80
    assert causes.count(None) >= 15


def test_every_damaged_file_is_named_with_the_cause(
    expected: tuple[Path, dict[str, str | None]], found: dict[str, dict[str, Any]]
) -> None:
    silent = [name for name, cause in expected[1].items() if cause is not None and not found[name]["message"]]
    assert silent == []
    for name, cause in expected[1].items():
        if cause is None:
            continue
        message = found[name]["message"]
        assert cause in message, (name, message)
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        assert name.startswith("series") or shown in message, (name, message)
        assert "Error:" not in message, (name, message)  # the name of a Python exception is no cause


def test_the_good_ones_around_them_load(
    expected: tuple[Path, dict[str, str | None]], found: dict[str, dict[str, Any]]
) -> None:
    for name, cause in expected[1].items():
        if cause is None:
            assert found[name]["message"] is None, name
            assert found[name]["size"][:2] == [16, 20], name


def test_none_takes_long_or_much_memory(found: dict[str, dict[str, Any]]) -> None:
    assert {name: line["seconds"] for name, line in found.items() if line["seconds"] > SECONDS} == {}
    assert max(line["bytes"] for line in found.values()) < BYTES


def test_a_table_names_files_whatever_they_are_called(
    expected: tuple[Path, dict[str, str | None]],
) -> None:
    folder, causes = expected
    names = [name for name, cause in causes.items() if cause is None and name.lower().endswith(".nii")]
    text = io.StringIO()
    csv.writer(text).writerows([("id", "image"), *((f"id {name}", name) for name in names)])
    (folder / "with mark.csv").write_bytes(text.getvalue().encode("utf-8-sig"))
    cohort = Table(path=Path("with mark.csv")).read(folder)
    assert len(cohort) == len(names) >= 11
    for row in cohort.rows(cohort.ids):
        assert Pipeline((LoadImage(),)).run(row).geometry.size == (16, 20, 12)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"id,image\na,x.nii\na,y.nii\n", "the id 'a' stands twice, in line 2 and in line 3"),
        (b"id,image\n\xe9,x.nii\n", "is not UTF-8 text"),
        (b"", "is empty"),
        (b"id;image\na;x.nii\n", "seems to be separated by semicolons"),
        (b"id,image\na\n", "a row must have one cell for each column"),
        (b"id,id\na,b\n", "are called 'id'"),
    ],
)
def test_a_table_that_is_damaged_is_named_with_the_cause(tmp_path: Path, content: bytes, cause: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(FuseError) as told:
        Table(path=Path("t.csv")).read(tmp_path)
    assert "t.csv" in str(told.value)
    assert cause in str(told.value)
