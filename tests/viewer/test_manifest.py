"""What napari.yaml promises is there; npe2 itself passes over most mistakes in silence."""

from __future__ import annotations

import configparser
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:System theme detection requires a Qt6 backend")

npe2 = pytest.importorskip("npe2")
manifest = npe2.PluginManifest.from_file(ROOT / "fuse_gui" / "napari.yaml")
commands = {command.id: command for command in manifest.contributions.commands}


def used() -> Iterator[str]:
    found = manifest.contributions
    for group in (found.widgets, found.readers, found.sample_data):
        yield from (item.command for item in group)
    for items in found.menus.values():
        yield from (item.command for item in items if hasattr(item, "command"))


@pytest.mark.parametrize("name", sorted(commands))
def test_every_command_imports(name: str) -> None:
    module, _, function = commands[name].python_name.partition(":")
    assert callable(getattr(import_module(module), function))


def test_what_is_used_is_declared_and_what_is_declared_is_used() -> None:
    assert set(used()) == set(commands)


def test_there_is_a_dock_for_every_panel() -> None:
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert names == ["Data", "Processors", "Augmentation", "Model", "Training", "Inference", "Analysis"]


def test_every_menu_is_one_that_plugins_may_fill() -> None:
    from napari._app_model.constants import MenuId

    own = {menu.id for menu in manifest.contributions.submenus}
    fillable = {str(menu) for menu in MenuId.contributables()} | own
    assert set(manifest.contributions.menus) <= fillable
    placed = {
        item.submenu
        for items in manifest.contributions.menus.values()
        for item in items
        if hasattr(item, "submenu")
    }
    assert placed == own


def test_no_command_has_an_icon_because_napari_would_fetch_it() -> None:
    assert [name for name, command in commands.items() if command.icon] == []


def test_one_name_everywhere_so_that_the_menu_finds_the_open_dock() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    entry = setup["options.entry_points"]["napari.manifest"].split("=")[0].strip()
    assert {setup["metadata"]["name"], entry, manifest.name, manifest.display_name} == {"fuse-gui"}


def test_reading_is_offered_for_every_medical_format() -> None:
    patterns = {pattern for reader in manifest.contributions.readers for pattern in reader.filename_patterns}
    assert {"*.nii", "*.nii.gz", "*.nrrd", "*.mha", "*.mhd", "*.dcm"} <= patterns


def test_the_manifest_is_beside_its_package() -> None:
    import fuse_gui

    assert Path(str(fuse_gui.__file__)).with_name("napari.yaml").is_file()
    assert "fuse_gui" in sys.modules
