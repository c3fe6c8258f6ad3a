"""An experiment as a picture for the builder, fast while it is edited."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import geometry_key
from fuse_engine.run.building import Built, Shown, build
from fuse_engine.run.fixes import with_fixes
from fuse_engine.run.graph import Edge, draw, key_holds, key_role
from fuse_engine.run.seen import Seen
from fuse_engine.service.opened import Recent, open_dataset, open_experiment
from fuse_engine.service.work import Work

_seen: Recent[Seen] = Recent(2)
"""The samples of the experiments looked at last, each with one small batch."""
_shown: Recent[Shown] = Recent(4)
"""What the models looked at last make of them, without weights."""


def graph(work: Work, experiment: str, folder: str) -> dict[str, Any]:
    """Return the boxes and arrows of an experiment, what each part costs, its keys, and what does not fit.

    Where a part is wrong, the others are told nevertheless, and `problems` say what is wrong, each with `fixes`.
    """
    start = time.perf_counter()
    try:
        opened = open_experiment(experiment, folder)
    except FuseError as error:
        problems = [{**problem.to_json(), "fixes": []} for problem in error.problems]
        return {
            **_answer(Built()),
            "nodes": [],
            "edges": [],
            "problems": problems,
            "keys": [],
            "ms": _since(start),
        }
    built = build(opened, _samples(opened), _shown.get)
    work.check()
    drawn = draw(opened, built.batch, built.traced, built.problems)
    return {
        **_answer(built),
        "nodes": [asdict(node) for node in drawn.nodes],
        "edges": [_edge(edge) for edge in drawn.edges],
        "problems": [with_fixes(problem, opened) for problem in built.problems],
        "keys": _keys(opened, built),
        "ms": _since(start),
    }


def _samples(experiment: Experiment) -> Seen:
    """Return what an edit of the model leaves alone, kept while it does."""
    try:
        dataset = open_dataset(experiment)
    except FuseError:
        return Seen.of(experiment)
    batch, patches = experiment.data.batch, experiment.data.patches
    return _seen.get((dataset, batch.size > 1, str(patches)), lambda: Seen.of(experiment))


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1e3, 1)


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "from": edge.source, "to": edge.target, "key": edge.key, "where": edge.where,
        "shape": list(edge.shape or ()), "text": edge.text, "problem": edge.problem,
    }  # fmt: skip


def _answer(built: Built) -> dict[str, Any]:
    whole, spacing = built.traced.whole, _spacing(built.batch)
    return {
        "parameters": whole.parameters, "trainable": built.trainable, "flops": whole.flops,
        "receptive_field": _sight(built, spacing), "patch": _patch(built.batch, spacing),
    }  # fmt: skip


def _first_image(batch: NestedDict | None) -> str:
    """Return the key of the first input that is an image, empty where there is none."""
    found = (key for key, value in (batch or {}).items() if key.startswith("data.input.") and _is_image(value))
    return next(found, "")


def _is_image(value: object) -> bool:
    return isinstance(value, Tensor) and value.ndim > 3


def _spacing(batch: NestedDict | None) -> tuple[float, ...] | None:
    """Return mm between pixels along ([z,] y, x) of the first image."""
    key = geometry_key(_first_image(batch)) if _first_image(batch) else ""
    grid = batch[key][0] if batch is not None and key and key in batch else None
    return tuple(reversed(grid.spacing)) if isinstance(grid, Geometry) else None


def _in_mm(voxels: tuple[float, ...], spacing: tuple[float, ...] | None) -> list[float]:
    if spacing is None or len(spacing) != len(voxels):
        return []
    return [round(count * step, 4) for count, step in zip(voxels, spacing, strict=True)]


def _sight(built: Built, spacing: tuple[float, ...] | None) -> dict[str, Any] | None:
    found = built.traced.sight
    if found is None:
        return None
    return {
        "voxels": list(found.voxels), "mm": _in_mm(found.voxels, spacing), "stride": list(found.stride),
        "stride_mm": _in_mm(found.stride, spacing), "whole": found.whole,
    }  # fmt: skip


def _patch(batch: NestedDict | None, spacing: tuple[float, ...] | None) -> dict[str, Any] | None:
    key = _first_image(batch)
    if batch is None or not key:
        return None
    size = tuple(batch[key].shape[2:])
    return {"voxels": list(size), "mm": _in_mm(size, spacing), "key": key}


def _keys(experiment: Experiment, built: Built) -> list[dict[str, Any]]:
    """Return what is known of every key, also of those that no sample could be processed for."""
    data = experiment.data
    names = [f"data.{side}.{name}" for side in ("input", "gt") for name in getattr(data, side)]
    batch = built.batch or NestedDict()
    names += [key for key in batch if key.startswith("model.")]
    answers = built.preview.module.answers if built.preview else {}
    found = []
    for key in names:
        value = batch.get(key)
        tensor = isinstance(value, Tensor)
        found.append({
            "key": key, "shape": list(value.shape[1:]) if isinstance(value, Tensor) else [],
            "dtype": str(value.dtype).removeprefix("torch.") if isinstance(value, Tensor) else "",
            "role": key_role(key, value), "known": tensor,
            "holds": key_holds(value) if key.startswith("data.gt.") else "",
            "activation": answers.get(key.rpartition(".")[2], "") if key.startswith("model.") else "",
        })  # fmt: skip
    return found
