"""Text that changes many times a second."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QRectF, QSize
from qtpy.QtGui import QColor, QPainter, QTextLayout, QTextOption
from qtpy.QtWidgets import QSizePolicy, QWidget

from fuse_gui.qt.controls import tooltip


class Still(QWidget):  # type: ignore[misc]
    """Text in a fixed number of lines: what does not fit is in the tooltip, and nothing is laid out anew.

    A label asks for another layout of the whole panel with each text, which takes longer than the text is valid.
    """

    def __init__(self, lines: int = 1, color: str = "", size: int = 0, wide: int = 0) -> None:
        """Take the number of lines, a colour and a size in pixels; those of the panel where absent.

        It is `wide` pixels wide, or as wide as there is room.
        """
        super().__init__()
        self._text, self._lines, self._color, self._wide = "", lines, color, wide
        if size:
            font = self.font()
            font.setPixelSize(size)
            self.setFont(font)
        across = QSizePolicy.Policy.Fixed if wide else QSizePolicy.Policy.Ignored
        self.setSizePolicy(across, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        """Return what is shown."""
        return self._text

    def say(self, text: str) -> None:
        """Show another text."""
        if text != self._text:
            self._text = text
            self.setToolTip(tooltip(text))
            self.update()

    def sizeHint(self) -> QSize:
        """Return the height of the lines, and the width where it is fixed."""
        return QSize(self._wide or 40, self._lines * self.fontMetrics().lineSpacing() + 2)

    def paintEvent(self, event: Any) -> None:
        """Draw the lines; the last one ends with dots where the text is longer."""
        painter = QPainter(self)
        painter.setPen(QColor(self._color) if self._color else self.palette().windowText().color())
        height, wide = self.fontMetrics().lineSpacing(), self.width()
        for number, line in enumerate(self._broken(wide)):
            last = number == self._lines - 1
            shown = self.fontMetrics().elidedText(line, 1, wide) if last else line
            painter.drawText(QRectF(0, number * height, wide, height), 0, shown)
        painter.end()

    def _broken(self, wide: int) -> list[str]:
        """Return the text in lines; the last one holds all the rest."""
        layout = QTextLayout(self._text, self.font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WordWrap)
        layout.setTextOption(option)
        found: list[str] = []
        layout.beginLayout()
        while len(found) < self._lines:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(wide)
            start = line.textStart()
            rest = len(found) == self._lines - 1
            found.append(self._text[start:] if rest else self._text[start : start + line.textLength()])
        layout.endLayout()
        return found
