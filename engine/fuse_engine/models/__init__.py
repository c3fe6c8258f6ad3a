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
from fuse_engine.models.networks import (
    FPN,
    BackboneUNet,
    DeepLabV3Plus,
    DynUNet,
    LinkNet,
    PSPNet,
    ResUNet,
    SegResNet,
    UNet,
)
from fuse_engine.models.siamese import Siamese
from fuse_engine.models.wrap import Wrap
from fuse_engine.models.wrap_module import WrapModule

__all__ = [
    "FPN",
    "Backbone",
    "BackboneUNet",
    "DeepLabV3Plus",
    "DenseSegmentation",
    "DynUNet",
    "Ensemble",
    "GlobalPoolingClassifier",
    "GlobalPoolingMultiLabel",
    "GlobalPoolingRegression",
    "GlobalPoolingSurvival",
    "Head",
    "LinkNet",
    "Model",
    "MultiHead",
    "Multistream",
    "Network",
    "PSPNet",
    "ResNet",
    "ResUNet",
    "SegResNet",
    "Shapes",
    "Siamese",
    "Stream",
    "TabularClassifier",
    "UNet",
    "Wrap",
    "WrapModule",
]
