"""A small catalogue with every kind of field, described the way the real one is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fuse_engine.core.catalog import Catalog, Entry, describe
from fuse_engine.core.component import Holds
from fuse_engine.core.distribution import Distribution, PerAxis, Usual, constant, every_axis, uniform
from fuse_engine.core.keys import Key
from fuse_gui.models.field import Offers
from fuse_gui.models.form import Group


class Toy(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, arbitrary_types_allowed=True)


class Dice(Toy):
    """One minus the overlap."""

    smooth: float = Field(1.0, ge=0)


class Focal(Toy):
    """Looks at what is hard."""

    pred: Key
    """What the model says <b>here</b>."""
    gamma: float = Field(2.0, ge=0)
    alpha: float | None = None


class Pooling(Toy):
    """One class for the whole image."""

    classes: int = Field(2, ge=2)


class Dense(Toy):
    """One class for every pixel."""

    classes: int = Field(2, ge=2)
    like: Key | None = None


class Balance(Toy):
    """How the classes share a batch."""

    weights: list[float] = []


class Training(Toy):
    """Everything a form can ask."""

    lr: float = Field(1e-4, gt=0, lt=1)
    """Step of the optimizer."""
    low: float = -1000.0
    classes: int = Field(2000, ge=2)
    workers: int | None = None
    amp: bool = True
    norm: Literal["none", "minmax", "zscore"] = "zscore"
    sizes: list[int] = [32, 64]
    angle: Annotated[PerAxis, Usual(-45, 45)] = every_axis(constant(0.0))
    strength: Distribution = Field(uniform(0.0, 0.5), ge=0)
    spacing: tuple[float, float, float] = (0.5, 0.5, 1.25)
    root: Path = Path("/data")
    title: str = ""
    where: dict[str, list[str]] | None = None
    image: Key = "data.input.image"
    keys: list[Key] = ["data.input.image"]
    balance: Balance | None = None
    loss: Annotated[Any, Holds("loss")] = {"Dice": {"smooth": 1.0}}
    heads: dict[str, Annotated[Any, Holds("head")]] = {}


def _of(kind: str, *classes: type[BaseModel]) -> dict[str, Entry]:
    return {cls.__name__: describe(cls).model_copy(update={"kind": kind}) for cls in classes}


class Load(Toy):
    """Reads a file."""

    column: str = "image"


class Window(Toy):
    """Maps intensities."""

    low: float = 0.0
    high: float = Field(1.0, gt=0)


class Flip(Toy):
    """Mirrors."""

    keys: list[Key] = ["data.input.image"]
    p: float = Field(1.0, ge=0, le=1)
    enabled: bool = True


class Noise(Toy):
    """Adds noise."""

    std: float = Field(0.1, ge=0)
    p: float = Field(1.0, ge=0, le=1)


class Turn(Toy):
    """Turns."""

    angle: Annotated[PerAxis, Usual(-45, 45)] = every_axis(constant(0.0))


class Net(Toy):
    """A backbone and its heads."""

    heads: dict[str, Annotated[Any, Holds("head")]] = {}


ENTRIES = {
    "loss": _of("loss", Dice, Focal), "head": _of("head", Pooling, Dense), "model": _of("model", Net),
    "processor": _of("processor", Load, Window), "augmentation": _of("augmentation", Flip, Noise, Turn),
}  # fmt: skip
CATALOG = Catalog(entries=tuple(entry for group in ENTRIES.values() for entry in group.values()))
EXPERIMENT = """
name: toy
seed: 7
data:
  source: {Table: {path: a.csv}}
  input:
    image: [{Load: {column: t1}}, {Window: {high: 100}}]
    other: [Load]
  gt: {mask: [{Load: {column: mask}}]}
augmentation: [{Flip: {p: 0.5}}, {Noise: {std: 1e-3}}]
model: {Net: {heads: {seg: {Dense: {classes: 3}}}}}
losses: {overlap: {Dice: {smooth: 1}}, hard: {Focal: {pred: model.logits.seg}}}
"""
KEYS = ("data.input.image", "data.gt.segmentation", "model.logits.classifier")
FACTS = {"shape": [1, 4, 6], "dtype": "float32", "min": 0.0, "max": 1.0, "mean": 0.25, "spacing": [0.5, 0.25]}
"""What the engine tells of a step."""


def offers() -> Offers:
    return Offers(lambda kind: ENTRIES.get(kind, {}), KEYS)


def training() -> Group:
    return Group(describe(Training), offers())
