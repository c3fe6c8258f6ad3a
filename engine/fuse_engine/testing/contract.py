"""The rules that components of every kind keep."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from fuse_engine.augment import Augmentation, Augmenter, BatchOperation, Operation
from fuse_engine.augment.base import RECORD
from fuse_engine.augment.mixing import mixed
from fuse_engine.core import document, registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.catalog import FieldSpec, describe
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.explain import problems_of
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import key_fields
from fuse_engine.core.random import stream
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Row
from fuse_engine.losses.base import Loss
from fuse_engine.metrics.base import Metric, Result
from fuse_engine.models.base import Backbone, Head, Model, Network

_LABEL = "data.gt.segmentation"


class ContractError(FuseError):
    """A component breaks a rule that the rest of the program counts on."""


def check_component(cls: type[Component], **arguments: Any) -> None:
    """Hold a component class against the rules of its kind; plugin authors call it in their tests too.

    `arguments` are those of the component; required ones that are not given are made up.

    Raises:
        ContractError: naming the rule that is broken.
    """
    _check_class(cls)
    component = example(cls, **arguments)
    _check_data(component)
    for base, check in _KINDS:
        if isinstance(component, base):
            check(component)


def example(cls: type[Component], **arguments: Any) -> Component:
    """Return a component of a class; required arguments that are not given are made up.

    Raises:
        ContractError: when they do not fit.
    """
    try:
        return cls.model_validate({**_required(cls), **arguments})
    except ValidationError as error:
        problems = "; ".join(map(str, problems_of(error, cls, lambda place: "")))
        raise ContractError(
            f"{cls.__name__} cannot be made from made-up arguments: {problems}", expected="them in `arguments`"
        ) from None


def _expect(rule: bool, cls: type[Component], message: str) -> None:
    if not rule:
        raise ContractError(f"{cls.kind or 'component'} {cls.__name__} {message}")


def _check_class(cls: type[Component]) -> None:
    """Name, sentence, registration, and a form with help at every field."""
    _expect(cls.kind in registry.KINDS, cls, f"has the unknown kind '{cls.kind}'")
    _expect(cls.__name__[0].isupper(), cls, "begins with a small letter")
    _expect(
        not inspect.isabstract(cls), cls, f"lacks {', '.join(sorted(getattr(cls, '__abstractmethods__', ())))}"
    )
    try:
        describe(cls)
    except TypeError as error:
        raise ContractError(f"{cls.kind} {cls.__name__} has a field that no form can draw: {error}") from None
    _expect(registry.every(cls.kind).get(cls.__name__) is cls, cls, "is not registered: put @register above it")
    sentence = describe(cls).sentence
    _expect(
        "__doc__" in vars(cls) and sentence.endswith("."), cls, "needs a docstring that begins with a sentence"
    )
    for field in describe(cls).fields:
        _expect(bool(field.help), cls, f"has a field '{field.name}' without help: put a docstring below it")
    _expect(bool(cls.model_config.get("frozen")), cls, "is not frozen")


def _check_data(component: Component) -> None:
    """Survives YAML, a form's JSON, and the way to another process."""
    cls = type(component)
    entry = component.to_entry()
    _expect(cls.model_validate(entry[cls.__name__]) == component, cls, "differs after dump and validate")
    text = document.parse(document.dump(entry)).data[cls.__name__]
    _expect(cls.model_validate(text or {}) == component, cls, "differs after a round trip through YAML")
    _expect(json.loads(json.dumps(entry)) == entry, cls, "does not dump to plain data")
    try:
        copy = pickle.loads(pickle.dumps(component))  # noqa: S301 what this line wrote itself
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise ContractError(f"{cls.kind} {cls.__name__} cannot be pickled: {error}") from None
    _expect(copy == component, cls, "differs after pickling")


def _required(cls: type[Component]) -> dict[str, Any]:
    """Make up the arguments that a component cannot do without."""
    return {field.name: _made_up(field) for field in describe(cls).fields if field.required}


def _made_up(field: FieldSpec) -> Any:
    if field.kind == "list" and field.item is not None:
        item = _made_up(field.item)
        return {"one": item} if field.named else [item]
    if field.entry is not None:
        return {inner.name: _made_up(inner) for inner in field.entry.fields if inner.required}
    if field.kind == "slot":
        name, cls = next(iter(registry.every(field.slot).items()))
        return {name: _required(cls)}
    plain = {
        "bool": True, "int": 2, "float": 1.0, "text": "one", "path": "one.csv", "key": f"data.input.{field.name}",
        "numbers": [1] * (field.length or 1), "distribution": 1, "choice": next(iter(field.choices), ""),
    }  # fmt: skip
    return plain[field.kind]


