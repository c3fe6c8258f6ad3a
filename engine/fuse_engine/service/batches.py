"""One batch that a run trained on, rebuilt."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fuse_engine.run.folder import RunFolder
from fuse_engine.run.microscope import Seen, look
from fuse_engine.run.replay import Replay, drawn, images_of
from fuse_engine.service.identity import identity
from fuse_engine.service.pictures import picture
from fuse_engine.service.work import Work


def batch(work: Work, run: str, step: int) -> dict[str, Any]:
    """Return the samples of a step of a run, counted from 0: pictures, drawn values, and the loss of each.

    Raises:
        RunError: when the run has not taken this step.
        FuseError: when the run's experiment cannot be used any more.
    """
    folder = RunFolder(run)
    folder.check()
    files = [identity(path) for path in (folder.path / "experiment.yaml", folder.split)]
    replay = _replay(folder, str(files))
    work.check()
    found = look(folder, step, replay)
    return {
        "step": found.step,
        "epoch": found.epoch,
        "samples": [_plain(seen) for seen in found.samples],
        "note": found.note,
    }


def _plain(seen: Seen) -> dict[str, Any]:
    images = {} if seen.sample is None else images_of(seen.sample)
    return {
        "id": seen.id,
        "loss": seen.loss,
        "losses": seen.losses,
        "applied": [] if seen.sample is None else drawn(seen.sample),
        "pictures": {key: picture(image) for key, image in images.items()},
    }


@lru_cache(maxsize=1)
def _replay(folder: RunFolder, files: str) -> Replay:
    """Return what makes a run's samples again, kept while its files stay the same."""
    return Replay.of(folder)
