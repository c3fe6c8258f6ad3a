"""The one open project of each napari window: shared by its docks, closed with it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from fuse_engine.service.client import Engine
from fuse_gui.models.project import Project
from fuse_gui.qt.hop import qt_deliver
from fuse_gui.viewer.layers import Layers


@dataclass(frozen=True, eq=False)
class Session:
    """What belongs to one window: its project with the engine, and the layers that show its screen."""

    project: Project
    engine: Engine
    layers: Layers

    def close(self) -> None:
        """End what the window started; training runs are processes of their own and go on."""
        self.project.close()
        self.engine.close()


_sessions: weakref.WeakKeyDictionary[Any, Session] = weakref.WeakKeyDictionary()


def session_of(viewer: Any) -> Session:
    """Return the session of a napari viewer; made at the first call, closed with the window."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    found = _sessions.get(viewer)
    if found is None:
        engine = Engine()
        project = Project(engine, deliver=qt_deliver())
        found = _sessions[viewer] = Session(project, engine, Layers(viewer, project.screen))
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
