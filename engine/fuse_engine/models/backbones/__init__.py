"""What turns an image, a signal or a vector into features."""

from fuse_engine.models.backbones.resnet import ResNet

__all__ = ["ResNet"]
