"""napari's way to open medical images: the engine's process reads the file, never the window's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import napari

from fuse_engine.core.geometry import Geometry
from fuse_engine.service.client import Engine
from fuse_gui.models.canonical import canonical
from fuse_gui.models.palette import limits
from fuse_gui.viewer.layers import placed
from fuse_gui.viewer.session import session_of
from fuse_gui.viewer.waiting import ask

LABEL_WORDS = ("label", "mask", "seg")
"""A file whose name holds one of these opens as a label map, where its values are whole numbers."""

LayerData = tuple[Any, dict[str, Any], str]
Paths = str | Sequence[str]


def reader(path: Paths) -> Callable[[Paths], list[LayerData]]:
    """Return the function that reads files which napari's manifest sent here by their ending."""
    return read


def read(path: Paths) -> list[LayerData]:
    """Return one layer a file, in mm, its axes along the patient's.

    Raises:
        FuseError: naming the file and what is wrong with it.
    """
    with window_engine() as engine:
        return [_layer(Path(name), engine) for name in ([path] if isinstance(path, str) else path)]


@contextmanager
def window_engine() -> Iterator[Engine]:
    """Lend the engine of the current window; where there is none, one for the length of the block."""
    viewer = napari.current_viewer()
    if viewer is not None:
        yield session_of(viewer).engine
        return
    engine = Engine()
    try:
        yield engine
    finally:
        engine.close()


def _layer(path: Path, engine: Engine) -> LayerData:
    label = any(word in path.name.lower() for word in LABEL_WORDS)
    picture = ask(engine, "image", path=str(path.resolve()), label=label)
    return layer_of(path.name, picture)


def layer_of(name: str, picture: Mapping[str, Any]) -> LayerData:
    """Return a picture of the engine as a layer that napari adds; the first channel of several."""
    geometry = Geometry.from_json(picture["geometry"])
    turned = canonical(picture["array"], geometry)
    values = turned.array[0]
    facts = {"name": name, **placed(geometry, turned)}
    if picture["label"]:
        return values, facts, "labels"
    return values, {**facts, "contrast_limits": limits(values, {})}, "image"
