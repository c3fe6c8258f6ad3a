"""Which keys the steps of an augmentation are for: those of an experiment, or those that were named."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuse_engine.core.augmentation_presets import ImageKeys


def add_image_keys(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--experiment", type=Path, metavar="FILE", help="take images, label maps and axes from this experiment"
    )
    parser.add_argument("--image", action="append", default=[], metavar="KEY", help="image (may be repeated)")
    parser.add_argument("--label", action="append", default=[], metavar="KEY", help="label map (may be repeated)")
    parser.add_argument("--dims", type=int, choices=(2, 3), default=2, help="axes of the images (default: 2)")


def image_keys(options: argparse.Namespace) -> ImageKeys:
    """Return what was named, or what the samples of the experiment hold.

    Raises:
        FuseError: when the experiment cannot be followed to its samples.
    """
    from fuse_engine.core.augmentation_presets import ImageKeys

    if options.experiment is None:
        return ImageKeys(tuple(options.image or ["data.input.image"]), tuple(options.label), options.dims)
    from fuse_engine.cli.asking import ask
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.service.client import Engine

    # what it is augmented by does not matter here, and may be what is to be replaced
    experiment = Experiment.load(options.experiment).changed(("augmentation",), [])
    engine = Engine()
    try:
        flow = ask(engine, "flow", experiment)
    finally:
        engine.close()
    shapes = {item["key"]: tuple(item["shape"]) for item in flow if item["key"].startswith("data.")}
    labels = [item["key"] for item in flow if not item["dtype"].startswith("float")]
    return ImageKeys.of_shapes(shapes, labels)
