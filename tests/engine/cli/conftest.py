from __future__ import annotations

import pytest

from fuse_engine.cli import main
from fuse_engine.service.client import Engine
from fuse_engine.testing import tiny_experiment


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all commands, so that the catalogue is made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_place(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("FUSE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def worker(cache):
    """One worker for all commands; to start one takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSE_CACHE", str(cache))
        made = Engine()
        patch.setattr(made, "close", lambda: None)
        yield made
    made.close()


@pytest.fixture
def shell(capsys, worker, monkeypatch):
    """Run a command; return its exit code, the lines it printed, and the lines of its errors."""

    def run(*words):
        # components of one's own need a worker of one's own
        own = "--components" in words
        monkeypatch.setattr("fuse_engine.service.client.Engine", Engine if own else lambda **_: worker)
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, errors = capsys.readouterr()
        return code, out.splitlines(), errors.splitlines()

    return run


@pytest.fixture
def tiny(tmp_path):
    tiny_experiment(tmp_path / "tiny")
    return tmp_path / "tiny" / "tiny.yaml"
