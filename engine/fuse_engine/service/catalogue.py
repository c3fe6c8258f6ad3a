"""The worker's answer to which components there are."""

from __future__ import annotations

from typing import Any

from fuse_engine.core import catalog as catalogs
from fuse_engine.service.work import Work


def catalog(work: Work) -> dict[str, Any]:
    """Describe every component; importing them takes seconds once."""
    return catalogs.catalog().model_dump(mode="json")