def _scores(size: tuple[int, ...], classes: int = 3) -> tuple[Tensor, Tensor]:
    """Return made-up logits (4, classes, *size) and classes that fit: (4,), or (4, 1, *size)."""
    rng = stream("check", *size)
    logits = torch.from_numpy(rng.normal(size=(4, classes, *size)).astype(np.float32))
    target = torch.from_numpy(rng.permutation(np.arange(4 * int(np.prod(size))) % classes))
    return logits, target.reshape(4, 1, *size) if size else target


def _perfect(target: Tensor, classes: int = 3) -> Tensor:
    labels = target if target.ndim == 1 else target[:, 0]
    return 20 * nn.functional.one_hot(labels, classes).movedim(-1, 1).float()


Case = TypeVar("Case")
_SIZES = ((), (6, 5), (4, 6, 5))


def _accepted(component: Component, call: Callable[[Case], None], cases: Sequence[Case]) -> None:
    """Call with every case, e.g. one class a sample or a pixel in 2-D and 3-D; at least one must be accepted."""
    refused: list[str] = []
    for case in cases:
        try:
            call(case)
        except ContractError:
            raise
        except (FuseError, RuntimeError, ValueError, IndexError) as error:
            refused.append(str(error))
    message = f"accepts neither classes (batch,) nor label maps (batch, 1, [z,] y, x): {'; '.join(refused)}"
    _expect(len(refused) < len(cases), type(component), message)


def _check_loss(loss: Loss) -> None:
    """Named like its keys; a finite slope; smallest for a perfect prediction."""
    cls = type(loss)
    _same_names(cls, loss.__call__)
    if set(_read_keys(cls)) != {"pred", "target"}:
        return

    def numbers(size: tuple[int, ...]) -> None:
        logits, target, perfect = _answers(size, loss.head_activation)
        logits.requires_grad_()
        value = loss(logits, target)
        _expect(value.ndim == 0 and bool(torch.isfinite(value)), cls, f"is no finite number: {value}")
        value.backward()  # type: ignore[no-untyped-call]
        slope = logits.grad
        _expect(slope is not None and bool(torch.isfinite(slope).all()), cls, "has no finite gradient")
        _expect(slope is not None and bool(slope.any()), cls, "has no gradient")
        best = loss(perfect, target)
        _expect(bool(best < value), cls, f"is {best} for a perfect prediction, {value} for a random one")

    _accepted(loss, numbers, _SIZES)


