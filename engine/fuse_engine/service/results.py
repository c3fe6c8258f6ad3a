"""What a trained run says about one sample, and where it looks."""

from __future__ import annotations

from typing import Any

from fuse_engine.data.image import Image
from fuse_engine.run import explain, infer
from fuse_engine.run.folder import RunFolder
from fuse_engine.service.pictures import Picture, picture
from fuse_engine.service.work import Work


def predict(work: Work, run: str, checkpoint: str, id: str) -> dict[str, Any]:  # noqa: A002 the protocol's name
    """Return the class probabilities of each head, and the predicted mask beside image and truth.

    Raises:
        RunError: when the run has no such checkpoint.
        SampleError: when the sample cannot be read.
    """
    found = infer.predict_one(RunFolder(run), id, checkpoint)
    return {
        "outputs": found.outputs,
        "pred": _maybe(found.pred),
        "prob": _maybe(found.prob),
        "image": picture(found.image),
        "gt": _maybe(found.gt),
    }


def heatmap(
    work: Work,
    run: str,
    checkpoint: str,
    id: str,  # noqa: A002 the protocol's name
    head: str | None = None,
    target: int | None = None,
) -> dict[str, Any]:
    """Return where a run sees class `target` in a sample, from 0 to 1, and the size of a cell in mm ([z,] y, x).

    Raises:
        RunError: for an unknown checkpoint, head or class.
        SampleError: when the sample cannot be read.
    """
    heat = explain.explain(RunFolder(run), id, head, target, checkpoint=checkpoint)
    return {
        "heat": picture(heat.image),
        "cell_mm": list(heat.cell_mm),
        "head": heat.head,
        "target": heat.target,
    }


def _maybe(image: Image | None) -> Picture | None:
    return picture(image) if image is not None else None
