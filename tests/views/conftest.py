"""The same hands on both toolkits: what a person sees and does, without the pixels."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as W
import pytest

from fuse_gui.models.field import Item
from fuse_gui.models.project import Project

if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


class QtHand:
    """Finds Qt widgets by the name of their field."""

    def __init__(self, item: Item, show: Callable[[Any], None]) -> None:
        from fuse_gui.qt.form import render

        self.root = render(item)
        show(self.root)
        self.root.show()

    def _all(self, kind: str) -> list[Any]:
        from qtpy import QtWidgets

        QtWidgets.QApplication.processEvents()
        found = [w for w in self.root.findChildren(getattr(QtWidgets, kind)) if w.isVisibleTo(self.root)]
        return sorted(found, key=lambda w: w.mapTo(self.root, w.rect().topLeft()).y())

    def _control(self, name: str, index: int = 0) -> Any:
        return [widget for widget in self._all("QWidget") if widget.objectName() == name][index]

    def shown(self, name: str, index: int = 0) -> Any:
        control = self._control(name, index)
        if hasattr(control, "isChecked"):
            return control.isChecked()
        return control.currentText() if hasattr(control, "currentText") else control.text()

    def enter(self, name: str, value: Any, index: int = 0) -> None:
        control = self._control(name, index)
        if isinstance(value, bool):
            control.setChecked(value)
        elif hasattr(control, "currentText"):
            if control.isEditable():
                control.setEditText(value)
                control.lineEdit().editingFinished.emit()
            else:
                control.setCurrentText(value)
                control.activated.emit(control.currentIndex())
        else:
            control.setText(value)
            control.editingFinished.emit()

    def drag(self, name: str, tick: int) -> None:
        self._control(f"{name}-slider").setValue(tick)

    def slider(self, name: str) -> tuple[int, int]:
        slider = self._control(f"{name}-slider")
        return slider.value(), slider.maximum()

    def texts(self) -> list[str]:
        return [label.text() for label in self._all("QLabel")]

    def press(self, text: str, index: int = 0) -> None:
        buttons = [button for button in self._all("QAbstractButton") if button.text() == text]
        buttons[index].click()

    def rename(self, index: int, name: str) -> None:
        self.enter("name", name, index)

    def names(self) -> list[str]:
        return [edit.text() for edit in self._all("QLineEdit") if edit.objectName() == "name"]

    def help_of(self, name: str) -> str:
        from qtpy.QtGui import QTextDocumentFragment

        return str(QTextDocumentFragment.fromHtml(self._control(name).toolTip()).toPlainText())


class NotebookHand:
    """Finds ipywidgets by the class of their field."""

    def __init__(self, item: Item) -> None:
        from fuse_gui.notebook.form import render

        self.root = render(item)

    def _walk(self, widget: Any) -> Iterator[Any]:
        if widget.layout.display != "none":
            yield widget
            for child in getattr(widget, "children", ()):
                yield from self._walk(child)

    def _control(self, name: str, index: int = 0) -> Any:
        wanted = "fuse-name" if name == "name" else f"fuse-field-{name}"
        return [widget for widget in self._walk(self.root) if wanted in widget._dom_classes][index]

    def shown(self, name: str, index: int = 0) -> Any:
        return self._control(name, index).value

    def enter(self, name: str, value: Any, index: int = 0) -> None:
        self._control(name, index).value = value

    def drag(self, name: str, tick: int) -> None:
        self._control(f"{name}-slider").value = tick

    def slider(self, name: str) -> tuple[int, int]:
        slider = self._control(f"{name}-slider")
        return slider.value, slider.max

    def texts(self) -> list[str]:
        import html
        import re

        markup = [widget.value for widget in self._walk(self.root) if isinstance(widget, W.HTML)]
        return [html.unescape(re.sub("<[^>]*>", "", text)) for text in markup]

    def press(self, text: str, index: int = 0) -> None:
        buttons = [w for w in self._walk(self.root) if isinstance(w, W.Button) and w.description == text]
        buttons[index].click()

    def rename(self, index: int, name: str) -> None:
        self.enter("name", name, index)

    def names(self) -> list[str]:
        return [widget.value for widget in self._walk(self.root) if "fuse-name" in widget._dom_classes]

    def help_of(self, name: str) -> str:
        return str(self._control(name).tooltip)


@pytest.fixture(params=["qt", "notebook"])
def draw(request: pytest.FixtureRequest) -> Iterator[Callable[[Item], Any]]:
    """Draw a form with one of the two toolkits and return the hand on it."""
    if request.param == "notebook":
        yield NotebookHand
        W.Widget.close_all()
        return
    qtbot = request.getfixturevalue("qtbot")
    yield lambda item: QtHand(item, qtbot.addWidget)


@pytest.fixture
def project(panel: Any) -> Project:
    """The project of the panel that a story is about."""
    opened: Project = panel.view.model.project
    return opened
