"""What the cache has of an experiment."""

from __future__ import annotations

from typing import Any

from fuse_engine.data.cache.changes import status
from fuse_engine.service.opened import open_dataset, open_experiment
from fuse_engine.service.work import Work


class _MadeWay(Exception):
    """Something else is waited for."""


def cache_status(work: Work, experiment: str, folder: str) -> dict[str, Any] | None:
    """Return samples that are kept and that are not, the bytes they take, and one line a key: what changed.

    None where a person came to wait for another request: every sample is looked up, and that takes its time.

    Raises:
        FuseError: when the source, a step or the split does not work.
    """
    dataset = open_dataset(open_experiment(experiment, folder))

    def go_on(share: float) -> None:
        work.progress(share, "looking through the cache")
        if work.hurried:
            raise _MadeWay

    try:
        found = status(dataset, go_on)
    except _MadeWay:
        return None
    return {
        "cached": found.cached, "missing": found.missing, "bytes": found.bytes, "changes": list(found.changes),
    }  # fmt: skip
