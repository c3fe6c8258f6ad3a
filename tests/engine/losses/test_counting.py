"""Which samples, pixels and labels count, and how much."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.losses import (
    L1,
    MSE,
    BinaryCrossEntropy,
    CrossEntropy,
    Dice,
    DiceCrossEntropy,
    Focal,
    Huber,
    Loss,
    Lovasz,
    Mixture,
    SampleLoss,
    SegmentationCrossEntropy,
    Tversky,
)
from tests.engine.losses.made import KEYS, example, marks, slope

WEIGHTS = torch.tensor([0.5, 0.0, 2.0, 1.0])
OF_SAMPLES = [CrossEntropy, Focal]
OF_PIXELS = [SegmentationCrossEntropy, Dice, DiceCrossEntropy, Focal, Lovasz, Tversky]
OF_NUMBERS = [MSE, L1, Huber]
EVERY: list[tuple[type[SampleLoss], dict[str, Any], Any]] = [
    *((cls, {}, example) for cls in OF_SAMPLES),
    *((cls, {}, lambda: example(5, 6)) for cls in OF_PIXELS),
    *((cls, {"activation": "sigmoid"}, lambda: marks(3, 4, 5)) for cls in OF_PIXELS[1:]),
    *((cls, {}, marks) for cls in [BinaryCrossEntropy, *OF_NUMBERS]),
]
IDS = [f"{cls.__name__}-{'-'.join(settings.values())}" for cls, settings, _ in EVERY]


def batch_of(logits: torch.Tensor, target: torch.Tensor, **more: torch.Tensor) -> NestedDict:
    values = {"model.logits.head": logits, "data.gt.target": target}
    return NestedDict({**values, **{f"data.input.{name}": value for name, value in more.items()}})


@pytest.mark.parametrize(("cls", "settings", "made"), EVERY, ids=IDS)
def test_the_mean_is_weighted_by_samples(cls: type[SampleLoss], settings: dict[str, Any], made: Any) -> None:
    logits, target = made()
    loss = cls(**KEYS, **settings)
    each = torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(4)])
    expected = (WEIGHTS * each).sum() / WEIGHTS.sum()
    found = cls(**KEYS, **settings, sample_weights="data.input.w").compute(batch_of(logits, target, w=WEIGHTS))
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    none = cls(**KEYS, **settings, sample_weights="data.input.w", weight=3)
    batch = NestedDict({"data.gt.target": target, "data.input.w": torch.zeros(4, 1)})
    assert float(none.compute(batch_of(logits, target, w=torch.zeros(4)))) == 0
    gradient = slope(lambda pred: none.compute(NestedDict({**batch, "model.logits.head": pred})), logits)
    assert not bool(gradient.any())


@pytest.mark.parametrize(("cls", "settings", "made"), EVERY, ids=IDS)
def test_a_filter_leaves_the_loss_of_the_rest(cls: type[SampleLoss], settings: dict[str, Any], made: Any) -> None:
    logits, target = made()
    site = torch.tensor([1.0, 2.0, 1.0, 0.1])
    logits[1] = torch.nan  # what does not count may hold anything
    loss = cls(**KEYS, **settings, only_key="data.input.site", only_values=[1, 0.1])
    found = loss.compute(batch_of(logits, target, site=site))
    rest = [0, 2, 3]
    assert float(found) == pytest.approx(float(cls(**KEYS, **settings)(logits[rest], target[rest])), rel=1e-6)
    nobody = loss.model_copy(update={"only_values": [7.0]})
    gradient = slope(lambda pred: nobody.compute(batch_of(pred, target, site=site)), logits)
    assert float(nobody.compute(batch_of(logits, target, site=site))) == 0
    assert not bool(gradient.any())


def test_weights_of_classes_and_samples_multiply() -> None:
    logits, labels = example()
    own = torch.tensor([1.0, 2.0, 5.0])[labels] * WEIGHTS
    surprise = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    loss = CrossEntropy(**KEYS, class_weights=[1, 2, 5], sample_weights="data.input.w")
    found = loss.compute(batch_of(logits, labels, w=WEIGHTS))
    assert float(found) == pytest.approx(float((own * surprise).sum() / own.sum()), rel=1e-5)


def test_dice_over_the_batch_weighs_the_pixels_of_each_sample() -> None:
    logits, labels = example(5, 6)
    loss = Dice(**KEYS, batch=True, sample_weights="data.input.w")
    twice = loss.compute(batch_of(logits, labels, w=torch.tensor([2.0, 1.0, 0.0, 0.0])))
    chosen = [0, 0, 1]
    assert float(twice) == pytest.approx(float(Dice(**KEYS, batch=True)(logits[chosen], labels[chosen])), rel=1e-5)


@pytest.mark.parametrize("weights", [torch.tensor([1, 1, 1, -0.5]), torch.tensor([1, 1, 1, torch.nan])])
def test_a_weight_that_no_sample_can_have_is_named(weights: torch.Tensor) -> None:
    loss = CrossEntropy(**KEYS, sample_weights="data.input.w")
    with pytest.raises(FuseError, match=r"sample_weights: 'data\.input\.w' holds a weight.*got (nan|-0\.5)"):
        loss.compute(batch_of(*example(), w=weights))
    with pytest.raises(FuseError, match=r"one number a sample.*got \(4, 2\)"):
        loss.compute(batch_of(*example(), w=torch.ones(4, 2)))
    texts = NestedDict({**batch_of(*example()), "data.input.w": ["a", "b", "a", "b"]})
    with pytest.raises(FuseError, match="sample_weights: .*one number a sample.*got a list"):
        loss.compute(texts)


class Whole(Loss):
    """A loss that knows no samples."""

    pred: str = "model.logits.head"
    """Logits."""

    def __call__(self) -> torch.Tensor:
        return torch.ones(())


def test_what_cannot_be_weighed_says_so() -> None:
    with pytest.raises(FuseError, match="sample_weights: Whole gives one number for a batch"):
        Whole(sample_weights="data.input.w").compute(batch_of(*example(), w=WEIGHTS))
    with pytest.raises(ValidationError, match="only_key"):
        CrossEntropy(**KEYS, only_values=[1])


@pytest.mark.parametrize("missing", [-1, 255])
@pytest.mark.parametrize("cls", OF_PIXELS)
def test_pixels_without_a_label_do_not_count(cls: type[Any], missing: int) -> None:
    logits, labels = example(4, 6)
    rest = (logits[..., :3], labels[..., :3])
    torn = labels.clone()
    torn[..., 3:] = missing
    loss = cls(**KEYS, missing=missing)
    assert float(loss(logits, torn)) == pytest.approx(float(cls(**KEYS)(*rest)), rel=1e-5)
    assert not bool(slope(loss, logits, torn)[..., 3:].any())
    with pytest.raises(FuseError, match=f"holds the class {missing}"):
        cls(**KEYS)(logits, torn)
    with pytest.raises(FuseError, match="holds the class 7"):
        loss(logits, torch.full_like(torn, 7))


@pytest.mark.parametrize("cls", [*OF_PIXELS, CrossEntropy])
def test_samples_without_a_label_do_not_count(cls: type[Any]) -> None:
    logits, labels = example() if cls is CrossEntropy else example(4, 6)
    torn = labels.clone()
    torn[[0, 2]] = -1
    loss = cls(**KEYS, missing=-1)
    assert float(loss(logits, torn)) == pytest.approx(float(loss(logits[[1, 3]], labels[[1, 3]])), rel=1e-5)
    none = torch.full_like(labels, -1)
    assert float(loss(logits, none)) == 0
    assert not bool(slope(loss, logits, none).any())
    # small whole numbers as they come from a file
    assert float(loss(logits, torn.to(torch.int8))) == pytest.approx(float(loss(logits, torn)))


@pytest.mark.parametrize("cls", [BinaryCrossEntropy, Focal])
def test_labels_that_nobody_knows_do_not_count(cls: type[Any]) -> None:
    logits, truth = marks()
    settings = {} if cls is BinaryCrossEntropy else {"activation": "sigmoid"}
    torn = truth.clone()
    torn[:, 1] = -1
    loss = cls(**KEYS, missing=-1, **settings)
    assert float(loss(logits, torn)) == pytest.approx(float(loss(logits[:, [0, 2]], truth[:, [0, 2]])), rel=1e-5)
    with pytest.raises(FuseError, match=r"'data\.gt\.target' holds -1.*expected marks from 0 to 1, or `missing`"):
        cls(**KEYS, **settings)(logits, torn)


@pytest.mark.parametrize("cls", OF_NUMBERS)
@pytest.mark.parametrize("missing", ["nan", float("nan"), -99.0])
def test_numbers_that_nobody_knows_do_not_count(cls: type[Any], missing: Any) -> None:
    pred, target = marks()
    torn = target.clone()
    torn[1:3] = float(missing)
    loss = cls.model_validate({**KEYS, "missing": missing})
    assert float(loss(pred, torn)) == pytest.approx(float(loss(pred[[0, 3]], target[[0, 3]])), rel=1e-5)
    assert bool(torch.isfinite(slope(loss, pred, torn)).all())


def test_a_mixture_hands_its_weights_and_filter_down() -> None:
    logits, labels = example()
    inner = [
        {"CrossEntropy": {**KEYS, "weight": 2, "sample_weights": "data.input.w"}},
        {"Focal": {**KEYS, "weight": 0.5}},
    ]
    loss = Mixture.model_validate(
        {"losses": inner, "weight": 3, "sample_weights": "data.input.v", "only_key": "data.input.site",
         "only_values": [1]}
    )  # fmt: skip
    v, site = torch.tensor([1.0, 3.0, 1.0, 2.0]), torch.tensor([1, 1, 0, 1])
    found = loss.compute(batch_of(logits, labels, w=WEIGHTS, v=v, site=site))
    kept = site == 1
    cross = CrossEntropy(**KEYS).average(logits[kept], labels[kept], (WEIGHTS * v)[kept])
    focal = Focal(**KEYS).average(logits[kept], labels[kept], v[kept])
    assert float(found) == pytest.approx(3 * (2 * float(cross) + 0.5 * float(focal)), rel=1e-5)
    wrong = batch_of(logits, labels[:3], w=WEIGHTS[:3], v=v[:3], site=site[:3])
    with pytest.raises(FuseError, match=r"losses\.0\.CrossEntropy\.target: prediction and target differ"):
        Mixture.model_validate({"losses": inner}).compute(wrong)
