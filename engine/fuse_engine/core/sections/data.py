"""Where samples come from, how they are put together, and what is looked at before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from fuse_engine.core.component import Holds
from fuse_engine.core.errors import nearest
from fuse_engine.core.health import CHECKS
from fuse_engine.core.keys import Key
from fuse_engine.core.sections.base import Section, Spec, word_or_number
from fuse_engine.core.sections.split import Split


class Balance(Section):
    """How the classes share a batch; equally where neither counts, probabilities nor weights are given."""

    key: Key | None = None
    """Where the class or text of a sample stands, e.g. `data.gt.classification`; it must come from the table."""
    column: str | None = None
    """Column whose texts are the classes, in natural order, instead of a key."""
    weights: list[float] = []
    """Relative share of each class in a batch, kept to within one sample over the epoch."""
    counts: list[int] = []
    """Samples of each class in every batch; they add up to the size of the batch."""
    probabilities: list[float] = []
    """Probability of each class for every place in a batch, drawn at random; they add up to 1."""
    length: Literal["over_sample", "under_sample"] | int | None = None
    """Batches of an epoch: until every sample came, until the rarest class is used up, or a number; empty: as many
    as the samples fill."""

    @field_validator("length", mode="before")
    @classmethod
    def _batches(cls, value: Any) -> Any:
        return word_or_number(value, ("over_sample", "under_sample"), 1, whole=True)

    @model_validator(mode="after")
    def _one_way(self) -> Balance:
        if (self.key is None) == (self.column is None):
            raise ValueError("expected either key or column")
        if sum(map(bool, (self.weights, self.counts, self.probabilities))) > 1:
            raise ValueError("expected one of weights, counts and probabilities")
        if min(self.counts, default=0) < 0:
            raise ValueError("expected counts of 0 or more")
        if self.probabilities and (min(self.probabilities) < 0 or abs(sum(self.probabilities) - 1) > 1e-6):
            raise ValueError("expected probabilities of 0 or more that add up to 1")
        return self


class Batch(Section):
    """How samples are put together."""

    size: int = Field(8, ge=1)
    """Samples in one batch."""
    balance: Balance | None = None
    """Draw classes in fixed shares."""
    drop_last: bool = False
    """Leave out the last batch of an epoch where it is not full."""
    workers: int = Field(0, ge=0, le=64)
    """Processes that load samples; 0 loads in the training process."""


class Checks(Section):
    """What is checked before training, and what happens to samples that cannot be used."""

    gate: bool = False
    """Run the doctor before training, and refuse to start with what it finds, see `fuse-gui doctor`."""
    ignore: list[str] = []
    """Checks whose findings never keep a training from starting, e.g. `mask_grid`."""
    grid_mm: float = Field(0.1, ge=0)
    """mm that the corners of a mask may lie off those of its image; a tenth of a pixel where that is less."""
    round_trips: int = Field(4, ge=0)
    """Samples whose way through the steps and back the gate measures; spread over the training samples."""
    displacement: float = Field(0.5, gt=0)
    """Pixels by which the steps may move what they show off its place in the patient."""
    dice: float = Field(0.5, ge=0, le=1)
    """Least Dice of a mask that went through the steps and back with what it was; less loses small structures."""
    covered: float = Field(0.5, ge=0, le=1)
    """Least share of a mask that the steps may leave; cropping cuts off the rest."""
    failed: Literal["skip", "stop"] = "skip"
    """Whether a run passes over samples that cannot be used, listed in its `failed.csv`, or stops at the first."""
    failed_share: float = Field(0.01, ge=0, lt=1)
    """Largest share of the samples that a run may pass over; at least one sample."""

    @field_validator("ignore")
    @classmethod
    def _known(cls, ignore: list[str]) -> list[str]:
        for name in ignore:
            if name not in CHECKS:
                hint = f", did you mean '{nearest(name, CHECKS)}'?" if nearest(name, CHECKS) else ""
                raise ValueError(f"expected one of {', '.join(CHECKS)}, got '{name}'{hint}")
        return ignore


class Data(Section):
    """Where samples come from and what is done to them before augmentation."""

    source: Annotated[Spec, Holds("source")]
    """Table, folder or file that lists the samples."""
    input: dict[str, list[Annotated[Spec, Holds("processor")]]]
    """What the model may see: name -> processor steps; read as `data.input.<name>`."""
    gt: dict[str, list[Annotated[Spec, Holds("processor")]]] = {}
    """What is known to be true: name -> processor steps; read as `data.gt.<name>`."""
    extra_train: Annotated[Spec, Holds("source")] | None = None
    """Second list of samples that are only trained on, in every fold; of other patients than the first."""
    negative_key: Key | None = None
    """Where the class of a sample stands; those of class 0 are the negatives that a stage may leave out."""
    negative_column: str | None = None
    """Column, e.g. of the mask, whose empty cell makes a sample negative, instead of a key."""
    excluded: Path | None = None
    """Table `id,reason` of the samples to leave out; its path starts from the experiment's folder."""
    split: Split = Split()
    """Training, validation and test samples."""
    patches: Annotated[Spec, Holds("patches")] | None = None
    """How training samples are cut into parts; whole where empty. Predictions are put together again."""
    checks: Checks = Checks()
    """What is checked before training, and what happens to samples that cannot be used."""
    cache: Annotated[Spec, Holds("cache")] = Spec(name="Disk")
    """Where processed samples are kept."""
    batch: Batch = Batch()
    """How samples are put together."""

    @model_validator(mode="after")
    def _one_way(self) -> Data:
        if self.negative_key and self.negative_column:
            raise ValueError("expected negative_key or negative_column, not both")
        return self
