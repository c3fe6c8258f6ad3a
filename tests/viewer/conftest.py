"""Real napari windows: they need a display and OpenGL, so they run under Xvfb or on a desktop."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

HAS_DISPLAY = sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


QT5_NOTICES = ("napari support for the PyQt5 backend", "System theme detection requires a Qt6 backend")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a window where there is no display; expect what napari says about Qt 5."""
    skip = pytest.mark.skip(reason="needs a display: run under xvfb-run -a -s '-screen 0 1600x1000x24'")
    for item in items:
        if item.get_closest_marker("napari") is None:
            continue
        for notice in QT5_NOTICES:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{notice}"))
        if not HAS_DISPLAY:
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep napari's settings away from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_CONFIG", str(tmp_path_factory.mktemp("settings") / "napari.yaml"))
        yield


@pytest.fixture(scope="module")
def window(qapp: Any) -> Iterator[Any]:
    """One napari viewer for the tests of a file: a new one costs a second."""
    import napari
    from qtpy.QtCore import QEvent

    viewer = napari.Viewer(show=False, show_welcome_screen=False)
    yield viewer
    viewer.close()
    # the session ends with the window, whose deletion only an event loop of its own level would carry out
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()


@pytest.fixture
def viewer(window: Any) -> Iterator[Any]:
    """The window, empty."""
    window.layers.clear()
    yield window
    window.layers.clear()
