"""The one open project of each napari window: shared by its docks, closed with it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from fuse_engine.service.client import Engine
from fuse_gui.models.project import Project
from fuse_gui.qt.hop import qt_deliver
from fuse_gui.viewer.layers import Layers


class Session:
    """What belongs to one window: its project with the engine, and the layers that show its screen."""

    def __init__(self, viewer: Any) -> None:
        """Make the project and draw its screen into the viewer."""
        self._open = True
        self._hop = qt_deliver()
        self.engine = Engine()
        self.project = Project(self.engine, deliver=self._deliver)
        self.layers = Layers(viewer, self.project.screen)

    def close(self) -> None:
        """End what the window started; training runs are processes of their own and go on."""
        self._open = False
        self.project.close()
        self.engine.close()

    def _deliver(self, action: Callable[[], None]) -> None:
        """Run an action on the window's thread; after the window there are no widgets for it any more."""
        self._hop(lambda: action() if self._open else None)


_sessions: weakref.WeakKeyDictionary[Any, Session] = weakref.WeakKeyDictionary()


def session_of(viewer: Any) -> Session:
    """Return the session of a napari viewer; made at the first call, closed with the window."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    found = _sessions.get(viewer)
    if found is None:
        found = _sessions[viewer] = Session(viewer)
        viewer.window._qt_window.destroyed.connect(lambda *_: close(found))
    return found


def project_of(viewer: Any) -> Project:
    """Return the project that all docks of a napari viewer share."""
    return session_of(viewer).project


def close(session: Session) -> None:
    """Close a session and forget it."""
    for viewer, known in list(_sessions.items()):
        if known is session:
            del _sessions[viewer]
    session.close()
