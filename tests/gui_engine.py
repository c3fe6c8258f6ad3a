"""An engine that answers at once, or when it is told to; for tests of view-models."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from psygnal import Signal

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.service.job import Job, Reply


def picture(value: float = 1.0, label: bool = False) -> dict[str, Any]:
    array = np.full((1, 4, 6), value, np.uint8 if label else np.float32)
    return {"array": array, "geometry": Geometry.plain((4, 6), (0.5, 0.25)).to_json(), "label": label}


def cohort_reply(rows: int = 6) -> dict[str, Any]:
    parts = ["train", "train", "validation", "test"]
    ids = [f"s{number}" for number in range(rows)]
    return {
        "columns": ["sample", "age", "finding"],
        "rows": [[name, str(40 + 5 * n), "normal" if n % 3 else "positive"] for n, name in enumerate(ids)],
        "id": "sample",
        "folds": {name: parts[number % 4] for number, name in enumerate(ids)},
        "problems": [],
    }


ANSWERS: dict[str, Any] = {
    "validate": [],
    "flow": [{"key": "data.input.image", "shape": [1, 4, 6], "dtype": "float32", "producer": "", "consumers": []}],
    "cohort": cohort_reply(),
    "sample": {"image": picture(), "gt": picture(1, label=True), "values": {"data.gt.finding": "positive"}},
}


class FakeEngine:
    restarted = Signal(str)

    def __init__(self, **answers: Any) -> None:
        self.answers = {**ANSWERS, **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.held: list[tuple[Job, Callable[[Reply], None]]] = []
        self.hold: set[str] = set()
        self._numbers = itertools.count(1)

    def request(
        self, method: str, *, channel: str = "", then: Callable[[Reply], None] | None = None, **args: Any
    ) -> Job:
        self.asked.append((method, args))
        job = Job(next(self._numbers), method, channel, args, then, lambda job, why: None)
        if then is not None:
            self.held.append((job, then)) if method in self.hold else then(self._reply(job))
        return job

    def _reply(self, job: Job) -> Reply:
        answer = self.answers[job.method]
        value = answer(**job.arguments) if callable(answer) else answer
        return Reply(job, error=value) if isinstance(value, FuseError) else Reply(job, value)

    def release(self, index: int = 0) -> None:
        job, then = self.held.pop(index)
        then(self._reply(job))

    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def catalog(self) -> Catalog:
        return Catalog()

    def close(self) -> None:
        pass
