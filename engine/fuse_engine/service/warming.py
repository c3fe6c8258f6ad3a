"""Gets the loops of the augmentation ready while nobody waits, so that the first preview does not.

What was never used on this machine is compiled, which takes tens of seconds, once; all else is read from disk.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from fuse_engine.core.experiment import Experiment

_log = logging.getLogger(__name__)
_SIZE = 16
"""Pixels along each axis of the images that are augmented for nothing."""
_begun: set[str] = set()


def warm(experiment: Experiment, types: Mapping[str, tuple[int, int, str]]) -> None:
    """Begin to get ready what augments a sample, in a thread of its own; once for the same steps.

    `types` are number of axes, channels and dtype of the sample's images.
    """
    mark = f"{[spec.name for spec in experiment.augmentation]} {types}"
    if mark not in _begun:
        _begun.add(mark)
        threading.Thread(target=_warm, args=(experiment, types), daemon=True).start()


def _warm(experiment: Experiment, types: Mapping[str, tuple[int, int, str]]) -> None:
    # numba takes a second to import, and this is not the thread that somebody waits for
    import numpy as np

    from fuse_engine.augment import Affine, Augmenter, Blur, Elastic, Gamma, GaussianNoise
    from fuse_engine.core.batch import NestedDict
    from fuse_engine.service.augmented import augmentations

    leaves: dict[str, Any] = {
        key: np.zeros((channels, *[_SIZE] * dims), dtype) for key, (dims, channels, dtype) in types.items()
    }
    for array in leaves.values():
        array.flags.writeable = False  # as what the cache holds, for which loops are compiled separately
    images = [key for key in leaves if leaves[key].dtype.kind == "f"][:1]
    try:
        usual = [Affine(keys=list(leaves)), Elastic(keys=list(leaves))]
        usual += [step(keys=images) for step in (Gamma, GaussianNoise, Blur)] if images else []
        for steps in (augmentations(experiment), usual):
            augmenter, sample = Augmenter(steps, 0), NestedDict({**leaves, "data.id": ""})
            augmenter.apply(sample, augmenter.extreme(sample, high=True))
    except Exception as error:  # noqa: BLE001 the boundary of the thread: whoever asks for a preview is told
        _log.info("nothing was made ready for the augmentation: %s", error)
