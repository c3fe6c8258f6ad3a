"""The table of samples that are left out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.exclusions import read_exclusions, write_exclusions

REASONS = {"00012": "", "a,b": 'says "no",\nthen moved', "Müller": "=1+1", " x ": "\r"}


def test_what_is_written_is_read_by_us_and_by_pandas(tmp_path: Path) -> None:
    path = tmp_path / "excluded.csv"
    write_exclusions(path, {"other": "before"})
    write_exclusions(path, REASONS)
    assert read_exclusions(path) == REASONS
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert dict(zip(frame["id"], frame["reason"], strict=True)) == REASONS
    assert [item.name for item in tmp_path.iterdir()] == ["excluded.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", r"out.csv:1: .*expected id,reason"),
        (b"sample,why\n", r"out.csv:1: .*expected id,reason"),
        (b"id,reason\na,b\nc\n", r"out.csv:3: .*expected an id and a reason"),
        (b"id,reason\n,b\n", r"out.csv:2: "),
        (b"id,reason\na,b\n\na,c\n", r"out.csv:4: .*'a' stands twice"),
        (b"id,reason\na,\xff\n", "is not a table of excluded samples"),
        (b'id,reason\na,"b\n', "is not a table of excluded samples"),
    ],
)
def test_a_damaged_table_says_where(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "out.csv").write_bytes(text)
    with pytest.raises(FuseError, match=message):
        read_exclusions(tmp_path / "out.csv")
