"""FuseGUI's engine: from a table of scans to a trained, understood model, without a window.

The names below are what a notebook, a script or a plugin types; each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuse_engine.augment.base import Augmentation
    from fuse_engine.core.batch import NestedDict
    from fuse_engine.core.errors import FuseError
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.core.functions import function, module
    from fuse_engine.core.keys import Key
    from fuse_engine.core.registry import register
    from fuse_engine.data.dataset import Dataset
    from fuse_engine.data.processor import Processor
    from fuse_engine.data.source import Source
    from fuse_engine.losses.base import Loss
    from fuse_engine.metrics.base import Metric
    from fuse_engine.models.base import Backbone, Head, Model, Network
    from fuse_engine.run.folder import RunFolder

_HOMES = {
    "Augmentation": "augment.base",
    "Backbone": "models.base",
    "Dataset": "data.dataset",
    "Experiment": "core.experiment",
    "FuseError": "core.errors",
    "Head": "models.base",
    "Key": "core.keys",
    "Loss": "losses.base",
    "Metric": "metrics.base",
    "Model": "models.base",
    "NestedDict": "core.batch",
    "Network": "models.base",
    "Processor": "data.processor",
    "RunFolder": "run.folder",
    "Source": "data.source",
    "function": "core.functions",
    "module": "core.functions",
    "register": "core.registry",
}

__all__ = [
    "Augmentation", "Backbone", "Dataset", "Experiment", "FuseError", "Head", "Key", "Loss", "Metric", "Model",
    "NestedDict", "Network", "Processor", "RunFolder", "Source", "function", "module", "register",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fuse_engine' has no attribute '{name}'")
    return getattr(importlib.import_module(f"fuse_engine.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
