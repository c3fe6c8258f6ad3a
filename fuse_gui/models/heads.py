"""What the outputs of a model mean, read from the experiment: the truth and the classes of each head."""

from __future__ import annotations

from fuse_engine.core.experiment import Experiment

_OUTPUTS = ("model.logits.", "model.output.")


def heads(experiment: Experiment) -> dict[str, str]:
    """Return the heads that losses and metrics read, each with the `data.gt.<name>` it is compared with."""
    found: dict[str, str] = {}
    for spec in (*experiment.losses.values(), *experiment.metrics.values()):
        keys = [value for value in spec.args.values() if isinstance(value, str)]
        truth = next((key for key in keys if key.startswith("data.gt.")), "")
        for key in keys:
            for start in _OUTPUTS:
                if key.startswith(start):
                    name = key.removeprefix(start)
                    found[name] = found.get(name) or truth
    return found


def classes(experiment: Experiment, head: str) -> tuple[str, ...]:
    """Return the names of a head's classes; empty where its truth is no table label."""
    return class_names(experiment, heads(experiment).get(head, "").removeprefix("data.gt."))


def class_names(experiment: Experiment, name: str) -> tuple[str, ...]:
    """Return the classes of `data.gt.<name>`; empty where it is no table label."""
    for spec in experiment.data.gt.get(name, []):
        names = spec.args.get("classes")
        if isinstance(names, list | dict):
            return tuple(str(each) for each in names)
    return ()


def of_images(experiment: Experiment) -> tuple[str, ...]:
    """Return the heads whose truth is a label map."""
    return tuple(head for head, truth in heads(experiment).items() if truth and not classes(experiment, head))
