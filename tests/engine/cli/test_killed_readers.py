"""A file that kills whoever reads it ends no command: it is named, and the others are looked at."""

from __future__ import annotations

import pytest

from fuse_engine.cli import main
from fuse_engine.core import registry
from fuse_engine.service.client import Engine

DEADLY = '''
import ctypes
from dataclasses import replace

from fuse_engine import Processor, register
from fuse_engine.core.errors import Problem, SampleError
from fuse_engine.core.reading import reading
from fuse_engine.data.source import Source
from fuse_engine.data.sources.table import Table


@register
class Deadly(Source):
    """Looks into every file of a folder, as a tree of DICOM files is looked into."""

    def read(self, folder):
        remarks = []
        for path in sorted(folder.glob("*.png")):
            try:
                with reading(path):
                    if path.read_bytes() == b"deadly":
                        ctypes.string_at(0)
            except SampleError as error:
                remarks.append(Problem(str(error), "unreadable"))
        return replace(Table(path="cohort.csv", group="patient").read(folder), remarks=tuple(remarks))


@register
class DeadlyStep(Processor):
    """Dies of one image."""

    def __call__(self, value, row):
        path = row.path("image")
        with reading(path):
            if path.name == "image05.png":
                ctypes.string_at(0)
        return value
'''


@pytest.fixture
def deadly(tiny, monkeypatch):
    """Return an experiment whose source dies of a file, as words of a command; one death is enough."""
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, str(tiny.parent / "deadly.py"))
    monkeypatch.setattr("fuse_engine.service.deaths.LIMIT", 1)
    (tiny.parent / "deadly.py").write_text(DEADLY, encoding="utf-8")
    (tiny.parent / "extra.png").write_bytes(b"deadly")
    engine = Engine()
    monkeypatch.setattr("fuse_engine.service.client.Engine", lambda: engine)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "close", lambda: None)  # a worker for each command would take seconds
        yield str(tiny), "--data.source", "{Deadly: {}}"
    engine.close()


def test_no_command_dies_of_a_file(deadly, capsys):
    assert main(["doctor", *deadly, "--round-trips", "1"]) == 0, "the file belongs to no sample"
    out, errors = capsys.readouterr()
    assert "extra.png ended the engine worker (Segmentation fault), once and is not read any more" in errors
    assert out.startswith("16 samples")
    assert any(line.startswith("  (all)") and "extra.png" in line for line in out.splitlines())
    assert any(line.split()[:3] == ["s00", "data.input.image", "0.00"] for line in out.splitlines())
    assert main(["validate", *deadly]) == 0
    out, errors = capsys.readouterr()
    assert out.startswith("ok: tiny: 16 samples")
    assert errors.startswith("warning: data.source: Unreadable files (1): this file ended its reader")
    assert main(["create", *deadly]) == 0
    assert capsys.readouterr().out.startswith("tiny: 16 samples from Deadly")
    steps = "[{LoadImage: {column: image}}, {DeadlyStep: {}}]"
    assert main(["create", *deadly, "--workers", "2", "--data.input.image", steps]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert [line.startswith("warning: reading ") and "image05.png" in line for line in errors] == [True, False]
    assert "sample 's05': this file ended its reader" in errors[1]