def _answers(size: tuple[int, ...], activation: str | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return made-up logits, a truth as heads with that activation have it, and logits that are right."""
    logits, target = _scores(size)
    if activation == "sigmoid":
        marks = (logits.roll(1, 0) > 0).float()
        return logits, marks, 40 * marks - 20
    numbers = logits.roll(1, 0)
    return (logits, numbers, numbers) if activation == "none" else (logits, target, _perfect(target))


def _check_metric(metric: Metric) -> None:
    """Named like its keys; one row a sample; best for a perfect prediction; the same in any order."""
    cls = type(metric)
    _same_names(cls, metric.collect, ("geometry",) if metric.measured_on else ())
    if set(key_fields(cls)) != {"pred", "target"}:
        return

    def numbers(case: tuple[Tensor, Tensor, Tensor]) -> None:
        pred, perfect, target = case
        rows = metric.collect(pred, target)
        _expect(all(np.shape(row)[:1] == (4,) for row in rows.values()), cls, "does not keep one row a sample")
        each = metric.per_sample(rows)
        _expect(each is None or each.shape == (4,), cls, "does not give one figure a sample")
        value = metric.result(rows)
        turned = metric.result({name: row[::-1] for name, row in rows.items()})
        _expect(np.allclose(_figures(value), _figures(turned), equal_nan=True), cls, "depends on the order")
        best = _figures(metric.result(metric.collect(perfect, target)))
        if metric.higher_is_better is None:
            return
        sign = 1 if metric.higher_is_better else -1
        better = (sign * best >= sign * _figures(value)) | np.isnan(best)
        _expect(bool(better.all()), cls, f"is {best} for a perfect prediction, {value} for a random one")

    _accepted(metric, numbers, list(_predictions()))


def _predictions() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield random and perfect predictions of a target: classes, label maps, numbers, and boxes."""
    for size in _SIZES:
        logits, target = _scores(size)
        yield logits.softmax(1), _perfect(target).softmax(1), target
    numbers = _scores((2,))[0][..., 0]
    yield numbers.flip(0), numbers, numbers
    boxes = torch.cat([numbers[:, :2], numbers[:, :2] + 1], 1)[:, None]
    yield boxes.flip(0), boxes, boxes


def _figures(value: Result) -> np.ndarray[Any, np.dtype[np.float64]]:
    if isinstance(value, Mapping):
        return np.concatenate([_figures(item) for item in value.values()])
    return np.array([value], float)


def _same_names(cls: type[Component], method: Callable[..., Any], more: tuple[str, ...] = ()) -> None:
    names, keys = list(inspect.signature(method).parameters), [*_read_keys(cls), *more]
    _expect(set(names) == set(keys), cls, f"takes {names}, its keys are {keys}")


def _read_keys(cls: type[Component]) -> list[str]:
    """Return the key fields whose tensors are handed over; those that say which samples count are read apart."""
    return [name for name in key_fields(cls) if not (issubclass(cls, Loss) and name in Loss.model_fields)]


def _check_augmentation(step: Augmentation) -> None:
    """Draws plain data, the same every time; applies it the same every time, never in place."""
    if isinstance(step, Operation):
        step = step.model_copy(update={"keys": [*step.keys, _LABEL]})
    step = step.model_copy(update={"p": 1.0})

    def numbers(size: tuple[int, ...]) -> None:
        if not size:
            raise FuseError("an augmentation changes images")
        try:
            every(size)
        except (RuntimeError, ValueError, IndexError) as error:
            if isinstance(error, FuseError):
                raise
            message = f"fails without saying what it expects of an image of shape {size}: {error}"
            raise ContractError(f"{step.kind} {step.name()} {message}") from error

    def every(size: tuple[int, ...]) -> None:
        augmenter = Augmenter([step], 1)
        sample = _pictured(augmenter, size)
        for epoch in range(3):
            _check_draw(augmenter, sample, epoch)
        for operation in augmenter.operations.values():
            _check_neutral(operation, sample)

        if isinstance(step, BatchOperation):
            _check_mixing(step, size)

    _accepted(step, numbers, _SIZES)


def _check_mixing(step: BatchOperation, size: tuple[int, ...]) -> None:
    cls, rng = type(step), stream("mixing", *size)
    batch = [
        NestedDict({"data.id": name, **{key: rng.random((1, *size), np.float32) for key in step.keys}})
        for name in ("s1", "s2", "s3")
    ]
    before = [{key: sample[key].copy() for key in step.keys} for sample in batch]
    first, again = (mixed([step], 1, batch, epoch=0) for _ in range(2))
    record = [sample[RECORD] for sample in first]
    _expect(json.loads(json.dumps(record)) == record, cls, "draws what JSON cannot hold")
    for index, sample in enumerate(batch):
        for key in step.keys:
            _expect(np.array_equal(sample[key], before[index][key]), cls, "changes its input")
            _expect(np.array_equal(first[index][key], again[index][key]), cls, "mixes by chance of its own")
            _expect(first[index][key].dtype == sample[key].dtype, cls, "changes the type of numbers")


def _check_draw(augmenter: Augmenter, sample: NestedDict, epoch: int) -> None:
    cls, drawn = type(augmenter.steps[0]), augmenter.draw(sample, epoch)
    images = [key for key in sample if isinstance(sample[key], np.ndarray)]
    before = {key: sample[key].copy() for key in images}
    _expect(drawn == augmenter.draw(sample, epoch), cls, "draws by chance of its own")
    record = [item.to_json() for item in drawn]
    _expect(json.loads(json.dumps(record)) == record, cls, "draws what JSON cannot hold")
    after, again = augmenter.apply(sample, drawn), augmenter.apply(sample, drawn)
    for key in images:
        _expect(np.array_equal(sample[key], before[key]), cls, "changes its input")
        _expect(np.array_equal(after[key], again[key]), cls, "applies by chance of its own")
        _expect(after[key].dtype == sample[key].dtype, cls, "changes the type of numbers")


def _check_neutral(operation: Operation, sample: NestedDict) -> None:
    image = sample[operation.keys[0]]
    neutral = operation.neutral(Geometry.plain(image.shape[1:]))
    if neutral is not None:
        same = np.allclose(operation.apply(image, neutral), image, atol=1e-5)
        _expect(same, type(operation), "changes an image by its neutral parameters")


def _pictured(augmenter: Augmenter, size: tuple[int, ...]) -> NestedDict:
    """Return a sample with an image under every key that is changed or looked at, and a label map."""
    rng = stream("augmentation", *size)
    found = NestedDict({"data.id": "s1"})
    for key in sorted(augmenter.keys - {_LABEL}):
        found[key] = rng.random((3, *size), np.float32)
    labels = {getattr(step, name) for step in augmenter.operations.values() for name in getattr(step, "needs", ())}
    for key in {_LABEL, *labels}:
        found[key] = rng.integers(0, 3, (1, *size), np.uint8)
    return found


def _check_processor(step: Processor) -> None:
    """Never changes its input; the same every time; only a spatial step changes the grid."""
    cls, row = type(step), Row("s1", "s1", None, {}, Path())
    for size in ((6, 5), (4, 6, 5)):
        pixels = stream("check", *size).normal(100, 20, (1, *size)).astype(np.float32)
        for array in (pixels, (pixels > 100).astype(np.uint8)):
            image = Image(array.copy(), Geometry.plain(size))
            try:
                first, again = step(image, row), step(image, row)
            except SampleError:
                continue  # it needs a file, a cell, or another kind of value
            _expect(np.array_equal(image.array, array), cls, "changes its input")
            _expect(_equal(first, again), cls, "returns something else the second time")
            if isinstance(first, Image) and not step.spatial:
                _expect(first.geometry.near(image.geometry), cls, "changes the grid, and is not `spatial`")


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, Image) and isinstance(other, Image):
        return one.geometry == other.geometry and np.array_equal(one.array, other.array)
    return np.array_equal(np.asarray(one), np.asarray(other))


