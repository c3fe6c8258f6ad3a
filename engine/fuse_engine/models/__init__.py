"""What is trained: backbones, heads and networks as settings that build torch modules over the batch dict."""

from fuse_engine.models.backbones import ResNet
from fuse_engine.models.base import Backbone, Head, Model, Network, Shapes
from fuse_engine.models.heads import (
    DenseSegmentation,
    GlobalPoolingClassifier,
    GlobalPoolingMultiLabel,
    GlobalPoolingRegression,
    GlobalPoolingSurvival,
    TabularClassifier,
)
from fuse_engine.models.multihead import MultiHead
from fuse_engine.models.networks import UNet
from fuse_engine.models.wrap import Wrap

__all__ = [
    "Backbone",
    "DenseSegmentation",
    "GlobalPoolingClassifier",
    "GlobalPoolingMultiLabel",
    "GlobalPoolingRegression",
    "GlobalPoolingSurvival",
    "Head",
    "Model",
    "MultiHead",
    "Network",
    "ResNet",
    "Shapes",
    "TabularClassifier",
    "UNet",
    "Wrap",
]
