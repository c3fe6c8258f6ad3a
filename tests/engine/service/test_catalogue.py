"""The catalogue of components: made by the worker once, then read from disk; the client never imports torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fuse_engine.core import registry
from fuse_engine.service import store


@pytest.fixture
def component(tmp_path, monkeypatch):
    path = tmp_path / "losses.py"
    path.write_text("Mine", encoding="utf-8")
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, str(path))
    return path


def names(catalog):
    return [entry.name for entry in catalog.entries]


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


def test_a_changed_component_file_is_seen_by_an_engine_that_is_running(engine, component):
    assert names(engine.catalog()) == ["Mine"]
    first = engine.pid
    component.write_text("Ours!", encoding="utf-8")
    assert names(engine.catalog()) == ["Ours!"]
    assert engine.pid != first
    second = engine.pid
    assert names(engine.catalog()) == ["Ours!"]
    assert engine.pid == second


def test_another_engine_reads_it_from_disk(start, component):
    assert start().catalog() == start().catalog()
    one, other = start(), start()
    assert (names(one.catalog()), one.pid) == (names(other.catalog()), None)


def test_a_broken_component_file_is_named_and_asked_for_again(engine, component, tmp_path, monkeypatch):
    component.rename(tmp_path / "broken.py")
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, str(tmp_path / "broken.py"))
    assert engine.catalog().broken == {str(tmp_path / "broken.py"): "why"}
    assert not list((tmp_path / "cache").glob("catalog-*.json"))


def test_the_key_follows_files_and_nothing_else(component):
    key = store.catalog_key()
    assert store.catalog_key() == key
    component.write_text("Another", encoding="utf-8")
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
