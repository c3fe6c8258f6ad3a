"""A step is computed again when its code, a helper's code or a library changed, and then only."""

from __future__ import annotations

import importlib
import os
import sys
from code import InteractiveInterpreter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from fuse_engine.data import IntensityWindow, LoadImage, Pipeline, Row, code
from fuse_engine.data.code import code_of
from fuse_engine.data.fingerprint import chain, identity

STEP = """
from fuse_engine.data import Image, Processor
from {place} import halved

class Halve(Processor):
    def __call__(self, value, row):
        from {late} import LATE
        return Image(halved(value.array), value.geometry)
"""


class Package:
    """Source files that a step is written in."""

    def __init__(self, folder: Path, files: dict[str, str], module: str) -> None:
        self._folder = folder
        for name, text in files.items():
            self.edit(name, text)
        self._step = importlib.import_module(module).Halve

    def edit(self, name: str, text: str) -> str:
        """Write a file and return the digest that the next process finds."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1, 1))  # else it was edited since this process began
        code._module.cache_clear()
        return self.digest() if hasattr(self, "_step") else ""

    def digest(self) -> str:
        return code_of([self._step]).digest


def test_an_edited_helper_of_a_helper_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = Package(tmp_path, {
        "mine/__init__.py": "", "mine/tools/__init__.py": "", "mine/late.py": "LATE = 1", "mine/apart.py": "",
        "mine/steps.py": STEP.format(place=".tools.filters", late=".late"),
        "mine/tools/filters.py": "import scipy\nfrom ..numbers import (\n  HALF,  # half\n)\n"
        "def halved(x): return x * HALF",
        "mine/numbers.py": "HALF = 0.5",
    }, "mine.steps")  # fmt: skip
    before = package.digest()
    assert package.edit("mine/apart.py", "APART = 2") == before
    edits = [package.edit("mine/numbers.py", "HALF = 0.50001"), package.edit("mine/late.py", "LATE = 2")]
    assert len({before, *edits}) == 3
    assert package.edit("mine/late.py", "LATE = 1") != before
    assert package.edit("mine/numbers.py", "HALF = 0.5") == before
    assert code_of([package._step]).libraries["scipy"]


def test_a_file_beside_a_component_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    text = STEP.format(place="beside_it", late="late_one")
    files = {"beside_it.py": "def halved(x): return x / 2", "late_one.py": "LATE = 1", "step_of_mine.py": text}
    package = Package(tmp_path, files, "step_of_mine")
    before = package.digest()
    assert package.edit("beside_it.py", "def halved(x): return x / 2.0") != before
    assert package.edit("beside_it.py", "def halved(x): return x / 2") == before
    assert package.edit("late_one.py", "LATE = 2") != before


def test_our_reading_and_the_libraries_count() -> None:
    found: dict[str, str] = {}
    libraries: dict[str, str] = {}
    code._follow(LoadImage.__module__, found, libraries)
    wanted = {"fuse_engine.data.image", "fuse_engine.data.integrity.nifti", "fuse_engine.core.geometry"}
    assert wanted <= set(found)
    assert not any(code.is_plumbing(name) for name in found)
    assert libraries["SimpleITK"] == sitk.__version__
    assert libraries["numpy"] == np.__version__
    assert libraries["pydicom"] == pydicom.__version__


def test_another_version_of_a_library_makes_another_fingerprint(
    tmp_path: Path, row: Callable[..., Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    sitk.WriteImage(sitk.Image(8, 8, sitk.sitkUInt8), str(tmp_path / "a.png"))
    before = Pipeline((LoadImage(),)).fingerprint(row(image="a.png"))
    assert Pipeline((LoadImage(),)).fingerprint(row(image="a.png")) == before
    monkeypatch.setattr(code, "_version", lambda package: "9")
    assert Pipeline((LoadImage(),)).fingerprint(row(image="a.png")) != before


def test_the_fingerprints_of_the_first_steps_stay(tmp_path: Path, row: Callable[..., Row]) -> None:
    sitk.WriteImage(sitk.Image(8, 8, sitk.sitkUInt8), str(tmp_path / "a.png"))
    first = Pipeline((LoadImage(),)).fingerprint(row(image="a.png"))
    both = Pipeline((LoadImage(), IntensityWindow(window=(0, 9))))
    assert chain(both.parts(), both.inputs(row(image="a.png")))[0] == first


def test_what_was_typed_into_a_shell_counts_as_it_stands_now(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = ModuleType("shell")
    monkeypatch.setitem(sys.modules, "shell", shell)
    text = "from fuse_engine.data import Processor\ndef helper(x): return x + 1\n"
    text += "class Typed(Processor):\n  def __call__(self, value, row): return helper(value)\n"
    typist = InteractiveInterpreter(shell.__dict__)
    typist.runsource(text, symbol="exec")
    first = code_of([shell.Typed]).digest
    assert code_of([shell.Typed]).digest == first
    typist.runsource("def helper(x): return x + 2", symbol="exec")
    assert code_of([shell.Typed]).digest != first
    assert code.is_typed(shell.Typed)
    assert not code.is_typed(LoadImage)


def test_a_file_edited_since_this_process_began_is_good_for_this_process_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "edited_since.py").write_text("def step(x): return x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import edited_since  # type: ignore[import-not-found]

    assert code._module("edited_since").digest == code._PROCESS
    code._module.cache_clear()
    os.utime(edited_since.__file__, (1, 1))
    assert code._module("edited_since").digest != code._PROCESS


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    (tmp_path / "1.dcm").write_bytes(b"one")
    before = identity(tmp_path)
    assert identity(tmp_path) == before
    (tmp_path / "1.dcm").write_bytes(b"two!")
    changed = identity(tmp_path)
    assert changed != before
    (tmp_path / "2.dcm").write_bytes(b"one")
    assert identity(tmp_path) not in (before, changed)
