"""What an augmentation does to a sample: exactly what training will see."""

from __future__ import annotations

from typing import Any

from fuse_engine.service.augmented import Draw, draw_for
from fuse_engine.service.pictures import picture, picture_of
from fuse_engine.service.work import Work


def augment(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    draw: Draw,
) -> dict[str, Any]:
    """Return all images of a sample before and after augmentation, what was drawn, and what is odd about it.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
    """
    (drawn,) = draw_for(work, experiment, folder, id, [draw])
    subject = drawn.subject
    after = drawn.augmenter.apply(subject.leaves, drawn.applied)
    subject.done = (drawn.mark, after)
    return {
        "before": {key: picture(image) for key, image in subject.images.items()},
        "after": {
            key: picture_of(after[key], subject.grid(key, after[key].shape[1:], after), image.label)
            for key, image in subject.images.items()
        },
        "applied": drawn.record,
        "times": [],
        "damage": [],
        "warnings": [],
    }
