"""The hand on the Data panel that ipywidgets draw."""

from __future__ import annotations

import html
import re

import pytest

from fuse_gui.models.data import DataModel


class NotebookHand:
    def __init__(self, model: DataModel) -> None:
        from fuse_gui.notebook.data import DataView

        self.view = DataView(model)

    def work(self) -> None:
        pass

    def ids(self) -> list[str]:
        table = self.view.table
        found = [line.choose.description for line in table.rows.children]
        if not table.next.disabled:
            table.next.click()
            found += [line.choose.description for line in table.rows.children]
            table.previous.click()
        return found

    def pictures(self) -> bool:
        return bytes(self.view.table.rows.children[2].picture.value).startswith(b"\x89PNG")

    def key(self, letter: str) -> None:
        self.view.single_keys.value = letter

    def choose(self, positions: list[int]) -> None:
        for position in positions:
            self.view.table.rows.children[position].tick.value = True

    def menu(self, place: str) -> list[str]:
        menu = self.view.pictured.menus[place]
        return list(menu.options) if menu.layout.display != "none" else []

    def pick(self, place: str, key: str) -> None:
        self.view.pictured.menus[place].value = key

    def click(self, position: int) -> None:
        self.view.table.rows.children[position].choose.click()

    def press(self, button: str) -> None:
        getattr(self.view, button).click()

    def type(self, text: str) -> None:
        self.view.filter.value = text

    def words(self) -> str:
        view = self.view
        cells = re.findall(r"<td[^>]*>(.*?)</td><td>(.*?)</td>", view.details.value)
        lines = [f"{html.unescape(name)}: {html.unescape(value)}" for name, value in cells]
        texts = (view.sample, view.error, view.shown, view.health.remarks, view.health.progress)
        return "\n".join([*(text.text for text in texts), *lines])

    def check(self, name: str) -> str:
        return str(self.view.health.chips[name].description)

    def click_check(self, name: str) -> None:
        self.view.health.chips[name].click()

    def sort(self, column: str) -> None:
        for _ in range(2):
            heads = self.view.table.header.children
            next(head for head in heads if getattr(head, "tooltip", "") == column).click()

    def groups(self) -> list[str]:
        self.view.columns.selected_index = 0
        return [" ".join(line.split()[:2]) for line, _ in self.view.statistics.groups.options]

    def click_group(self, index: int) -> None:
        groups = self.view.statistics.groups
        groups.value = groups.options[index][1]

    def exclude(self, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.view.reason.value = reason
        self.view.exclude.click()
