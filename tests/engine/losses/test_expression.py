"""Losses as expressions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.core.errors import FuseError
from fuse_engine.losses import BinaryCrossEntropy, Composite, CrossEntropy, Dice, Focal, Loss, losses_of
from fuse_engine.losses.expression import factors
from tests.engine.losses.made import KEYS, example, marks

NAMES = ("a", "b_2", "Dice")
KNOWN = dict.fromkeys(NAMES)


def read(text: str) -> dict[str, float]:
    return factors(text, KNOWN, {"old": "write a"})


@st.composite
def expressions(draw: Any, depth: int = 3) -> tuple[str, dict[str, float]]:
    """Return a text and what it stands for, built side by side."""
    kind = draw(st.sampled_from(["name", "times", "minus", "paren", "plus", "subtract"] if depth else ["name"]))
    if kind == "name":
        name = draw(st.sampled_from(NAMES))
        return name, {name: 1.0}
    text, found = draw(expressions(depth - 1))
    if kind == "paren":
        return f"( {text} )", found
    if kind == "minus":
        return f"-({text})", {name: -factor for name, factor in found.items()}
    if kind == "times":
        number = draw(st.sampled_from(["2", "0.5", ".25", "1e-2", "3.", "(2*4)", "-2"]))
        value = {"(2*4)": 8.0}.get(number) or float(number)
        written = draw(st.sampled_from([f"{number}*({text})", f"({text}) * {number}"]))
        return written, {name: value * factor for name, factor in found.items()}
    other, more = draw(expressions(depth - 1))
    sign = 1 if kind == "plus" else -1
    total = {name: found.get(name, 0.0) + sign * more.get(name, 0.0) for name in {*found, *more}}
    return (f"{text} + {other}" if sign > 0 else f"{text}-({other})"), total


@settings(max_examples=150, deadline=None)
@given(expressions())
def test_what_is_read_is_what_was_written(pair: tuple[str, dict[str, float]]) -> None:
    text, expected = pair
    expected = {name: factor for name, factor in expected.items() if factor}
    if expected:
        assert read(text) == pytest.approx(expected)
    else:
        with pytest.raises(FuseError, match="no loss is left"):
            read(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab2 .()*+-e%\u00e9", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
    except FuseError as error:
        found = dict.fromkeys(NAMES, 0.0) if error.problems[0].where == "expression" else {"placeless": 0.0}
    assert set(found) <= set(NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the end at character 1 of ''; expected a loss, a number or ("),
        ("a+", "the end at character 3 of 'a+'"),
        ("a b_2", "'b_2' at character 3 of 'a b_2'; expected +, - or * between losses"),
        ("0.1a", "'a' at character 4"),
        ("2*(a+b_2", "the end at character 9 of '2*(a+b_2'; expected +, -, * or )"),
        ("a)", "')' at character 2"),
        ("a*b_2", "two losses that are multiplied at character 2"),
        ("a/2", "'/' at character 2 of 'a/2'; expected names, numbers, + - * ( )"),
        ("a + dice", "unknown loss 'dice' at character 5; expected one of a, b_2, Dice; did you mean 'Dice'?"),
        ("a+1", "the number 1 is added to the losses; expected every number as a factor of a loss"),
        ("2*old", "'old' at character 3 is not taken: write a"),
        ("a-a", "no loss is left"),
        ("1e999*a", "a factor is too large"),
        ("(" * 60 + "a" + ")" * 60, "more than 50 parentheses at character 51"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(FuseError) as found:
        read(text)
    assert message in str(found.value)


def test_the_seeds_example_by_hand() -> None:
    logits, truth = marks(6, 5, labels=1)
    loss = Composite(**KEYS, expression="binary_crossentropy+0.1*dice_loss")
    p = logits.double().sigmoid().flatten(1)
    t = truth.double().flatten(1)
    overlap = 1 - (2 * (p * t).sum(1) + 1) / ((p * p).sum(1) + (t * t).sum(1) + 1)
    expected = F.binary_cross_entropy_with_logits(logits, truth) + 0.1 * overlap.mean()
    assert float(loss(logits, truth)) == pytest.approx(float(expected), rel=1e-5)
    assert loss.head_activation == "sigmoid"
    assert not loss.may_be_negative


def test_names_of_classes_go_by_sample_or_pixel() -> None:
    loss = Composite(**KEYS, expression="2*categorical_crossentropy - focal_loss*0.5")
    assert loss.head_activation == "softmax"
    assert loss.may_be_negative
    for made in (example(), example(6, 5)):
        logits, labels = made
        surprise = F.cross_entropy(logits, labels if labels.ndim == 1 else labels[:, 0])
        expected = 2 * surprise - 0.5 * Focal(**KEYS)(logits, labels)
        assert float(loss(logits, labels)) == pytest.approx(float(expected), rel=1e-5)


def test_samples_are_weighed_and_ours_and_theirs_mix() -> None:
    logits, labels = example()
    weights = torch.tensor([1.0, 0.0, 2.0, 1.0])
    batch = NestedDict({"model.logits.head": logits, "data.gt.target": labels, "data.input.w": weights})
    loss = Composite(**KEYS, expression="-(-CrossEntropy)+focal_loss", sample_weights="data.input.w", weight=2)
    expected = CrossEntropy(**KEYS).average(logits, labels, weights) + Focal(**KEYS).average(
        logits, labels, weights
    )
    assert float(loss.compute(batch)) == pytest.approx(2 * float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("binary_crossentropy+CrossEntropy", "need another activation than sigmoid: CrossEntropy (softmax)"),
        ("mse+dice_loss", "need another activation than none: dice_loss (softmax or sigmoid)"),
        ("iou_coef_loss", "Musket's is minus a Dice overlap"),
        ("dise_loss", "did you mean 'dice_loss'"),
        ("Cox+Dice", "unknown loss 'Cox'"),
    ],
)
def test_what_cannot_be_together_is_refused_when_written(text: str, message: str) -> None:
    with pytest.raises(ValidationError) as found:
        Composite(**KEYS, expression=text)
    assert message in str(found.value)


def test_an_expression_becomes_losses() -> None:
    keys = ("model.logits.head", "data.gt.target", True)
    found = losses_of("binary_crossentropy+0.1*dice_loss", *keys)
    assert found == {
        "binary_crossentropy": {"BinaryCrossEntropy": KEYS},
        "dice_loss": {"Dice": {**KEYS, "weight": 0.1, "squared": True, "activation": "sigmoid"}},
    }
    logits, truth = marks(6, 5)
    batch = NestedDict({"model.logits.head": logits, "data.gt.target": truth})
    parts: list[Any] = [Slot("loss").parse(entry) for entry in found.values()]
    assert isinstance(parts[0], BinaryCrossEntropy)
    assert isinstance(parts[1], Dice)
    total = sum(float(part.compute(batch)) for part in parts)
    whole = Composite(**KEYS, expression="binary_crossentropy+0.1*dice_loss").compute(batch)
    assert total == pytest.approx(float(whole), rel=1e-5)


def test_a_minus_stays_an_expression() -> None:
    found = losses_of("CrossEntropy-0.1*focal_loss", "model.logits.head", "data.gt.target", False)
    assert found == {"composite": {"Composite": {**KEYS, "expression": "CrossEntropy-0.1*focal_loss"}}}
    loss = Slot("loss").parse(found["composite"])
    assert isinstance(loss, Loss)
