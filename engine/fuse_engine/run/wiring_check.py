"""Whether what is wired together fits: keys, shapes, classes, activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError, Problem, nearest
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.keys import keys_of
from fuse_engine.data.dataset import Dataset
from fuse_engine.losses.base import Loss, leaves
from fuse_engine.run.answers import Answer, answers, other_key
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.fixes import Fix, Mistake, place_of, replaced, value_at
from fuse_engine.run.places import at_place
from fuse_engine.run.preview import Preview, first_line, thinned
from fuse_engine.run.readers import Reader, components, read_by, readers

_ANSWER = ("model.logits.", "model.output.")
_classes: WeakKeyDictionary[Dataset, dict[str, dict[int, str]]] = WeakKeyDictionary()
"""Classes and a sample of each, by key: a million cells need not be read for every edit of the model."""
_MEANT = {"image": "an image", "vector": "a vector", "truth": "a truth"}


def key_problems(assembly: Assembly) -> Iterator[Problem]:
    """Say which keys are read and made by nobody before."""
    made = list(assembly.dataset.pipelines)
    outputs = list(assembly.model.outputs())
    for reader in readers(assembly):
        known = [*made, *outputs] if reader.place[0] in ("losses", "metrics") else made
        if reader.key not in known:
            like = nearest(reader.key, _meant(known, reader.role)) or nearest(reader.key, known)
            fix = replaced(assembly.experiment, reader.place, reader.key, like) if like else None
            yield Mistake(
                f"nothing produces '{reader.key}'", reader.where, expected=_who_could(reader.key, known),
                nearest=like, fixes=(fix,) if fix else (),
            )  # fmt: skip


def _meant(known: list[str], role: str) -> list[str]:
    """Return the keys that a field is meant for."""
    start = {"logits": _ANSWER[0], "output": _ANSWER[1], "truth": "data.gt."}.get(role, "")
    return [key for key in known if key.startswith(start)]


def _who_could(key: str, known: list[str]) -> str:
    side, name = key.split(".")[0], key.split(".")[-1]
    if key.startswith(_ANSWER):
        return f"a head called '{name}' in the model, or one of {', '.join(known)}"
    if side == "data":
        return f"steps under '{key}', or one of {', '.join(known)}"
    return f"one of {', '.join(known)}"


def role_problems(assembly: Assembly, seen: Preview) -> Iterator[Problem]:
    """Say where a loss or metric reads probabilities in the place of logits, or the other way round."""
    known = answers(assembly, seen.module)
    for top, item in components(assembly):
        if top[0] not in ("losses", "metrics"):
            continue
        for reader in read_by(top, item):
            yield from _wrong_role(assembly.experiment, reader, item.name(), known)


def _wrong_role(experiment: Experiment, reader: Reader, name: str, known: dict[str, Answer]) -> Iterator[Problem]:
    key, wanted = reader.key, {"logits": _ANSWER[0], "output": _ANSWER[1]}.get(reader.role)
    if wanted is None or key.startswith(wanted):
        if reader.role == "truth" and key.startswith("model."):
            yield Mistake(f"'{key}' is made by the model, {name} compares with the truth", reader.where,
                          expected="a key data.gt.<name>")  # fmt: skip
        return
    if not key.startswith(_ANSWER):
        yield Mistake(
            f"'{key}' is no answer of the model", reader.where,
            expected=f"one of {', '.join(item for item in known if item.startswith(wanted))}",
        )  # fmt: skip
        return
    answer = known.get(key)
    if answer is None or answer.activation == "none":
        return  # without an activation both are the same
    right = other_key(key)
    fix = replaced(experiment, reader.place, key, right)
    activation = answer.activation or "softmax"
    message = (
        f"'{key}' has been through {activation} already, {name} needs logits" if reader.role == "logits"
        else f"'{key}' holds logits, {name} needs what {activation} makes of them"
    )  # fmt: skip
    yield Mistake(message, reader.where, expected=f"'{right}'", fixes=(fix,) if fix else ())


def activation_problems(assembly: Assembly, seen: Preview) -> Iterator[Problem]:
    """Say where a loss is made for another activation than that of the head whose logits it reads."""
    known = answers(assembly, seen.module)
    found = [
        leaf for name, loss in assembly.losses.items() for leaf in leaves(loss, ("losses", name, loss.name()))
    ]
    for place, loss in found:
        for reader in read_by(place, loss):
            answer = known.get(reader.key)
            meant = loss.head_activation
            if reader.role != "logits" or answer is None or None in (meant, answer.activation):
                continue
            if meant != answer.activation:
                pixels = seen.batch[reader.key].ndim > 2
                expected, fixes = _other_loss(assembly.experiment, place, loss, str(answer.activation), pixels)
                yield Mistake(
                    f"{loss.name()} is for a head with {_called(str(meant))}, "
                    f"'{answer.name}' has {_called(str(answer.activation))}", reader.where,
                    expected=expected, fixes=fixes,
                )  # fmt: skip


def _called(activation: str) -> str:
    return "no activation" if activation == "none" else activation


_FOR = {
    ("softmax", False): "CrossEntropy", ("softmax", True): "SegmentationCrossEntropy",
    ("sigmoid", False): "BinaryCrossEntropy", ("sigmoid", True): "BinaryCrossEntropy", ("none", False): "MSE",
}  # fmt: skip
"""A loss for the logits of a head by its activation, and whether it answers at every pixel."""


def _other_loss(
    experiment: Experiment, place: Place, loss: Loss, activation: str, pixels: bool
) -> tuple[str, tuple[Fix, ...]]:
    """Return what is expected where a loss is for another activation, and the edit that brings it."""
    other = _FOR.get((activation, pixels))
    if other is None:
        return f"a loss for a head with {_called(activation)}", ()
    expected = f"a loss for {_called(activation)}, e.g. {other}, or another head"
    written = value_at(experiment, place[:-1])
    if not isinstance(written, dict) or loss.name() not in written:
        return expected, ()  # a term of an expression
    keys = {field: found[0] for field, found in keys_of(loss).items() if field in ("pred", "target")}
    return expected, (Fix(f"Use {other}", place[:-1], {other: {**keys, "weight": loss.weight}}),)


def text_problems(assembly: Assembly, batch: NestedDict) -> Iterator[Problem]:
    """Say where text stands that is computed with."""
    for reader in readers(assembly):
        if reader.role in _MEANT and reader.key in batch and not isinstance(batch[reader.key], Tensor):
            value = batch[reader.key][0]
            yield Problem(
                f"'{reader.key}' holds no numbers", reader.where,
                expected="steps that make numbers, e.g. Label or Columns", got=type(value).__name__,
            )  # fmt: skip


def class_problems(assembly: Assembly, seen: Preview) -> Iterator[Problem]:
    """Compare all classes that the source holds with those that the model predicts; no image is read."""
    known, batch, told = answers(assembly, seen.module), seen.batch, set[tuple[str, str]]()
    for where, item in _measured(assembly):
        keys = keys_of(item)
        pred, target = keys.get("pred", ("",))[0], keys.get("target", ("",))[0]
        answer = known.get(pred)
        if (
            answer is None
            or answer.width is None
            or answer.activation not in ("softmax", None)
            or (pred, target) in told
        ):
            continue
        try:
            labels = _labels(assembly, batch, target)
        except FuseError as error:
            if any(problem.sample for problem in error.problems):
                yield from error.problems
            continue
        if labels and max(labels) >= answer.width:
            told.add((pred, target))
            yield _too_few(answer, where, target, labels)


def _measured(assembly: Assembly) -> list[tuple[Place, Component]]:
    return [(place, item) for place, item in components(assembly) if place[0] == "losses"]


def _labels(assembly: Assembly, batch: NestedDict, target: str) -> dict[int, str]:
    """Return the classes there are, each with a sample that has it; none for what holds no single classes."""
    value = batch.get(target)
    if not isinstance(value, Tensor) or value.ndim != 1 or value.is_floating_point():
        return {}
    known = _classes.setdefault(assembly.dataset, {})
    if target not in known:
        first: dict[int, str] = {}
        for name, label in assembly.dataset.labels(target).items():
            first.setdefault(label, name)
        known[target] = first
    return known[target]


def _too_few(answer: Answer, place: Place, target: str, labels: dict[int, str]) -> Mistake:
    wanted = max(labels) + 1
    held = ", ".join(map(str, sorted(labels)))
    path = (*answer.place, answer.count)
    fixes = (Fix(f"Set {answer.count} to {wanted}", path, wanted),) if answer.count else ()
    return Mistake(
        f"head '{answer.name}' gives {answer.width} classes, '{target}' holds {{{held}}}",
        ".".join(map(str, (*place, "target"))), sample=labels[max(labels)],
        expected=f"classes from 0 to {answer.width - 1 if answer.width else 0}, or a head with {wanted} classes",
        fixes=fixes,
    )  # fmt: skip


def computed_problems(assembly: Assembly, seen: Preview) -> Iterator[Problem]:
    """Compute every loss and metric once, on outputs that mean nothing and samples that are real."""
    known, batch = answers(assembly, seen.module), thinned(seen.batch)
    for name, loss in assembly.losses.items():
        yield from _tried(assembly, ("losses", name, loss.name()), loss, _compute, batch, known)
    for name, metric in assembly.metrics.items():
        yield from _tried(assembly, ("metrics", name, metric.name()), metric, _compute, batch, known)


def _compute(item: Component, batch: NestedDict) -> object:
    return item.compute(batch) if isinstance(item, Loss) else item.rows(batch)  # type: ignore[attr-defined]


def _tried(
    assembly: Assembly, place: Place, item: Component, call: Callable[[Component, NestedDict], object],
    batch: NestedDict, known: dict[str, Answer],
) -> Iterator[Problem]:  # fmt: skip
    try:
        with at_place(assembly.experiment, *place):
            try:
                call(item, batch)
            except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
                field = "target" if "target" in type(item).model_fields else ""
                raise FuseError(f"cannot be computed: {first_line(error)}", where=field) from error
    except FuseError as error:
        for problem in error.problems:
            yield _explained(problem, place, item, batch, known)


def _explained(
    problem: Problem, place: Place, item: Component, batch: NestedDict, known: dict[str, Answer]
) -> Problem:
    """Name the field that is to blame, and the keys that would fit there: they are tried."""
    field = str(place_of(problem.where)[-1])
    keys = {reader.place[-1]: reader for reader in read_by(place, item)}
    if field not in keys:
        return problem
    if (wrong := _map_classes(item, place, batch, known)) is not None:
        return wrong
    helping = {str(name): _fitting(item, str(name), reader, batch) for name, reader in keys.items()}
    useful = [name for name, fits in helping.items() if fits]
    if not useful:
        return problem
    blamed = field if field in useful else useful[0]
    fixes = tuple(Fix(f"Use '{key}'", (*place, blamed), key) for key in helping[blamed])
    where = ".".join(map(str, (*place, blamed)))
    return _as_mistake(replace(problem, where=where), fixes)


def _as_mistake(problem: Problem, fixes: tuple[Fix, ...]) -> Mistake:
    return Mistake(**{**vars(problem), "fixes": fixes})


def _map_classes(item: Component, place: Place, batch: NestedDict, known: dict[str, Answer]) -> Mistake | None:
    """Return what is wrong where a label map holds classes that the head does not give."""
    keys = keys_of(item)
    pred, target = keys.get("pred", ("",))[0], keys.get("target", ("",))[0]
    answer, truth = known.get(pred), batch.get(target)
    if answer is None or answer.width is None or not isinstance(truth, Tensor) or truth.is_floating_point():
        return None
    if truth.ndim != batch[pred].ndim or int(truth.max()) < answer.width:
        return None
    held = torch.unique(truth).tolist()
    return replace(_too_few(answer, place, target, dict.fromkeys(held, "")), sample="")


def _fitting(item: Component, field: str, reader: Reader, batch: NestedDict) -> list[str]:
    """Return the keys with which the component could be computed."""
    if not isinstance(getattr(item, field), str):
        return []
    side = reader.key.rpartition(".")[0]
    found = []
    for key in batch:
        if key.rpartition(".")[0] != side or key == reader.key:
            continue
        try:
            _compute(item.model_copy(update={field: key}), batch)
        except (FuseError, RuntimeError, ValueError, IndexError, TypeError, AttributeError):
            continue
        found.append(key)
    return found
