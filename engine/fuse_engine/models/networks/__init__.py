"""Whole networks from image to label map."""

from fuse_engine.models.networks.backbone_unet import BackboneUNet
from fuse_engine.models.networks.deeplab import DeepLabV3Plus
from fuse_engine.models.networks.dyn_unet import DynUNet
from fuse_engine.models.networks.fpn import FPN
from fuse_engine.models.networks.linknet import LinkNet
from fuse_engine.models.networks.pspnet import PSPNet
from fuse_engine.models.networks.res_unet import ResUNet
from fuse_engine.models.networks.seg_resnet import SegResNet
from fuse_engine.models.networks.unet import UNet

__all__ = [
    "FPN",
    "BackboneUNet",
    "DeepLabV3Plus",
    "DynUNet",
    "LinkNet",
    "PSPNet",
    "ResUNet",
    "SegResNet",
    "UNet",
]
