"""What is trained: backbones, heads and networks as settings that build torch modules over the batch dict."""

from fuse_engine.models.backbones import ResNet
from fuse_engine.models.base import Backbone, Head, Model, Network, Shapes
from fuse_engine.models.ensemble import Ensemble
from fuse_engine.models.heads import (
    DenseSegmentation,
    GlobalPoolingClassifier,
    GlobalPoolingMultiLabel,
    GlobalPoolingRegression,
    GlobalPoolingSurvival,
    TabularClassifier,
)
from fuse_engine.models.multihead import MultiHead
from fuse_engine.models.multistream import Multistream, Stream
from fuse_engine.models.networks import UNet
from fuse_engine.models.siamese import Siamese
from fuse_engine.models.wrap import Wrap
from fuse_engine.models.wrap_module import WrapModule

__all__ = [
    "Backbone",
    "DenseSegmentation",
    "Ensemble",
    "GlobalPoolingClassifier",
    "GlobalPoolingMultiLabel",
    "GlobalPoolingRegression",
    "GlobalPoolingSurvival",
    "Head",
    "Model",
    "MultiHead",
    "Multistream",
    "Network",
    "ResNet",
    "Shapes",
    "Siamese",
    "Stream",
    "TabularClassifier",
    "UNet",
    "Wrap",
    "WrapModule",
]
