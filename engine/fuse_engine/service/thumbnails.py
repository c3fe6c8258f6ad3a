"""Small pictures of many samples, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from fuse_engine.core.errors import FuseError
from fuse_engine.data import thumbnails as pictures
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.thumbnails import Thumbnails
from fuse_engine.service.opened import open_browsed, open_experiment
from fuse_engine.service.work import Work


def thumbnails(
    work: Work, experiment: str, folder: str, ids: Sequence[str], size: int = 64, seconds: float = 0.3
) -> dict[str, Any]:
    """Return thumbnails of samples: uint8 planes (1 or 3, size, size), or why there are none; and the `rest`.

    It ends after `seconds`, after the sample at hand, and earlier when a person waits for something else.

    Raises:
        FuseError: when the source or a step of the experiment does not work.
    """
    dataset = open_browsed(open_experiment(experiment, folder))
    end = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    with Thumbnails().opened() as kept:
        for name in ids:
            work.check()
            found.append(_one(dataset, kept, name, size))
            if time.monotonic() > end or work.hurried:
                break
    return {"thumbnails": found, "rest": list(ids[len(found) :])}


def _one(dataset: Dataset, kept: Thumbnails, name: str, size: int) -> dict[str, Any]:
    try:
        row = dataset.cohort.row(name)
        steps = pictures.pictured(dataset.pipelines, row)
        planes = kept.get(steps.fingerprint(row), size, lambda: pictures.thumbnail(steps, row, size))
    except FuseError as error:
        problem = error.problems[0]
        return {"id": name, "planes": None, "error": "; ".join(filter(None, (problem.message, problem.got)))}
    return {"id": name, "planes": planes, "error": ""}
