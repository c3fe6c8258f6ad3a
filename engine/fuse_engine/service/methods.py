"""What the worker can do, by name; each method's module is imported when it is first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from fuse_engine.core.errors import FuseError, nearest

PLACES = {
    "catalog": "catalogue",
    "validate": "checking",
    "review": "checking",
    "create": "checking",
    "flow": "checking",
    "graph": "graph",
    "preflight": "preflight",
    "cohort": "cohorts",
    "parts": "cohorts",
    "sample": "samples",
    "steps": "samples",
    "augment": "augmentation.whole",
    "augment_plane": "augmentation.planes",
    "augment_sheet": "augmentation.planes",
    "augment_steps": "augmentation.planes",
    "augment_draws": "augmentation.draws",
    "augment_network": "augmentation.network",
    "batch": "batches",
    "predict": "results",
    "heatmap": "results",
    "image": "files",
    "health": "health",
    "spread": "health",
    "roundtrip": "health",
    "thumbnails": "thumbnails",
    "cache_status": "caches",
}
"""Method -> module of this package; the function has the method's name."""


def find(name: str) -> Callable[..., Any]:
    """Return the function of a method; its first argument is the `Work`.

    Raises:
        FuseError: naming the nearest method.
    """
    if name not in PLACES:
        raise FuseError(f"the engine cannot '{name}'", nearest=nearest(name, PLACES))
    module = importlib.import_module(f"fuse_engine.service.{PLACES[name]}")
    method: Callable[..., Any] = getattr(module, name)
    return method
