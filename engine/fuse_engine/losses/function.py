"""The losses of torch and MONAI as they are."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Literal, get_args

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from fuse_engine import libraries
from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.keys import LogitsKey, TruthKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Activation, SampleLoss, weighted_mean
from fuse_engine.losses.resize import Resize
from fuse_engine.losses.truth import label_map, numbers, one_class, several

Argument = bool | int | float | str | list[Any] | None
"""Plain data, nothing that can be called."""
OfClasses = Literal[
    "torch.nn.CrossEntropyLoss", "torch.nn.MultiMarginLoss", "monai.losses.NACLLoss",
    "monai.losses.GeneralizedWassersteinDiceLoss",
]  # fmt: skip
"""Take a class number of each sample or pixel."""
OfLabels = Literal["torch.nn.BCEWithLogitsLoss", "torch.nn.MultiLabelSoftMarginLoss", "torch.nn.SoftMarginLoss"]
"""Take a mark of each label."""
OfRegions = Literal[
    "monai.losses.DiceLoss", "monai.losses.DiceCELoss", "monai.losses.DiceFocalLoss", "monai.losses.FocalLoss",
    "monai.losses.GeneralizedDiceLoss", "monai.losses.GeneralizedDiceFocalLoss", "monai.losses.TverskyLoss",
    "monai.losses.HausdorffDTLoss", "monai.losses.LogHausdorffDTLoss", "monai.losses.SoftclDiceLoss",
    "monai.losses.SoftDiceclDiceLoss", "monai.losses.MCCLoss", "monai.losses.BoundaryLoss",
]  # fmt: skip
"""Take the marks of each region, and are told the activation."""
OfNumbers = Literal[
    "torch.nn.L1Loss", "torch.nn.MSELoss", "torch.nn.SmoothL1Loss", "torch.nn.HuberLoss",
    "torch.nn.PoissonNLLLoss",
    "monai.losses.SSIMLoss", "monai.losses.LocalNormalizedCrossCorrelationLoss",
    "monai.losses.GlobalMutualInformationLoss", "monai.losses.JukeboxLoss",
]  # fmt: skip
"""Take numbers in the shape of the prediction."""
Function = Literal[OfClasses, OfLabels, OfRegions, OfNumbers]
"""The losses there are. Left out are those of more than a prediction and a truth, those of probabilities that have
a twin of logits here, and those that load weights."""

_TENSORS = ("weight", "pos_weight")
"""Arguments that torch wants as tensors."""
_OURS = ("reduction", "to_onehot_y", "softmax", "sigmoid", "use_softmax", "size_average", "reduce", "other_act")
"""Arguments that follow from the fields here."""
_PLAIN = (bool, int, float, str, type(None))


def _data(arguments: dict[str, Any]) -> dict[str, Any]:
    for name, value in arguments.items():
        if name in _OURS:
            raise ValueError(f"expected no argument '{name}': it follows from the other fields")
        if name == "ignore_index":
            raise ValueError(
                "expected no argument 'ignore_index': it is `missing` of CrossEntropy and SegmentationCrossEntropy"
            )
        if not _is_data(value):
            raise ValueError(f"expected numbers, texts and lists of them, not the '{name}' that is given")
    return arguments


def _is_data(value: Any) -> bool:
    return all(map(_is_data, value)) if isinstance(value, list) else isinstance(value, _PLAIN)


@register
class LossFunction(SampleLoss):
    """A loss of torch or MONAI by its name there, its truth brought into the form it wants."""

    function: Function
    """Loss as its library calls it, e.g. `torch.nn.SmoothL1Loss`, `monai.losses.GeneralizedDiceLoss`."""
    arguments: Annotated[dict[str, Argument], AfterValidator(_data)] = Field(default_factory=dict)
    """Its arguments as its library describes them, e.g. `{beta: 0.5}`; numbers, texts and lists of them."""
    pred: LogitsKey
    """Logits, or numbers of a regression head, e.g. `model.logits.segmentation`."""
    target: TruthKey
    """Classes (batch,), a label map (batch, 1, [z,] y, x), marks of labels, or numbers, as the loss needs."""
    activation: Literal["softmax", "sigmoid"] = "softmax"
    """For MONAI's losses of regions: what the head makes of its logits, shares of classes or each label by
    itself."""
    resize: Resize = "nearest"
    """How a truth of another size gets that of the logits: its nearest pixel, or the highest class of a block."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        if self._of(OfRegions):
            return self.activation
        return "softmax" if self._of(OfClasses) else "sigmoid" if self._of(OfLabels) else "none"

    def _of(self, group: Any) -> bool:
        return self.function in get_args(group)

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the loss as its library averages it; with `weights` the weighted mean over samples.

        Raises:
            FuseError: when shapes, classes or arguments do not fit, or samples cannot be told apart.
        """
        truth = self._truth(pred, target)
        if weights is not None and self.function == "torch.nn.CrossEntropyLoss" and "weight" in self.arguments:
            raise FuseError(
                "torch does not say by which classes it divides the loss of a sample", where="sample_weights",
                expected="nothing here, or CrossEntropy or SegmentationCrossEntropy with `class_weights`",
            )  # fmt: skip
        loss = self._made("mean" if weights is None else "none", pred)
        try:
            found: Tensor = loss(pred.float(), truth)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
            raise FuseError(f"{self.function} cannot be computed: {_line(error)}", where="function") from error
        if weights is None:
            return found
        if found.ndim == 0 or len(found) != len(pred):
            raise FuseError(
                f"{self.function} does not tell samples apart", where="sample_weights", expected="nothing here"
            )
        each = found.reshape(len(found), -1).mean(1)
        return weighted_mean(each, torch.ones_like(each), weights)

    def _truth(self, pred: Tensor, target: Tensor) -> Tensor:
        if self._of(OfNumbers):
            return numbers(pred, target, self.target, None).values
        if self.head_activation == "sigmoid":
            marks = several(pred, target, self.target, self.resize).values
            return 2 * marks - 1 if self.function == "torch.nn.SoftMarginLoss" else marks
        if pred.ndim == 2:
            return one_class(pred, target, self.target).values
        labels = label_map(pred, target, self.target, self.resize).values
        return labels[:, None] if self._of(OfRegions) or "Wasserstein" in self.function else labels

    def _made(self, reduction: str, pred: Tensor) -> nn.Module:
        """Return the loss of the library.

        Raises:
            FuseError: naming the argument that it does not have.
        """
        cls = loss_class(self.function)
        known = {name: item for name, item in inspect.signature(cls).parameters.items() if name not in _OURS}
        unknown = [name for name in self.arguments if name not in known]
        if unknown:
            raise FuseError(
                f"{cls.__name__} has no argument '{unknown[0]}'", where="arguments",
                expected=f"some of {', '.join(known)}" if known else "none", nearest=nearest(unknown[0], known),
            )  # fmt: skip
        try:
            made: nn.Module = cls(**self._tensors(pred), **self._settings(cls, reduction))
        except (TypeError, ValueError, RuntimeError) as error:
            raise FuseError(f"{cls.__name__} cannot be made: {_line(error)}", where="arguments") from error
        return made

    def _tensors(self, pred: Tensor) -> dict[str, Any]:
        # torch lays the weights of labels along the last axis, where pixels may be as many as labels
        shape = [-1, *[1] * (pred.ndim - 2)] if self._of(OfLabels) else None
        found: dict[str, Any] = dict(self.arguments)
        for name, value in self.arguments.items():
            if isinstance(value, list) and (name in _TENSORS or name == "dist_matrix"):
                tensor = torch.tensor(value, dtype=torch.float32, device=pred.device)
                found[name] = tensor.reshape(shape) if shape else tensor
        return found

    def _settings(self, cls: type[nn.Module], reduction: str) -> dict[str, Any]:
        """Return the arguments that follow from the fields, those that the loss has."""
        softmax = self.activation == "softmax"
        given = {
            "reduction": reduction, "to_onehot_y": softmax, "softmax": softmax, "sigmoid": not softmax,
            "use_softmax": softmax,
        }  # fmt: skip
        known = inspect.signature(cls).parameters
        return {name: value for name, value in given.items() if name in known}


def loss_class(function: str) -> type[nn.Module]:
    """Return the class of one of the losses in the list."""
    library, _, name = function.rpartition(".")
    if library == "torch.nn":
        found: type[nn.Module] = getattr(nn, name)
        return found
    found = getattr(libraries.library("monai", "losses"), name)
    return found


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
