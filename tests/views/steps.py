"""A panel of steps on both toolkits: opened, settled and closed alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import pytest

from fuse_gui.models.project import Project
from fuse_gui.models.requests import call_now
from fuse_gui.models.steps import StepsModel
from fuse_gui.qt.hop import qt_deliver
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy, wait_for


class Steps:
    """The hand on a panel; answers come on another thread in a notebook, so it waits for what they draw."""

    draws: ClassVar[Callable[[Any], Any]]
    """What makes the view of a model."""
    view: Any

    def wait(self, condition: Callable[[], bool]) -> None:
        raise NotImplementedError

    def words(self) -> str:
        raise NotImplementedError

    def settle(self) -> None:
        self.wait(lambda: not self.view.model.refresh.stale)

    def until(self, words: str) -> None:
        self.wait(lambda: words in self.words())


class QtSteps(Steps):
    """The hand on a panel that Qt draws."""

    def __init__(self, model: StepsModel, bot: Any) -> None:
        self.view, self.bot = type(self).draws(model), bot
        bot.addWidget(self.view)
        self.view.show()

    def wait(self, condition: Callable[[], bool]) -> None:
        self.bot.waitUntil(condition)

    def words(self) -> str:
        from fuse_gui.qt.controls import Text

        return "\n".join(text.text() for text in self.view.findChildren(Text) if not text.isHidden())


class NotebookSteps(Steps):
    """The hand on a panel that ipywidgets draw."""

    def __init__(self, model: StepsModel) -> None:
        self.view = type(self).draws(model)

    def wait(self, condition: Callable[[], bool]) -> None:
        wait_for(condition)

    def words(self) -> str:
        from fuse_gui.notebook.controls import Text

        def texts(widget: Any) -> Iterator[str]:
            if isinstance(widget, Text):
                yield widget.text
            for child in getattr(widget, "children", ()):
                yield from texts(child)

        return "\n".join(texts(self.view))


@contextmanager
def opened(
    request: pytest.FixtureRequest, engine: FakeEngine, folder: Path,
    make: Callable[..., StepsModel], qt: type[QtSteps], notebook: type[NotebookSteps],
) -> Iterator[Any]:  # fmt: skip
    """Open the toy project and give the settled panel of its first sample."""
    bot = request.getfixturevalue("qtbot") if request.param == "qt" else None
    project: Project = open_toy(engine, folder, qt_deliver() if bot else call_now)
    project.select("s1")
    model = make(project, pause=0.001)
    panel: Steps = qt(model, bot) if bot else notebook(model)
    panel.settle()
    yield panel
    project.close()
    W.Widget.close_all()
