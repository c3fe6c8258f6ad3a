"""The losses of torch and MONAI as they are."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
from pydantic import ValidationError

from fuse_engine import libraries
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.losses import BinaryCrossEntropy, CrossEntropy, Dice, LossFunction
from fuse_engine.losses.function import Function
from tests.engine.losses.made import KEYS, example, marks, slope

ARGUMENTS: dict[str, dict[str, Any]] = {
    "monai.losses.NACLLoss": {"classes": 3, "dim": 2},
    "monai.losses.GeneralizedWassersteinDiceLoss": {"dist_matrix": [[0, 1, 2], [1, 0, 1], [2, 1, 0]]},
    "monai.losses.SSIMLoss": {"spatial_dims": 2, "win_size": 3},
    "monai.losses.LocalNormalizedCrossCorrelationLoss": {"spatial_dims": 2},
    "monai.losses.JukeboxLoss": {"spatial_dims": 2},
}


@pytest.mark.parametrize("name", get_args(Function))
def test_every_function_has_a_finite_slope(name: str) -> None:
    loss = LossFunction.model_validate({**KEYS, "function": name, "arguments": ARGUMENTS.get(name, {})})
    of_samples = name == "torch.nn.MultiMarginLoss"
    logits, truth = example() if of_samples else example(12, 10)
    if loss.head_activation == "sigmoid":
        truth = (logits.roll(1, 0) > 0).float()
    elif loss.head_activation == "none":
        logits, truth = logits.sigmoid(), logits.roll(1, 0).sigmoid()
    found = slope(loss, logits, truth)
    assert bool(torch.isfinite(found).all())
    assert bool(found.any())


def test_a_function_is_what_its_library_makes_of_it() -> None:
    logits, labels = example(6, 5)
    torchs = LossFunction(**KEYS, function="torch.nn.CrossEntropyLoss", arguments={"weight": [1, 2, 3]})
    expected = torch.nn.CrossEntropyLoss(torch.tensor([1.0, 2, 3]))(logits, labels[:, 0])
    assert float(torchs(logits, labels)) == pytest.approx(float(expected), rel=1e-6)
    losses = libraries.library("monai", "losses")
    made = losses.GeneralizedDiceLoss(softmax=True, to_onehot_y=True, w_type="simple")
    monais = LossFunction(**KEYS, function="monai.losses.GeneralizedDiceLoss", arguments={"w_type": "simple"})
    assert float(monais(logits, labels)) == pytest.approx(float(made(logits, labels)), rel=1e-6)
    several = marks(6, 5)
    focal = LossFunction(**KEYS, function="monai.losses.FocalLoss", activation="sigmoid")
    assert float(focal(*several)) == pytest.approx(float(losses.FocalLoss()(*several)), rel=1e-6)
    smooth = LossFunction(**KEYS, function="torch.nn.SmoothL1Loss", arguments={"beta": 0.5})
    expected = torch.nn.SmoothL1Loss(beta=0.5)(*several)
    assert float(smooth(*several)) == pytest.approx(float(expected), rel=1e-6)


def test_a_function_weighs_samples_where_its_library_tells_them_apart() -> None:
    logits, labels = example(6, 5)
    weights = torch.tensor([1.0, 0.0, 2.0, 1.0])
    batch = NestedDict({"model.logits.head": logits, "data.gt.target": labels, "data.input.w": weights})
    names = {"sample_weights": "data.input.w"}
    found = LossFunction(
        **KEYS, **names, function="monai.losses.DiceLoss", arguments={"smooth_nr": 1, "smooth_dr": 1}
    )
    assert float(found.compute(batch)) == pytest.approx(float(Dice(**KEYS, **names).compute(batch)), rel=1e-5)
    whole = LossFunction(**KEYS, **names, function="monai.losses.GeneralizedWassersteinDiceLoss",
                         arguments=ARGUMENTS["monai.losses.GeneralizedWassersteinDiceLoss"])  # fmt: skip
    assert bool(torch.isfinite(whole.compute(batch)))
    logits, labels = example()
    alone = LossFunction(**KEYS, function="torch.nn.CrossEntropyLoss").average(logits, labels, weights)
    assert float(alone) == pytest.approx(float(CrossEntropy(**KEYS).average(logits, labels, weights)), rel=1e-5)
    weighted = LossFunction(**KEYS, function="torch.nn.CrossEntropyLoss", arguments={"weight": [1, 2, 9]})
    with pytest.raises(FuseError, match=r"^sample_weights: torch does not say.*`class_weights`"):
        weighted.average(logits, labels, weights)


def test_weights_of_labels_are_not_laid_along_the_pixels() -> None:
    logits, truth = marks(3, 3)  # as many columns as labels
    settings = {"function": "torch.nn.BCEWithLogitsLoss", "arguments": {"pos_weight": [1, 2, 9]}}
    expected = BinaryCrossEntropy(**KEYS, positive_weights=[1, 2, 9])(logits, truth)
    assert float(LossFunction(**KEYS, **settings)(logits, truth)) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(
    "name", ["os.system", "torch.nn.CTCLoss", "monai.losses.PerceptualLoss", "my.module.Loss"]
)
def test_only_losses_of_the_list_are_taken(name: str) -> None:
    with pytest.raises(ValidationError, match=r"torch\.nn\.CrossEntropyLoss"):
        LossFunction.model_validate({**KEYS, "function": name})


def test_arguments_are_plain_and_known() -> None:
    given = {**KEYS, "function": "torch.nn.SmoothL1Loss"}
    with pytest.raises(ValidationError, match="no argument 'reduction': it follows from the other fields"):
        LossFunction.model_validate({**given, "arguments": {"reduction": "sum"}})
    with pytest.raises(ValidationError, match="'ignore_index': it is `missing` of CrossEntropy"):
        LossFunction.model_validate({**given, "arguments": {"ignore_index": 255}})
    with pytest.raises(ValidationError, match="numbers, texts and lists"):
        LossFunction.model_validate({**given, "arguments": {"beta": [print]}})
    loss = LossFunction.model_validate({**given, "arguments": {"betta": 1}})
    with pytest.raises(FuseError, match=r"arguments: SmoothL1Loss has no argument 'betta'.*did you mean 'beta'"):
        loss(*marks())
    loss = LossFunction.model_validate({**given, "arguments": {"beta": "wide"}})
    with pytest.raises(FuseError, match="SmoothL1Loss cannot be"):
        loss(*marks())
