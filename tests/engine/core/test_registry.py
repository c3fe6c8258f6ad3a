from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError

LOSS = '''
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.losses import Loss

@register
class {name}(Loss):
    """A loss of a test."""

    pred: Key
    """Prediction."""

    def __call__(self, pred):
        return pred.mean()
'''


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(FuseError, match="unknown loss 'CrossEntropie'.*did you mean 'CrossEntropy'"):
        registry.get("loss", "CrossEntropie")


def test_a_name_of_another_kind_says_so() -> None:
    with pytest.raises(FuseError, match="CrossEntropy is a loss"):
        registry.get("metric", "CrossEntropy")


def test_a_broken_plugin_is_reported_and_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = metadata.EntryPoint("broken", "fuse_no_such_package", "fuse_engine.plugins")
    monkeypatch.setattr(registry.metadata, "entry_points", lambda group: [entry])
    registry.load()
    try:
        assert "ModuleNotFoundError" in registry.broken["plugin broken"]
        assert "CrossEntropy" in registry.every("loss")
    finally:
        registry.broken.pop("plugin broken")


def test_a_users_file_is_loaded_in_this_and_in_child_processes(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(LOSS.format(name="FileLoss"))
    bad = tmp_path / "bad.py"
    bad.write_text("import no_such_module\n")
    code = (
        "from fuse_engine.core import registry\n"
        "assert 'FileLoss' in registry.every('loss')\n"
        "assert any('no_such_module' in text for text in registry.broken.values()), registry.broken\n"
    )
    path = os.pathsep.join([str(mine), str(bad)])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "FUSE_COMPONENTS": path})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("class Plain: kind = ''", "Plain has no kind"),
        ("class lower:\n    'Doc.'\n    kind = 'loss'", "begin with a capital letter"),
        ("class Silent: kind = 'loss'", "needs a docstring"),
        ("class CrossEntropy:\n    'Doc.'\n    kind = 'loss'", "already registered by fuse_engine.losses"),
    ],
)
def test_register_refuses(source: str, message: str) -> None:
    registry.load()
    scope: dict[str, type] = {}
    exec(source, {"__name__": "elsewhere"}, scope)  # noqa: S102 text of this test
    with pytest.raises(FuseError, match=message):
        registry.register(next(iter(scope.values())))
