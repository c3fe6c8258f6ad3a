"""Small pictures of the samples in view, asked for in the background, the ones used last kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.project import Project

SIZES = {"no pictures": 0, "small": 48, "medium": 80, "large": 128}
"""Pixels of the side of a plane, by the word for it."""
CHUNK = 12
"""Samples of one request."""
SLICE = 0.2
"""Seconds of one request, so that a click never waits long."""
KEPT = 1_500
"""Thumbnails that are kept: 75 MB of large ones."""
TRIES = 12
"""Requests in a row that may fail: a file that kills its reader three times is given up, others may follow it."""

Planes = NDArray[np.uint8]
"""(plane, size, size): axial, coronal and sagittal of a volume, or the one of a 2-D image."""


class ThumbnailsModel:
    """Thumbnails by sample, or why there is none."""

    label, help = "Pictures", "Size of the pictures in the table: axial, coronal and sagittal middle plane"

    changed = Signal()
    """Pictures arrived, or are shown in another size."""

    def __init__(self, project: Project, size: str = "small") -> None:
        """Follow the open project; nothing is asked for until rows are looked at."""
        self.project = project
        self.size_name = size
        self._kept: OrderedDict[str, Planes | str] = OrderedDict()
        self._wanted: tuple[str, ...] = ()
        self._failures = self._careful = 0
        self._settings: object = None
        project.cohort_changed.connect(self.forget)
        project.experiment_changed.connect(self._experiment_changed)

    @property
    def size(self) -> int:
        """Pixels of the side of a plane; 0 where no pictures are shown."""
        return SIZES[self.size_name]

    @property
    def planes(self) -> int:
        """How many planes the widest of the known samples has: 1 or 3."""
        return max((len(found) for found in self._kept.values() if not isinstance(found, str)), default=1)

    def width(self, gap: int) -> int:
        """Return the pixels that the planes of a sample take side by side, `gap` pixels apart."""
        return self.planes * self.size + (self.planes - 1) * gap if self.size else 0

    def set_size(self, name: str) -> None:
        """Show larger or smaller pictures, or none."""
        if name in SIZES and name != self.size_name:
            self.size_name = name
            self.forget()

    def of(self, sample_id: str) -> Planes | None:
        """Return the planes of a sample, where they are known."""
        found = self._kept.get(sample_id)
        return None if isinstance(found, str) else found

    def error(self, sample_id: str) -> str:
        """Return why a sample has no picture; empty where it has one, or where that is not known yet."""
        found = self._kept.get(sample_id)
        return found if isinstance(found, str) else ""

    def look_at(self, ids: Sequence[str]) -> None:
        """Get the pictures of the rows in view, the first ones first."""
        for name in ids:
            if name in self._kept:
                self._kept.move_to_end(name)
        if tuple(ids) != self._wanted:
            self._wanted, self._failures = tuple(ids), 0
        self._ask()

    def forget(self) -> None:
        """Forget all pictures: the samples, their files or the size are others."""
        self.project.requests.cancel("thumbnails")
        self._kept.clear()
        self._settings, self._failures = self._relevant(), 0
        self.changed.emit()

    def _experiment_changed(self) -> None:
        if self._relevant() != self._settings:
            self.forget()

    def _relevant(self) -> object:
        data = self.project.experiment.data if self.project.experiment else None
        return data.model_dump(include={"source", "input"}) if data else None

    def _ask(self) -> None:
        # one by one after a failure: what a reader had done before it died is lost
        missing = [name for name in self._wanted if name not in self._kept][: 1 if self._careful else CHUNK]
        if (
            not (missing and self.size)
            or self._failures >= TRIES
            or self.project.requests.is_running("thumbnails")
        ):
            return
        self.project.ask(
            "thumbnails", "thumbnails", self._arrived, failed=self._failed, background=True,
            ids=missing, size=self.size, seconds=SLICE,
        )  # fmt: skip

    def _arrived(self, reply: Mapping[str, Any]) -> None:
        self._failures, self._careful = 0, max(self._careful - 1, 0)
        for found in reply["thumbnails"]:
            planes = found["planes"]
            self._kept[str(found["id"])] = str(found["error"]) if planes is None else np.asarray(planes, np.uint8)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.changed.emit()
        if reply["thumbnails"]:
            self._ask()

    def _failed(self, _: FuseError) -> None:
        self._failures, self._careful = self._failures + 1, CHUNK
        self._ask()
