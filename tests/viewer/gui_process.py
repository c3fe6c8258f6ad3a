"""A window in a process of its own that starts a run and then only waits to be killed."""

from __future__ import annotations

import sys
import warnings

warnings.simplefilter("ignore")

from qtpy.QtCore import QTimer  # noqa: E402

from fuse_gui.viewer.launch import open_window  # noqa: E402
from fuse_gui.viewer.session import project_of  # noqa: E402
from fuse_gui.viewer.waiting import wait_until  # noqa: E402

viewer, docks = open_window()
project = project_of(viewer)
project.open(sys.argv[1])
docks["Training"][1].model.start()
wait_until(lambda: project.run is not None, 60, "the run")
print(f"run: {project.run.path}", flush=True)
QTimer.singleShot(120_000, viewer.close)  # the end of a test that forgot to kill it
wait_until(lambda: False, 120, "the kill")
