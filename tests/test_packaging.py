"""What is installed is what is in the repository."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"engine": "fuse_engine", "plugins": "", "resources": "fuse_resources", ".": "fuse_gui"}


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_every_package_is_listed(setup: configparser.ConfigParser) -> None:
    found = set()
    for room, package in ROOMS.items():
        folder = ROOT / room
        for init in (folder / package if package else folder).rglob("__init__.py"):
            found.add(".".join(init.parent.relative_to(folder).parts))
    assert set(setup["options"]["packages"].split()) == found


def test_every_direct_need_is_pinned(setup: configparser.ConfigParser) -> None:
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().split()}
    needs = setup["options"]["install_requires"].split("\n")
    for extra in ("pyqt5", "notebook", "test"):
        needs += setup["options.extras_require"][extra].split("\n")
    names = {need.split(">")[0].split("=")[0].split("!")[0].strip().lower() for need in needs if need.strip()}
    assert names - pinned == set()


def test_torch_is_pinned_to_the_tested_version() -> None:
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text().split()


@pytest.mark.parametrize(
    "module", ["fuse_gui", "fuse_gui.viewer", "fuse_gui.models", "fuse_engine.core.experiment"]
)
def test_importing_loads_no_torch(module: str) -> None:
    code = f"import {module}, sys; assert 'torch' not in sys.modules and 'monai' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_floors_of_the_house() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def calls() -> Iterator[tuple[str, ast.Call]]:
    for room in ("engine", "fuse_gui", "plugins", "resources"):
        # the contract test of components pickles what it made itself
        for path in set((ROOT / room).rglob("*.py")) - {ROOT / "engine/fuse_engine/testing/contract/component.py"}:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_nothing_that_is_loaded_is_executed() -> None:
    seen = 0
    for place, call in calls():
        name = ast.unparse(call.func)
        words = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert name not in ("eval", "exec", "pickle.load", "pickle.loads", "yaml.load", "joblib.load"), place
        if name == "torch.load":
            assert words.get("weights_only") == "True", place
            seen += 1
        assert words.get("allow_pickle", "False") == "False", place
        assert words.get("shell", "False") == "False", place
    assert seen
