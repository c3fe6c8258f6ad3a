"""What the cache has of an experiment."""

from __future__ import annotations

from typing import Any

from fuse_engine.data.cache.changes import status
from fuse_engine.service.opened import open_dataset, open_experiment
from fuse_engine.service.work import Work


def cache_status(work: Work, experiment: str, folder: str) -> dict[str, Any]:
    """Return samples that are kept and that are not, the bytes they take, and one line a key: what changed.

    Raises:
        FuseError: when the source, a step or the split does not work.
    """
    dataset = open_dataset(open_experiment(experiment, folder))
    found = status(dataset, lambda share: work.progress(share, "looking through the cache"))
    return {
        "cached": found.cached, "missing": found.missing, "bytes": found.bytes, "changes": list(found.changes),
    }  # fmt: skip
