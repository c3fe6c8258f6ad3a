"""The controls of one field, drawn with Qt."""

from __future__ import annotations

import html

from qtpy.QtCore import Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fuse_gui.models.field import Field, Item
from fuse_gui.models.field_list import BROWSE
from fuse_gui.qt.reveal import reveal

HELP = "color: #8b929c; font-size: 11px;"
TITLE = "font-weight: bold;"
WRONG = "color: #e5484d; font-size: 12px;"


class Text(QLabel):  # type: ignore[misc]
    """A line of plain text that wraps, and takes no room while it is empty."""

    def __init__(self, text: str = "", style: str = HELP) -> None:
        """Take the text and its style sheet."""
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setStyleSheet(style)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.say(text)

    def say(self, text: str) -> None:
        """Show another text."""
        self.setText(text)
        if not text:
            self.hide()
        elif self.isHidden() and self.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide):
            self.show()  # not otherwise: without a parent yet, it would open a window of its own for a moment


class Message(Text):
    """What is wrong with an item, while something is."""

    def __init__(self, item: Item) -> None:
        """Follow the item."""
        super().__init__(item.message, WRONG)
        self._item = item
        item.message_changed.connect(self._follow)

    def _follow(self) -> None:
        self.say(self._item.message)


class Combo(QComboBox):  # type: ignore[misc]
    """A menu that the mouse wheel changes only while it has the focus, and that long names do not widen."""

    def __init__(self, editable: bool = False) -> None:
        """Start empty."""
        super().__init__()
        self.setEditable(editable)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(7)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def offer(self, choices: tuple[str, ...], chosen: str) -> None:
        """Show these choices, with one chosen."""
        self.blockSignals(True)
        if tuple(self.itemText(index) for index in range(self.count())) != choices:
            self.clear()
            self.addItems(list(choices))
        self.setCurrentIndex(self.findText(chosen))
        typed = self.lineEdit()
        if typed is not None:
            typed.setText(chosen)
            typed.setCursorPosition(0)
        self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Leave the wheel to the panel unless the menu has the focus."""
        if event is not None and self.hasFocus():
            super().wheelEvent(event)
        elif event is not None:
            event.ignore()


class Row(QWidget):  # type: ignore[misc]
    """One field: its control, what is wrong with it, and its help."""

    def __init__(self, field: Field, control: QWidget) -> None:
        """Take the field and the control that `_show` keeps up to date."""
        super().__init__()
        self.field, self.control = field, control
        control.setObjectName(field.spec.name)
        control.setToolTip(tooltip(field.help))
        self.line = QHBoxLayout()
        self.line.addWidget(control, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addLayout(self.line)
        column.addWidget(Message(field))
        self.foot = QHBoxLayout()
        self.foot.addWidget(Text(field.help), 1)
        column.addLayout(self.foot)
        field.changed.connect(self._show)
        field.wanted.connect(self._reveal)
        self._show()

    def _show(self) -> None:
        raise NotImplementedError

    def _reveal(self) -> None:
        reveal(self.control)


class CheckRow(Row):
    """A switch; a menu where empty is an answer as well."""

    def __init__(self, field: Field) -> None:
        """Draw a field of the kind bool."""
        self._box = QCheckBox()
        super().__init__(field, self._box)
        self._box.toggled.connect(field.set)

    def _show(self) -> None:
        self._box.blockSignals(True)
        self._box.setChecked(bool(self.field.value))
        self._box.blockSignals(False)


class MenuRow(Row):
    """A menu; what is not in it can be typed where the field allows that."""

    def __init__(self, field: Field) -> None:
        """Draw a field with choices."""
        self._menu, self._beside = Combo(editable=field.spec.kind == "key"), Text()
        self._beside.setWordWrap(False)
        super().__init__(field, self._menu)
        self.line.addWidget(self._beside)
        self._menu.activated.connect(self._take)
        typed = self._menu.lineEdit()
        if typed is not None:
            typed.editingFinished.connect(self._take)

    def _take(self) -> None:
        self.field.set(self._menu.currentText())

    def _show(self) -> None:
        self._menu.offer(self.field.choices, self.field.text())
        self._beside.say(self.field.beside)


class EditRow(Row):
    """A line of text that the field reads."""

    def __init__(self, field: Field) -> None:
        """Draw a field that is typed."""
        self._edit = QLineEdit()
        self._edit.setMinimumWidth(60)
        super().__init__(field, self._edit)
        self._edit.editingFinished.connect(self._take)

    def _take(self) -> None:
        self.field.set(self._edit.text())
        if not self.field.error:
            self._show()

    def _show(self) -> None:
        self._edit.setText(self.field.text())


class PathRow(EditRow):
    """A line of text with a button that opens the file dialog."""

    def __init__(self, field: Field) -> None:
        """Draw a field of the kind path."""
        super().__init__(field)
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip(BROWSE)
        browse.clicked.connect(self._browse)
        self.line.addWidget(browse)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.field.label, self.field.text())
        if path:
            self.field.set(path)


def tooltip(text: str) -> str:
    """Return plain text as a tooltip that wraps; what looks like markup stays text."""
    return f"<qt>{html.escape(text).replace(chr(10), '<br>')}</qt>" if text else ""
