"""All docks of a window share one project; it ends with the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QPushButton, QWidget

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_gui.models.project import Project
from fuse_gui.qt.leave import ask_before_close
from fuse_gui.viewer.launch import BOTTOM, RIGHT, open_docks
from fuse_gui.viewer.session import project_of, session_of
from tests.gui_engine import FakeEngine

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


def test_forms_and_tables_have_the_height_of_the_window(docks: dict[str, Any]) -> None:
    main = docks["Data"][0].window()
    assert main.corner(Qt.Corner.BottomRightCorner) == Qt.DockWidgetArea.RightDockWidgetArea


def active(docks: dict[str, Any]) -> list[str]:
    return [name for name in ("Processors", "Augmentation") if docks[name][1].model.active]


def test_only_the_panel_in_front_uses_the_screen(docks: dict[str, Any], qtbot: Any) -> None:
    main = docks["Data"][0].window()
    main.show()
    for name, expected in (("Augmentation", ["Augmentation"]), ("Processors", ["Processors"]), ("Data", [])):
        docks[name][0].raise_()
        qtbot.waitUntil(lambda expected=expected: active(docks) == expected)
    docks["Augmentation"][0].setFloating(True)
    qtbot.waitUntil(lambda: active(docks) == ["Augmentation"])
    docks["Augmentation"][0].setFloating(False)
    docks["Data"][0].raise_()
    qtbot.waitUntil(lambda: active(docks) == [])
    main.hide()


def test_a_closed_panel_comes_back_in_its_place(window: Any, docks: dict[str, Any], qtbot: Any) -> None:
    from napari._app_model import get_app_model

    dock, view = docks["Model"]
    dock.window().show()
    dock.titleBarWidget().findChild(QPushButton, "QTitleBarCloseButton").click()
    assert not dock.isVisible()
    get_app_model().commands.execute_command("fuse-gui.model").result()
    assert dock.isVisible()
    assert docks["Data"][0] in dock.window().tabifiedDockWidgets(dock)
    assert view.model.project is project_of(window)
    dock.window().hide()


def test_edits_are_not_lost_by_closing_the_window(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard]
    monkeypatch.setattr(QMessageBox, "question", staticmethod(lambda *_: answers.pop(0)))
    project, window = Project(FakeEngine(), catalog=Catalog()), QWidget()
    qtbot.addWidget(window)
    ask_before_close(window, project)
    project.new("mammography")
    project.edit(("seed",), 7)
    assert not window.close()
    assert window.close()
    project.undo()
    assert window.close()
    assert answers == []
    project.close()


def test_a_window_ends_its_engine_and_forgets_its_project(qapp: Any) -> None:
    import napari

    viewer = napari.Viewer(show=False, show_welcome_screen=False)
    session = session_of(viewer)
    assert session_of(viewer) is session
    viewer.close()
    qapp.processEvents()
    with pytest.raises(FuseError, match="closed"):
        session.engine.request("catalog")