def _check_backbone(backbone: Backbone) -> None:
    """Features fine to coarse, with the channels that are promised, in all its numbers of axes and on meta."""
    cls = type(backbone)
    for dims, device in product(backbone.dims, ("cpu", "meta")):
        with torch.device(device), torch.no_grad():
            module = backbone.build(2, dims).eval()
            features = module(torch.zeros(1, 2, *[max(32, backbone.smallest)] * dims))
        sizes = [tuple(level.shape[2:]) for level in features]
        _expect(sizes == sorted(sizes, reverse=True), cls, f"does not go from fine to coarse: {sizes}")
        _expect([level.shape[1] for level in features] == module.channels, cls, "promises other channels")
        module.get_submodule(module.last_features)


def _check_network(network: Network) -> None:
    """Logits of the image's size, in all its numbers of axes, odd sizes included."""
    for size in [size for size in ((32, 27), (16, 32, 27)) if len(size) in network.dims]:
        module = network.build(2, 3, len(size)).eval()
        shape = tuple(module(torch.zeros(1, 2, *size)).shape)
        _expect(shape == (1, 3, *size), type(network), f"gives {shape} for an image of size {size}")
        module.get_submodule(module.last_features)


def _check_head(head: Head) -> None:
    """Logits of its width, from features of any number of levels, in 2-D and 3-D."""
    for dims in (2, 3):
        image, vector = (1, *[16] * dims), (3,)
        shapes: dict[str, tuple[int, ...]] = {
            key: vector for name in key_fields(type(head)) for key in _keys(getattr(head, name))
        }
        shapes["data.input.image"] = image
        module = head.build([4, 8], dims, shapes, ["data.input.image"]).eval()
        features = [torch.zeros(2, 4, *[8] * dims), torch.zeros(2, 8, *[4] * dims)]
        logits = module(features, NestedDict({key: torch.zeros(2, *shape) for key, shape in shapes.items()}))
        _expect(logits.shape[:2] == (2, head.width), type(head), f"gives {tuple(logits.shape)}")


def _check_model(model: Model) -> None:
    """Adds the keys it promises to a copy of the batch, on the meta device too; names what can be frozen."""
    cls = type(model)
    shapes = dict.fromkeys(model.reads(), (1, 32, 32))
    for device in ("cpu", "meta"):
        with torch.device(device):
            module = model.build(shapes).eval()
            batch = NestedDict({key: torch.zeros(1, *shape) for key, shape in shapes.items()})
            result = module(batch)
        _expect(
            set(result) == {*shapes, *model.outputs()}, cls, f"promises {model.outputs()}, adds {list(result)}"
        )
        _expect(set(batch) == set(shapes), cls, "changes the batch it is given")
        module.get_submodule(module.last_features)
        heads = {key.removeprefix("model.logits.") for key in model.outputs() if key.startswith("model.logits.")}
        _expect(set(module.answers) == heads, cls, f"answers {list(module.answers)}, promises {sorted(heads)}")
        names = {name for name, _ in module.named_parameters()}
        within = {id(item) for part in module.parts.values() for item in part.parameters()}
        _expect(
            bool(names) and within == {id(item) for item in module.parameters()}, cls, "has parts without a name"
        )


def _keys(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


_KINDS: tuple[tuple[type[Component], Callable[[Any], None]], ...] = (
    (Augmentation, _check_augmentation), (Backbone, _check_backbone), (Head, _check_head), (Loss, _check_loss),
    (Metric, _check_metric), (Model, _check_model), (Network, _check_network), (Processor, _check_processor),
)  # fmt: skip
