"""For the tests of components, ours and those of plugin authors."""

from __future__ import annotations

import csv
import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from fuse_engine.augment.base import Augmentation
from fuse_engine.core import document, registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.catalog import FieldSpec, describe
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.explain import problems_of
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import key_fields
from fuse_engine.core.random import stream
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Row
from fuse_engine.losses.base import Loss
from fuse_engine.metrics.base import Metric
from fuse_engine.models.base import Backbone, Head, Model, Network

_TINY = """
name: tiny
seed: 1
data:
  source:
    Table: {path: cohort.csv, group: patient}
  input:
    image:
      - LoadImage: {column: image}
      - IntensityWindow: {window: [0, 255], to: [0, 1]}
    clinical:
      - Columns: {names: [age], normalize: true}
  gt:
    classification:
      - Label: {column: finding, classes: [normal, positive]}
    segmentation:
      - LoadImage: {column: mask, label: true}
  split: {folds: 4, stratify: finding, test: [0]}
  cache: {Off: {}}
  batch: {size: 4, balance: {key: data.gt.classification}}
augmentation:
  - Flip: {keys: [data.input.image, data.gt.segmentation], p: 0.5}
  - GaussianNoise: {keys: [data.input.image], p: 0.5}
model:
  MultiHead:
    inputs: [data.input.image]
    backbone: {ResNet: {depth: 10, stem: small}}
    heads:
      classifier: {GlobalPoolingClassifier: {classes: 2, tabular: [data.input.clinical]}}
      segmentation: {DenseSegmentation: {classes: 2}}
losses:
  cls: {CrossEntropy: {pred: model.logits.classifier, target: data.gt.classification}}
  seg: {SegmentationCrossEntropy: {pred: model.logits.segmentation, target: data.gt.segmentation}}
metrics:
  auc: {AUC: {pred: model.output.classifier, target: data.gt.classification}}
  iou: {IoU: {pred: model.output.segmentation, target: data.gt.segmentation}}
training:
  optimizer: {Adam: {lr: 1e-3}}
  stages: [{epochs: 2}]
  best: [{source: validation.losses.total_loss, optimization: min}]
run: {device: cpu, precision: 32-true, threads: 1, executor: {Inline: {}}}
"""


def tiny_experiment(folder: Path, samples: int = 16, size: int = 32) -> Experiment:
    """Write a small cohort of `size` x `size` PNG images with masks, and `tiny.yaml`; return its experiment.

    Samples with the finding show a bright disc that is also their mask; every patient has two samples.
    """
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:size, :size]
    rows = []
    for number in range(samples):
        rng = stream("tiny", number)
        positive = number % 4 > 1
        centre = rng.uniform(0.3, 0.7, 2) * size
        disc = ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 < (size / 6) ** 2) & positive
        pixels = np.clip(rng.normal(70, 12, (size, size)) + 110 * disc, 0, 255).astype(np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(folder / f"image{number:02d}.png"))
        sitk.WriteImage(sitk.GetImageFromArray(disc.astype(np.uint8)), str(folder / f"mask{number:02d}.png"))
        rows.append(
            {
                "id": f"s{number:02d}", "patient": f"p{number // 2:02d}", "image": f"image{number:02d}.png",
                "mask": f"mask{number:02d}.png", "finding": "positive" if positive else "normal",
                "age": f"{rng.normal(60 if positive else 50, 5):.0f}",
            }
        )  # fmt: skip
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "tiny.yaml").write_text(_TINY.lstrip(), encoding="utf-8")
    return Experiment.load(folder / "tiny.yaml")


class ContractError(FuseError):
    """A component breaks a rule that the rest of the program counts on."""


