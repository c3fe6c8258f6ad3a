"""An engine that answers at once, or when it is told to; for tests of view-models."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psygnal import Signal

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.service.job import Job, Reply


def picture(value: float = 1.0, label: bool = False) -> dict[str, Any]:
    array = np.full((1, 4, 6), value, np.uint8 if label else np.float32)
    return {"array": array, "geometry": Geometry.plain((4, 6), (0.5, 0.25)).to_json(), "label": label}


def cohort_reply(rows: int = 6) -> dict[str, Any]:
    columns = {
        "sample": [f"s{number}" for number in range(rows)],
        "age": [str(40 + 5 * number) for number in range(rows)],
        "finding": ["normal" if number % 3 else "positive" for number in range(rows)],
    }
    return {
        "table": arrow_bytes(columns),
        "id": "sample",
        "group": None,
        "fold": None,
        "excluded": {},
        "problems": [],
    }


def arrow_bytes(columns: dict[str, list[str]]) -> NDArray[np.uint8]:
    table = pa.table({name: pa.array(texts, pa.string()).dictionary_encode() for name, texts in columns.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return np.frombuffer(sink.getvalue(), np.uint8)


ANSWERS: dict[str, Any] = {
    "validate": [],
    "flow": [{"key": "data.input.image", "shape": [1, 4, 6], "dtype": "float32", "producer": "", "consumers": []}],
    "graph": {
        "nodes": [],
        "edges": [],
        "problems": [],
        "parameters": 0,
        "trainable": 0,
        "flops": None,
        "receptive_field": None,
        "patch": None,
        "keys": [],
    },
    "cohort": cohort_reply(),
    "cache_status": {"cached": 4, "missing": 2, "bytes": 1000, "changes": ["4 of 6 samples are kept"]},
    "roundtrip": {
        "data.gt.mask": {
            "displacement_mm": 0.1,
            "displacement_voxels": 0.2,
            "dice": {"1": 0.9},
            "covered": 0.75,
            "ok": True,
            "reason": "",
        }
    },
    "sample": {
        "fingerprint": "1",
        "keys": {"image": ["data.input.image"], "gt": ["data.gt.mask"]},
        "shown": {"image": "data.input.image", "gt": "data.gt.mask"},
        "image": picture(),
        "gt": picture(1, label=True),
        "values": {"data.gt.finding": "positive"},
    },
    "health": {"findings": [], "passports": [], "next": None, "total": 6},
    "thumbnails": {"thumbnails": [], "rest": []},
}


class FakeEngine:
    restarted = Signal(str)

    def __init__(self, **answers: Any) -> None:
        self.answers = {**ANSWERS, "parts": self._parts, **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.held: list[tuple[Job, Callable[[Reply], None]]] = []
        self.hold: set[str] = set()
        self._numbers = itertools.count(1)

    def request(
        self,
        method: str,
        *,
        channel: str = "",
        then: Callable[[Reply], None] | None = None,
        background: bool = False,
        **args: Any,
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

    def _parts(self, **_: Any) -> dict[str, Any]:
        count = pa.ipc.open_file(pa.py_buffer(self.answers["cohort"]["table"])).read_all().num_rows
        return {"parts": np.array([0, 0, 1, 2], np.int8)[np.arange(count) % 4], "problems": []}

    def release(self, index: int = 0) -> None:
        job, then = self.held.pop(index)
        then(self._reply(job))

    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def catalog(self) -> Catalog:
        return Catalog()

    def close(self) -> None:
        pass
