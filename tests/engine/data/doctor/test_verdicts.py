"""A second look at a file costs a stat; a file that changed is looked at again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fuse_engine.core.experiment import Experiment
from fuse_engine.data import read_cohort, write_image
from fuse_engine.data.doctor import samples
from fuse_engine.data.doctor.look import Look, look
from fuse_engine.run.gate import all_findings
from tests.engine.data.doctor.conftest import picture


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read since."""
    found: list[str] = []

    def counted(steps, row) -> Look:
        found.append(row.id)
        return look(steps, row)

    monkeypatch.setattr(samples, "look", counted)
    return found


def test_only_what_changed_is_read_again(
    study: Callable[..., Experiment], tmp_path: Path, looked: list[str]
) -> None:
    experiment = study(good=3)
    assert all_findings(experiment, read_cohort(experiment)) == []
    assert looked == ["s0", "s0", "s1", "s1", "s2", "s2"]
    looked.clear()
    again = all_findings(experiment, read_cohort(experiment))
    assert (again, looked) == ([], [])
    (tmp_path / "i1.nii.gz").write_bytes((tmp_path / "i1.nii.gz").read_bytes()[:-9])
    assert [item.check for item in all_findings(experiment, read_cohort(experiment))] == ["unreadable"]
    assert [item.check for item in all_findings(experiment, read_cohort(experiment))] == ["unreadable"]
    assert looked == ["s1"]  # that it is damaged is kept as well


def test_too_little_memory_is_not_kept(study: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = study(good=1)
    with monkeypatch.context() as patch:
        patch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1000))
        found = all_findings(experiment, read_cohort(experiment))
    assert {item.message.split("; ")[0].split(" ", 1)[1] for item in found} == {"is too large for the memory"}
    assert all_findings(experiment, read_cohort(experiment)) == []


def test_what_is_kept_names_no_file_and_no_sample(study: Callable[..., Experiment], tmp_path: Path) -> None:
    experiment = study(good=1)
    all_findings(experiment, read_cohort(experiment))
    kept = (tmp_path / "cache" / "doctor.sqlite").read_bytes()
    assert b"s0" not in kept
    assert b"i0.nii" not in kept


def test_a_damaged_store_is_made_anew(
    study: Callable[..., Experiment], tmp_path: Path, looked: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    experiment = study(good=1)
    store = tmp_path / "cache" / "doctor.sqlite"
    store.write_bytes(b"no database at all " * 100)
    with caplog.at_level(logging.WARNING):
        assert all_findings(experiment, read_cohort(experiment)) == []
    assert "doctor.sqlite" in caplog.text
    all_findings(experiment, read_cohort(experiment))
    looked.clear()
    assert all_findings(experiment, read_cohort(experiment)) == []
    assert looked == []


def test_a_look_survives_as_text(tmp_path: Path) -> None:
    from fuse_engine.data import LoadImage, Pipeline, Row

    write_image(tmp_path / "a.nrrd", picture(3))
    row = Row("s", "s", None, {"image": "a.nrrd"}, tmp_path)
    seen = look(Pipeline((LoadImage(),)), row)
    assert Look.from_text(seen.to_text()) == seen
    (tmp_path / "a.nrrd").write_bytes(b"NRRD")
    broken = look(Pipeline((LoadImage(),)), row)
    assert broken.problem is not None
    assert Look.from_text(broken.to_text()) == broken
