"""Gets the loops of the augmentation ready while nobody waits, so that the first preview does not.

What was never used on this machine is compiled, which takes tens of seconds, once; all else is read from disk.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.experiment import Experiment

_log = logging.getLogger(__name__)
_SIZE = 16
"""Pixels along each axis of the images that are augmented for nothing."""
NAME = "fuse-warm"
"""The thread that does it."""
_begun: set[str] = set()


def warm(experiment: Experiment, images: Mapping[str, NDArray[Any]]) -> None:
    """Begin to get ready what augments images like these, in a thread of its own; once for the same steps."""
    small = {key: _like(image) for key, image in images.items()}
    kinds = [(key, image.shape, image.dtype.str, image.flags.writeable) for key, image in small.items()]
    mark = f"{[spec.name for spec in experiment.augmentation]} {kinds}"
    if small and mark not in _begun:
        _begun.add(mark)
        threading.Thread(target=_warm, name=NAME, args=(experiment, small), daemon=True).start()


def _like(image: NDArray[Any]) -> NDArray[Any]:
    """Return a small image of the same type; loops are compiled for each, and for what cannot be changed."""
    small = np.zeros((len(image), *[_SIZE] * (image.ndim - 1)), image.dtype)
    small.flags.writeable = image.flags.writeable
    return small


def _warm(experiment: Experiment, images: Mapping[str, NDArray[Any]]) -> None:
    # these take a second to import, and this is not the thread that somebody waits for
    from fuse_engine.augment import Affine, Augmentation, Augmenter, Blur, Elastic, Gamma, GaussianNoise
    from fuse_engine.core.batch import NestedDict
    from fuse_engine.service.augmentation.subject import augmentations

    dims = next(iter(images.values())).ndim
    keys = [key for key, image in images.items() if image.ndim == dims]
    values = [key for key in keys if images[key].dtype.kind == "f"][:1]
    numbered = {key: image.astype(np.int32) for key, image in images.items() if image.dtype.kind != "f"}
    try:
        usual: list[Augmentation] = [Affine(keys=keys), Elastic(keys=keys)]
        if values:
            usual += [Gamma(keys=values), GaussianNoise(keys=values), Blur(keys=values)]
        # components of labels, which the damage meter follows, are numbers of 32 bits
        turns = (augmentations(experiment), images), (usual, images), (usual, {**images, **numbered})
        for steps, found in turns:
            augmenter, sample = Augmenter(steps, 0), NestedDict({**found, "data.id": ""})
            augmenter.apply(sample, augmenter.extreme(sample, high=True))
    except Exception as error:  # noqa: BLE001 the boundary of the thread: whoever asks for a preview is told
        _log.info("nothing was made ready for the augmentation: %s", error)
