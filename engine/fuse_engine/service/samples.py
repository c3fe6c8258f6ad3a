"""One sample: what the model sees of it, and how it came about step by step."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Pipeline, Value
from fuse_engine.data.source import Row
from fuse_engine.service.augmentation.warming import warm
from fuse_engine.service.opened import open_browsed, open_experiment, read_sample, values
from fuse_engine.service.pictures import facts, picture, text_of
from fuse_engine.service.work import Work


def sample(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    known: str = "",
    chosen: Sequence[str] = (),
) -> dict[str, Any]:
    """Return an image and a label map of a sample, all its values as text, and its fingerprint.

    `keys` are those that could be shown as `image` and as `gt`, `shown` those that are: the `chosen` ones where
    they hold a picture, else the first. Where the fingerprint is the `known` one, nothing is read: `unchanged`
    says so.

    Raises:
        SampleError: naming sample and step.
    """
    opened = open_experiment(experiment, folder)
    dataset = open_browsed(opened)
    row = dataset.cohort.row(id)
    parts = [pipeline.fingerprint(row) for pipeline in dataset.pipelines.values()]
    fingerprint = hashlib.sha256(json.dumps([parts, list(chosen)]).encode()).hexdigest()
    if known == fingerprint:
        return {"fingerprint": fingerprint, "unchanged": True}
    found = read_sample(work, dataset, id)
    warm(opened, {key: value.array for key, value in found.items() if isinstance(value, Image)})
    keys = _pictured(found)
    shown = {name: next((key for key in every if key in chosen), every[0]) for name, every in keys.items()}
    return {
        "fingerprint": fingerprint,
        "keys": keys,
        "shown": shown,
        "image": picture(found[shown["image"]]) if "image" in shown else None,
        "gt": picture(found[shown["gt"]]) if "gt" in shown else None,
        "values": {key: text_of(found[key]) for key in found if key != "data.id"},
    }


def steps(work: Work, experiment: str, folder: str, id: str, key: str) -> list[dict[str, Any]]:  # noqa: A002
    """Return what every processor of `key` makes of a sample, in order.

    Raises:
        SampleError: naming sample and step.
        FuseError: for a key that nothing makes; names the nearest.
    """
    dataset = open_browsed(open_experiment(experiment, folder))
    if key not in dataset.pipelines:
        raise FuseError(f"nothing makes '{key}'", nearest=nearest(key, dataset.pipelines))
    pipeline, row = dataset.pipelines[key], dataset.cohort.row(id)
    result: list[dict[str, Any]] = []
    value: Value | None = None
    for index, step in enumerate(pipeline.steps):
        work.progress(index / len(pipeline.steps), step.name())
        start = time.perf_counter()
        value, cached = _after(pipeline, index, value, row)
        seconds = time.perf_counter() - start
        known = {"name": step.name(), "seconds": seconds, "cached": cached, "bytes": _bytes_of(value)}
        result.append({**known, **facts(value)})
    return result


def _after(pipeline: Pipeline, index: int, value: Value | None, row: Row) -> tuple[Value, bool]:
    """Return the value after a step, from memory where nothing up to it changed."""
    so_far = Pipeline(pipeline.steps[: index + 1], pipeline.where)

    def run_step() -> Value:
        try:
            return pipeline.steps[index](value, row)
        except Exception:  # a step may be anyone's code: run again it fails again, and names sample and step
            so_far.run(row)
            raise

    return values.get(so_far.fingerprint(row), run_step)


def _bytes_of(value: Value) -> int:
    array = value.array if isinstance(value, Image) else value
    return array.nbytes if isinstance(array, np.ndarray) else 0


def _pictured(found: NestedDict) -> dict[str, list[str]]:
    """Return the keys that hold pictures, as `image` and as `gt`; label maps lie over an image."""
    keys = [key for key in found if isinstance(found[key], Image)]
    truths = [key for key in keys if key.startswith("data.gt.")]
    inputs = [key for key in keys if key not in truths]
    images = [key for key in inputs if not found[key].label] or inputs
    sides = {"image": images, "gt": [*truths, *(key for key in inputs if key not in images)]}
    return {name: every for name, every in sides.items() if every}
