"""An engine's answers about a toy augmentation: every value says which voxel and which draw it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry

RAS = Geometry((6, 5, 4), (0.5, 1.0, 2.0), (0.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0))
"""Indices grow to the patient's right and front: the screen shows them the other way round."""
IMAGE = np.arange(120, dtype=np.float32).reshape(1, 4, 5, 6)
MASK = (IMAGE > 60).astype(np.uint8)
FIX = {"title": "Switch Flip off", "path": ["augmentation", 0, "Flip", "p"], "value": 0.0}
APPLIED = [
    {"step": "0", "name": "Flip", "params": {"axes": ["x"], "shift": [0.25, -1.0]}, "channel": None},
    {"step": "1", "name": "Noise", "params": None, "channel": None},
]
TIMES = [{"step": "0", "steps": ["0"], "name": "Flip", "ms": 12.5}]


def pictures(image: NDArray[Any]) -> dict[str, Any]:
    """Return image and mask as the engine sends them."""
    geometry = RAS.to_json()
    return {
        "data.input.image": {"array": image, "geometry": geometry, "label": False},
        "data.gt.mask": {"array": MASK.copy(), "geometry": geometry, "label": True},
    }


def sample(**_: Any) -> dict[str, Any]:
    """Return the sample before augmentation."""
    found = pictures(IMAGE)
    keys = {"image": "data.input.image", "gt": "data.gt.mask"}
    shown = {place: found[key] for place, key in keys.items()}
    every = {place: [key] for place, key in keys.items()}
    return {"fingerprint": "1", "keys": every, "shown": keys, "values": {}, **shown}


def number(draw: Mapping[str, Any]) -> int:
    """Return what a draw adds to every voxel."""
    return {"low": -500, "high": 500}[draw["extreme"]] if "extreme" in draw else 1000 * (draw["epoch"] + 1)


def planes(draw: Mapping[str, Any], axis: int, place: int, more: float = 0.0) -> dict[str, Any]:
    """Return the planes of a draw."""
    cut = (slice(None),) * (1 + axis) + (place,)
    return {"data.input.image": IMAGE[cut] + number(draw) + more, "data.gt.mask": MASK[cut]}


def augment_plane(draw: Mapping[str, Any], axis: int, place: int, **_: Any) -> dict[str, Any]:
    """Answer for one plane; it is one off the exact one."""
    return {"planes": planes(draw, axis, place, 1.0), "exact": False, "applied": APPLIED, "ms": 1.0, "labels": []}


def augment(draw: Mapping[str, Any], **_: Any) -> dict[str, Any]:
    """Answer for the whole sample."""
    damage = {"label": 1, "name": "tumour", "volume_change": -0.25, "vanished": False, "components_lost": 0}
    flipped = {"step": "0", "check": "laterality", "message": "Flip swaps left and right", "fixes": [FIX]}
    return {
        "before": pictures(IMAGE), "after": pictures(IMAGE + number(draw)), "applied": APPLIED, "times": TIMES,
        "damage": [{**damage, "boundary_mm": 1.5, "warn": "more than 20 %"}], "warnings": [flipped],
    }  # fmt: skip


def augment_steps(draw: Mapping[str, Any], axis: int, place: int, **_: Any) -> dict[str, Any]:
    """Answer with the plane after each step: the n-th adds n tenths."""
    first = {"step": "", "name": "", "params": None, "planes": planes(draw, axis, place, -number(draw)), "ms": 0.0}
    rest = [
        {**item, "planes": planes(draw, axis, place, (n + 1) / 10), "ms": 1.0} for n, item in enumerate(APPLIED)
    ]
    return {"steps": [first, *rest]}


def augment_sheet(draws: Sequence[Mapping[str, Any]], axis: int, place: int, **_: Any) -> dict[str, Any]:
    """Answer with a tile for each draw."""
    return {"tiles": [{"draw": draw, "planes": planes(draw, axis, place), "exact": True} for draw in draws]}


def augment_draws(count: int, **_: Any) -> dict[str, Any]:
    """Answer with two parameters of the first step, one of which never changes."""
    values = {"shift": np.linspace(0, 1, count), "size": np.ones(count)}
    found = [
        {"step": "0", "name": "Flip", "parameter": name, "axis": "", "values": v} for name, v in values.items()
    ]
    return {"parameters": found, "applied": {"0": 0.5, "1": 1.0}}


def augment_network(draw: Mapping[str, Any], **_: Any) -> dict[str, Any]:
    """Answer with a batch of one patch."""
    array = IMAGE[None, :, :2, :2, :2] / 100
    facts = {"shape": list(array.shape), "dtype": "float32", "low": 0.0, "high": 0.37, "note": "1 patch"}
    return {"tensors": {"data.input.image": {"array": array, **facts}}}


ANSWERS = {
    "sample": sample, "augment": augment, "augment_plane": augment_plane, "augment_steps": augment_steps,
    "augment_sheet": augment_sheet, "augment_draws": augment_draws, "augment_network": augment_network,
}  # fmt: skip
