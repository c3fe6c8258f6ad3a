"""What turns an image, a signal or a vector into features."""

from fuse_engine.models.backbones.convnext import ConvNeXt
from fuse_engine.models.backbones.densenet import DenseNet
from fuse_engine.models.backbones.fit import build_backbone, check_dims
from fuse_engine.models.backbones.inception import InceptionResNetV2, InceptionV3
from fuse_engine.models.backbones.mlp import MLP
from fuse_engine.models.backbones.mobilenet import EfficientNet, MobileNet, MobileNetV2
from fuse_engine.models.backbones.nasnet import NASNetLarge, NASNetMobile
from fuse_engine.models.backbones.pretrained import restored
from fuse_engine.models.backbones.resnet import ResNet
from fuse_engine.models.backbones.resnext import ResNeXt
from fuse_engine.models.backbones.seresnet import SEResNet
from fuse_engine.models.backbones.swin import SwinTransformer
from fuse_engine.models.backbones.vgg import VGG
from fuse_engine.models.backbones.vit import ViT
from fuse_engine.models.backbones.xception import Xception

__all__ = [
    "MLP",
    "VGG",
    "ConvNeXt",
    "DenseNet",
    "EfficientNet",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "NASNetLarge",
    "NASNetMobile",
    "ResNeXt",
    "ResNet",
    "SEResNet",
    "SwinTransformer",
    "ViT",
    "Xception",
    "build_backbone",
    "check_dims",
    "restored",
]
