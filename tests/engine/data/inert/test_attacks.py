"""A pickle is never executed, whatever it asks for; a damaged one is refused in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MUTANTS = 2000


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything that a spy heard and that came of the attacks."""
    done = subprocess.run(
        [sys.executable, HERE / "hostile.py", str(MUTANTS)], cwd=tmp_path_factory.mktemp("attacked"),
        capture_output=True, text=True, timeout=250, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_attack_is_read_as_a_table(heard: dict[str, Any]) -> None:
    assert len(heard["attacks"]) == 41
    assert {name: said for name, (said, *_) in heard["attacks"].items() if not said.startswith("refused: ")} == {}


def test_nothing_is_executed_imported_or_written(heard: dict[str, Any]) -> None:
    assert heard["heard"] == []


def test_no_attack_takes_long_or_much_memory(heard: dict[str, Any]) -> None:
    slow = {name: seconds for name, (_, seconds, _) in heard["attacks"].items() if seconds > 20}
    large = {name: megabytes for name, (*_, megabytes) in heard["attacks"].items() if megabytes > 1000}
    assert (slow, large) == ({}, {})


def test_what_is_asked_for_is_named(heard: dict[str, Any]) -> None:
    said = heard["attacks"]["os.system in a cell"][0]
    assert said.startswith("refused: column '0': the pickle holds what cannot be read; expected text, numbers")
    assert said.endswith("; got os.system")


def test_sound_pickles_are_read_and_mutants_read_or_refused(heard: dict[str, Any]) -> None:
    assert all(said.startswith("read: ") for said in heard["sound"])
    assert set(heard["mutants"]) == {"read", "refused"}
    assert sum(heard["mutants"].values()) == MUTANTS
