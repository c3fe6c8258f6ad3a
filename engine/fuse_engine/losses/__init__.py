"""What training makes small: plain functions of tensors, with the keys they read as fields."""

from fuse_engine.losses.base import Loss, SampleLoss, leaves
from fuse_engine.losses.classification import BinaryCrossEntropy, CrossEntropy, SegmentationCrossEntropy
from fuse_engine.losses.combine import Mixture, WarmUp
from fuse_engine.losses.composite import Composite, losses_of
from fuse_engine.losses.dice_cross_entropy import DiceCrossEntropy
from fuse_engine.losses.focal import Focal
from fuse_engine.losses.function import LossFunction
from fuse_engine.losses.lovasz import Lovasz
from fuse_engine.losses.overlap import Dice, Tversky
from fuse_engine.losses.regression import L1, MSE, Huber
from fuse_engine.losses.survival import Cox

__all__ = [
    "L1", "MSE", "BinaryCrossEntropy", "Composite", "Cox", "CrossEntropy", "Dice", "DiceCrossEntropy", "Focal",
    "Huber", "Loss", "LossFunction", "Lovasz", "Mixture", "SampleLoss", "SegmentationCrossEntropy", "Tversky",
    "WarmUp", "leaves", "losses_of",
]  # fmt: skip
