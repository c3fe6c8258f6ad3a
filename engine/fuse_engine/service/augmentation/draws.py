"""What augmentation draws, without touching a pixel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from fuse_engine.augment import Augmenter
from fuse_engine.core.distribution import AXES
from fuse_engine.service.augmentation.subject import augmentations, open_subject
from fuse_engine.service.opened import open_experiment
from fuse_engine.service.work import Work

_NOT_DRAWN = ("seed", "spacing")
"""Parameters that say nothing of a distribution."""
_ROUND = 50
"""Draws after which a request may be given up."""


def augment_draws(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    count: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Return every parameter's values over the first `count` epochs, and how often each step is applied.

    `axis` names the axis of a parameter that has several, or the word of a choice, whose values are 1 and 0.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
    """
    opened = open_experiment(experiment, folder)
    subject, augmenter = open_subject(work, opened, id), Augmenter(augmentations(opened), seed)
    values: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    words: dict[tuple[str, str, str], list[list[str]]] = defaultdict(list)
    applied: Counter[str] = Counter()
    dims = subject.images[subject.first].geometry.dims
    for epoch in range(count):
        if epoch % _ROUND == 0:
            work.progress(epoch / count)
        for item in augmenter.draw(subject.leaves, epoch):
            applied[item.step] += item.params is not None
            for name, axis, value in _numbers(item.params or {}, dims):
                values[item.step, item.name, name, axis].append(value)
            for name, chosen in _words(item.params or {}):
                words[item.step, item.name, name].append(chosen)
    for place, drawn in words.items():
        for word in sorted({word for chosen in drawn for word in chosen}):
            values[*place, word] = [float(word in chosen) for chosen in drawn]
    return {
        "parameters": [
            {"step": step, "name": name, "parameter": parameter, "axis": axis, "values": np.array(drawn)}
            for (step, name, parameter, axis), drawn in values.items()
        ],
        "applied": {step: number / max(count, 1) for step, number in applied.items()},
    }


def _numbers(params: Any, dims: int, name: str = "", axis: str = "") -> Iterator[tuple[str, str, float]]:
    """Go over the numbers in parameters: name, axis, value."""
    if isinstance(params, bool | int | float):
        yield name, axis, float(params)
    elif isinstance(params, dict):
        for key, value in params.items():
            if key not in _NOT_DRAWN:
                yield from _numbers(value, dims, f"{name}.{key}" if name else key, axis)
    elif isinstance(params, list):
        axes = AXES[-dims:] if len(params) == dims else ("",) * len(params)
        for each, value in zip(axes, params, strict=True):
            yield from _numbers(value, dims, name, axis or each)


def _words(params: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Go over the choices in parameters: name, words."""
    if isinstance(params, str):
        yield name, [params]
    elif isinstance(params, list) and all(isinstance(word, str) for word in params):
        yield name, params
    elif isinstance(params, dict):
        for key, value in params.items():
            yield from _words(value, f"{name}.{key}" if name else key)
