"""Trained runs as members of an ensemble: where they lie, what their model is, and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from fuse_engine.core.checkpoints import every_checkpoint
from fuse_engine.core.errors import FuseError, RunError, nearest
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import read_json
from fuse_engine.core.resolve import component
from fuse_engine.models.backbones import restored
from fuse_engine.models.base import BatchModule, Model, Shapes
from fuse_engine.models.checkpoint import load, weights_of

_EXPERIMENT = "experiment.yaml"


def find_run(run: Path, folder: Path) -> Path:
    """Return the folder of a run that is named by its path from `folder`, or by its id.

    Raises:
        FuseError: naming the runs below `folder`.
    """
    known = {path.parent.name: path.parent for path in sorted((folder / "runs").glob(f"*/*/{_EXPERIMENT}"))}
    found = known.get(str(run), folder / run)
    if not (found / _EXPERIMENT).is_file():
        raise FuseError(
            f"there is no run '{run}'", expected=f"the folder of a run, or one of {', '.join(known)}"
            if known else "the folder of a run", nearest=nearest(str(run), known),
        )  # fmt: skip
    return found.resolve()


def read_model(run: Path) -> Model:
    """Return the model of the run in a folder, with its paths starting from where the experiment stood.

    Raises:
        FuseError: when its experiment cannot be read.
    """
    experiment = Experiment.load(run / _EXPERIMENT, folder=_stood(run))
    found = component("model", experiment.model, ("model",), experiment)
    if not isinstance(found, Model):
        raise FuseError(f"{found.name()} is no model")
    return found.located(experiment.folder)


def _stood(run: Path) -> Path:
    """Return the folder that the paths in the experiment of a run start from."""
    try:
        return (run / str(read_json(run / "submit.json")["folder"])).resolve()
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError(f"submit.json of run {run.name} does not say where its experiment stood") from None


def build_member(run: Path, model: Model, checkpoint: str, shapes: Shapes) -> BatchModule:
    """Return the module of a run with its weights; on the meta device, which holds none, they are only compared.

    Raises:
        FuseError: when there is no such checkpoint, it is damaged, or does not fit samples of these shapes.
    """
    path = _checkpoint(run, checkpoint)
    with restored():
        module = model.build(shapes)
    bare = any(weight.is_meta for weight in module.parameters())
    weights = weights_of(_outline(path) if bare else load(path))
    _refuse_misfit(module.state_dict(), weights)
    if not bare:
        module.load_state_dict(weights)
    return module


def _checkpoint(run: Path, name: str) -> Path:
    folder = run / "checkpoints"
    found = every_checkpoint(folder, "best0" if name == "best" else name)
    if not found:
        known = sorted({path.name.split("-")[0] for path in every_checkpoint(folder)})
        raise RunError(f"it has no checkpoint '{name}'", expected=f"one of {', '.join(known) or 'none yet'}")
    return found[0]


def _outline(path: Path) -> dict[str, object]:
    """Return a checkpoint with the shapes of its tensors and no numbers."""
    try:
        found: dict[str, object] = torch.load(path, map_location="meta", weights_only=True, mmap=True)
    except Exception as error:  # noqa: BLE001 torch raises anything from UnpicklingError to KeyError for foreign content
        raise RunError(f"checkpoint {path.name} is damaged or not ours", got=type(error).__name__) from None
    return found


def _refuse_misfit(own: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    for name, weight in own.items():
        if name not in saved or saved[name].shape != weight.shape:
            got = str(tuple(saved[name].shape)) if name in saved else "nothing"
            raise FuseError(
                f"its weights do not fit these samples: '{name}'",
                expected=f"the shape {tuple(weight.shape)}",
                got=got,
            )