def check_component(cls: type[Component], **arguments: Any) -> None:
    """Hold a component class against the rules of its kind; plugin authors call it in their tests too.

    `arguments` are those of the component; required ones that are not given are made up.

    Raises:
        ContractError: naming the rule that is broken.
    """
    _check_class(cls)
    try:
        component = cls.model_validate({**_required(cls), **arguments})
    except ValidationError as error:
        problems = "; ".join(map(str, problems_of(error, cls, lambda place: "")))
        raise ContractError(
            f"{cls.__name__} cannot be made from made-up arguments: {problems}", expected="them in `arguments`"
        ) from None
    _check_data(component)
    for base, check in _KINDS:
        if isinstance(component, base):
            check(component)


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
    if field.kind == "slot":
        name, cls = next(iter(registry.every(field.slot).items()))
        return {name: _required(cls)}
    plain = {
        "bool": True, "int": 2, "float": 1.0, "text": "one", "path": "one.csv", "key": f"data.input.{field.name}",
        "numbers": [1] * (field.length or 1), "choice": next(iter(field.choices), ""),
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


def _accepted(component: Component, call: Callable[[tuple[int, ...]], None]) -> None:
    """Call with one class a sample, and one class a pixel in 2-D and 3-D; at least one must be accepted."""
    refused: list[str] = []
    for size in ((), (6, 5), (4, 6, 5)):
        try:
            call(size)
        except ContractError:
            raise
        except (FuseError, RuntimeError, ValueError, IndexError) as error:
            refused.append(str(error))
    message = f"accepts neither classes (batch,) nor label maps (batch, 1, [z,] y, x): {'; '.join(refused)}"
    _expect(len(refused) < 3, type(component), message)


def _check_loss(loss: Loss) -> None:
    """Named like its keys; a finite slope; smallest for a perfect prediction."""
    cls = type(loss)
    _same_names(cls, loss.__call__)
    if set(key_fields(cls)) != {"pred", "target"}:
        return

    def numbers(size: tuple[int, ...]) -> None:
        logits, target = _scores(size)
        logits.requires_grad_()
        value = loss(logits, target)
        _expect(value.ndim == 0 and bool(torch.isfinite(value)), cls, f"is no finite number: {value}")
        value.backward()  # type: ignore[no-untyped-call]
        slope = logits.grad
        _expect(slope is not None and bool(torch.isfinite(slope).all()), cls, "has no finite gradient")
        _expect(slope is not None and bool(slope.any()), cls, "has no gradient")
        best = loss(_perfect(target), target)
        _expect(bool(best < value), cls, f"is {best} for a perfect prediction, {value} for a random one")

    _accepted(loss, numbers)


def _check_metric(metric: Metric) -> None:
    """Named like its keys; one row a sample; best for a perfect prediction; the same in any order."""
    cls = type(metric)
    _same_names(cls, metric.collect)
    if set(key_fields(cls)) != {"pred", "target"}:
        return

    def numbers(size: tuple[int, ...]) -> None:
        logits, target = _scores(size)
        rows = metric.collect(logits.softmax(1), target)
        _expect(all(np.shape(row)[:1] == (4,) for row in rows.values()), cls, "does not keep one row a sample")
        each = metric.per_sample(rows)
        _expect(each is None or each.shape == (4,), cls, "does not give one figure a sample")
        value = metric.result(rows)
        turned = metric.result({name: row[::-1] for name, row in rows.items()})
        _expect(np.allclose(_figures(value), _figures(turned), equal_nan=True), cls, "depends on the order")
        best = _figures(metric.result(metric.collect(_perfect(target).softmax(1), target)))
        sign = 1 if metric.higher_is_better else -1
        better = (sign * best >= sign * _figures(value)) | np.isnan(best)
        _expect(bool(better.all()), cls, f"is {best} for a perfect prediction, {value} for a random one")

    _accepted(metric, numbers)


def _figures(value: float | dict[str, float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(list(value.values()) if isinstance(value, dict) else [value], float)


def _same_names(cls: type[Component], method: Callable[..., Any]) -> None:
    names = list(inspect.signature(method).parameters)
    _expect(set(names) == set(key_fields(cls)), cls, f"takes {names}, its keys are {key_fields(cls)}")


def _check_augmentation(step: Augmentation) -> None:
    """Draws plain data; applies it the same every time, never in place; labels keep their values."""
    cls = type(step)

    def numbers(size: tuple[int, ...]) -> None:
        if not size:
            raise FuseError("an augmentation changes images")
        grid = Geometry.plain(size, tuple(1.0 + axis for axis in reversed(range(len(size)))))
        params = step.sample(stream("check"), grid)
        _expect(params == step.sample(stream("check"), grid), cls, "draws by chance of its own")
        _expect(json.loads(json.dumps(params)) == params, cls, "draws what JSON cannot hold")
        logits, target = _scores(size)
        for image, label in ((logits[0], False), (target[0], True)):
            before = image.clone()
            after = step.apply(image, params, label)
            _expect(torch.equal(image, before), cls, "changes its input")
            _expect(torch.equal(after, step.apply(image, params, label)), cls, "applies by chance of its own")
            _expect((after.shape, after.dtype) == (image.shape, image.dtype), cls, "changes shape or type")
            kept = not label or set(after.flatten().tolist()) <= {0, *image.flatten().tolist()}
            _expect(kept, cls, "makes up labels")

    _accepted(step, numbers)


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
    """Features fine to coarse, with the channels that are promised, in 2-D and 3-D."""
    cls = type(backbone)
    for dims in (2, 3):
        module = backbone.build(2, dims).eval()
        features = module(torch.zeros(1, 2, *[32] * dims))
        sizes = [tuple(level.shape[2:]) for level in features]
        _expect(sizes == sorted(sizes, reverse=True), cls, f"does not go from fine to coarse: {sizes}")
        _expect([level.shape[1] for level in features] == module.channels, cls, "promises other channels")
        module.get_submodule(module.last_features)


def _check_network(network: Network) -> None:
    """Logits of the image's size, in 2-D and 3-D, odd sizes included."""
    for size in ((32, 27), (16, 32, 27)):
        module = network.build(2, 3, len(size)).eval()
        shape = tuple(module(torch.zeros(1, 2, *size)).shape)
        _expect(shape == (1, 3, *size), type(network), f"gives {shape} for an image of size {size}")
        module.get_submodule(module.last_features)


def _check_head(head: Head) -> None:
    """Logits of its classes, from features of any number of levels, in 2-D and 3-D."""
    for dims in (2, 3):
        image, vector = (1, *[16] * dims), (3,)
        shapes: dict[str, tuple[int, ...]] = {
            key: vector for name in key_fields(type(head)) for key in _keys(getattr(head, name))
        }
        shapes["data.input.image"] = image
        module = head.build([4, 8], dims, shapes, ["data.input.image"]).eval()
        features = [torch.zeros(2, 4, *[8] * dims), torch.zeros(2, 8, *[4] * dims)]
        logits = module(features, NestedDict({key: torch.zeros(2, *shape) for key, shape in shapes.items()}))
        _expect(logits.shape[:2] == (2, head.classes), type(head), f"gives {tuple(logits.shape)}")


def _check_model(model: Model) -> None:
    """Adds the keys it promises to a copy of the batch, on the meta device too; names what can be frozen."""
    cls = type(model)
    shapes = {key: (1, 32, 32) for name in key_fields(cls) for key in _keys(getattr(model, name))}
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
