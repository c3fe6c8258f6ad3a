"""What an experiment calls the classes of its label maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fuse_engine.core.experiment import Experiment


def class_names(experiment: Experiment, key: str) -> dict[int, str]:
    """Return the names of a label map's classes: those of its structures, or of what measures them.

    Structures become class 1, 2, ...; the names of metrics and losses start with class 0.
    """
    steps = experiment.data.gt.get(key.removeprefix("data.gt."), [])
    for spec in steps:
        if structures := _texts(spec.args.get("structures")):
            return dict(enumerate(structures, 1))
    for spec in (*experiment.metrics.values(), *experiment.losses.values()):
        for args in _args(spec.args):
            if args.get("target") == key and (names := _texts(args.get("names"))):
                return dict(enumerate(names))
    return {}


def _texts(value: Any) -> list[str]:
    """Return a list of texts, empty for anything else."""
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else []


def _args(node: Any) -> Iterator[Mapping[str, Any]]:
    """Go over the arguments of a component and of those within it."""
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _args(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _args(value)
