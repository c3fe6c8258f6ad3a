"""All docks of a window share one project; it ends with the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fuse_engine.core.errors import FuseError
from fuse_gui.viewer.launch import BOTTOM, RIGHT, open_docks
from fuse_gui.viewer.session import project_of, session_of

pytestmark = pytest.mark.napari


@pytest.fixture(scope="module")
def docks(window: Any) -> Iterator[dict[str, Any]]:
    return open_docks(window)


def test_all_docks_share_the_project_of_the_window(window: Any, docks: dict[str, Any]) -> None:
    assert {id(view.model.project) for _, view in docks.values()} == {id(project_of(window))}


def test_every_dock_says_whose_it_is(docks: dict[str, Any]) -> None:
    assert [view.objectName() for _, view in docks.values()] == [
        f"fuse-{name.lower()}" for name in (*RIGHT, *BOTTOM)
    ]


def test_docks_are_tabs_and_the_menu_finds_the_open_one(window: Any, docks: dict[str, Any]) -> None:
    main = docks["Data"][0].window()
    assert set(main.tabifiedDockWidgets(docks["Data"][0])) == {docks[name][0] for name in RIGHT[1:]}
    again, inner = window.window.add_plugin_dock_widget("fuse-gui", "Data")
    assert (again, inner.view) == docks["Data"]


def test_a_window_ends_its_engine_and_forgets_its_project(qapp: Any) -> None:
    import napari

    viewer = napari.Viewer(show=False, show_welcome_screen=False)
    session = session_of(viewer)
    assert session_of(viewer) is session
    viewer.close()
    qapp.processEvents()
    with pytest.raises(FuseError, match="closed"):
        session.engine.request("catalog")
