"""The catalogue of components: made by the worker once, then read from disk; the client never imports torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fuse_engine.core import registry
from fuse_engine.service import store
from fuse_engine.service.client import Engine

LOSS = '''
from fuse_engine import Key, Loss, register

@register
class Mine(Loss):
    """The mean of what is predicted."""

    pred: Key

    def __call__(self, pred):
        return pred.mean() * {factor}
'''


@pytest.fixture
def component(tmp_path, monkeypatch):
    path = tmp_path / "my_losses.py"
    path.write_text(LOSS.format(factor=1), encoding="utf-8")
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, str(path))
    return path


def names(catalog):
    return {entry.name for entry in catalog.entries if entry.kind == "loss"}


CLIENT = """
import json, sys, time
from fuse_engine.service.client import Engine
engine = Engine()
start = time.perf_counter()
catalog = engine.catalog()
seconds = time.perf_counter() - start
heavy = [name for name in ("torch", "monai", "SimpleITK", "pandas") if name in sys.modules]
print(json.dumps([len(catalog.entries), heavy, seconds, engine.pid]))
engine.close()
"""


def test_the_client_never_imports_torch_and_needs_no_worker_the_second_time():
    found = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", CLIENT], capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    (count, heavy, _, pid), (count_again, heavy_again, seconds, no_pid) = found
    assert count == count_again > 40
    assert heavy == heavy_again == []
    assert pid is not None
    assert no_pid is None
    assert seconds < 1.0


def test_a_component_file_appears_and_once_it_is_broken_that_is_said_and_not_kept(component, tmp_path):
    engine = Engine()
    assert "Mine" in names(engine.catalog())
    first, kept = engine.pid, list((tmp_path / "cache").glob("catalog-*.json"))
    component.write_text("import nothing_of_that_name\n", encoding="utf-8")
    catalog = engine.catalog()
    assert engine.pid != first
    engine.close()
    assert "Mine" not in names(catalog)
    assert [(str(component) in name, "nothing_of" in why) for name, why in catalog.broken.items()] == [
        (True, True)
    ]
    assert list((tmp_path / "cache").glob("catalog-*.json")) == kept


def test_the_key_follows_files_and_nothing_else(component):
    key = store.catalog_key()
    assert store.catalog_key() == key
    component.write_text(LOSS.format(factor=333), encoding="utf-8")
    assert store.catalog_key() != key


def test_a_damaged_catalogue_is_made_again(tmp_path):
    catalog = store.Catalog(entries=(), broken={})
    store.write_catalog("k", catalog)
    assert store.read_catalog("k") == catalog
    (tmp_path / "cache" / "catalog-k.json").write_text("{", encoding="utf-8")
    assert store.read_catalog("k") is None


def test_only_the_newest_catalogues_stay(tmp_path):
    for number in range(12):
        store.write_catalog(f"{number:02d}", store.Catalog())
        os.utime(tmp_path / "cache" / f"catalog-{number:02d}.json", (number, number))
    kept = sorted(path.stem for path in (tmp_path / "cache").glob("catalog-*.json"))
    assert len(kept) <= 9
    assert "catalog-11" in kept
    assert "catalog-00" not in kept
