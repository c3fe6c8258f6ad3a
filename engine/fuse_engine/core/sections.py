"""The groups of settings that an experiment is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from fuse_engine.core.component import Holds, split_entry, wrong_entry
from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.health import CHECKS
from fuse_engine.core.keys import Key


class Section(BaseModel):
    """A group of settings; frozen, so a change is a new experiment."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, populate_by_name=True
    )


class Spec(Section):
    """A component as written: its name and the arguments as they came; the registry gives them types."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_entry(cls, value: Any) -> Any:
        if isinstance(value, Spec) or (isinstance(value, Mapping) and "name" in value):
            return value
        try:
            name, args = split_entry(value)
        except FuseError as error:
            raise wrong_entry(error) from None
        return {"name": name, "args": args}

    @model_serializer(mode="wrap")
    def _to_entry(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {self.name: dict(self.args)}


def _word_or_number(value: Any, words: tuple[str, ...], least: float, whole: bool) -> Any:
    """Refuse in one sentence what is neither a word nor a number; a union would say one for each member."""
    if value is None or value in words:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -math.inf
    if not least <= number < math.inf or (whole and number % 1):
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"expected {', '.join(words)} or {kind} of {least:g} or more")
    return int(number) if whole else number


class Split(Section):
    """How samples are divided; samples of one group are never divided."""

    folds: int | None = Field(None, ge=2)
    """Number of folds to make; 5 where neither the source, nor shares, nor lists say how to divide."""
    shares: list[float] = []
    """Shares of training, validation and, where wanted, test samples instead of folds, e.g. 0.7, 0.15, 0.15."""
    holdout: float | None = Field(None, gt=0, lt=1)
    """Share of the samples that is kept for the final test before the others are divided."""
    lists: dict[str, list[str] | str] = {}
    """Ids or groups of train, validation, test, or a text file with one a line. What no list names is divided as
    usual, is for training where only validation has a list, and is unused where training has one."""
    group: str | None = None
    """Column whose equal values stay together; the source's group column where empty."""
    stratify: str | None = None
    """Column whose values each part holds in equal shares."""
    institution: str | None = None
    """Column of the institutions; the samples of each are divided by the shares, so every part holds all."""
    excluded_institutions: list[str] = []
    """Institutions whose samples are not used."""
    test_institutions: list[str] = []
    """Institutions whose samples are all kept for the final test."""
    test: list[str] = []
    """Folds kept for the final test."""
    validation: list[str] | None = None
    """Folds that choose the best epoch; the first one not used for the test where empty."""
    train: list[str] | None = None
    """Folds to train on; all others where empty."""
    restrict_subjects: str = ""
    """At most so many groups: `20` in every part, `20,,3` for training and test; `+` takes what others leave."""
    like: Literal["musket", "innereye"] | None = None
    """Make exactly the folds that Musket or InnerEye made of the same samples in the same order."""
    seed: int | None = Field(None, ge=0, lt=2**32)
    """Start of the random stream of the folds; the experiment's seed, Musket's 33 or InnerEye's 0 where empty."""
    holdout_seed: int | None = Field(None, ge=0, lt=2**32)
    """Start of the random stream of the hold-out, so that other folds keep it; as above, Musket's 123."""

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares: list[float]) -> list[float]:
        if shares and (len(shares) not in (2, 3) or min(shares) < 0 or not shares[0]):
            raise ValueError("expected two or three shares of 0 or more, the first of them above 0")
        if shares and abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"expected shares that add up to 1, got {sum(shares):g}")
        return shares

    @field_validator("lists")
    @classmethod
    def _parts(cls, lists: dict[str, list[str] | str]) -> dict[str, list[str] | str]:
        for name in lists:
            if name not in ("train", "validation", "test"):
                raise ValueError(f"expected train, validation or test, got '{name}'")
        return lists

    @field_validator("restrict_subjects")
    @classmethod
    def _counts(cls, text: str) -> str:
        limits = [part.strip() for part in text.split(",")]
        plain = [part for part in limits if part not in ("", "+")]
        if len(limits) not in (1, 3) or not all(part.isdecimal() for part in plain):
            raise ValueError("expected one number, or three of a number, nothing or + with commas, e.g. 20,,3")
        if limits.count("+") > 1 or (limits.count("+") and not plain):
            raise ValueError("expected at most one +, and a number for the part that it takes samples from")
        return text

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        for one, other, clash in self._clashes():
            if clash:
                raise ValueError(f"'{one}' and '{other}' exclude each other: both divide the same samples")
        for one, needed, missing in self._gaps():
            if missing:
                raise ValueError(f"'{one}' needs '{needed}'")
        return self

    def _clashes(self) -> list[tuple[str, str, bool]]:
        """Return pairs of settings that exclude each other, and whether both are there."""
        again = self.like == "innereye"  # its folds are made of what the shares or lists leave for training
        musket, third = self.like == "musket", len(self.shares) == 3 and self.shares[2] > 0
        fixed = bool({"train", "validation"} & set(self.lists))
        return [
            ("shares", "folds", bool(self.shares and self.folds) and not again),
            ("lists", "folds", bool(fixed and self.folds) and not again),
            ("lists", "shares", bool(fixed and self.shares) or ("test" in self.lists and third)),
            ("lists", "holdout", bool(self.lists and self.holdout)),
            ("lists", "test", "test" in self.lists and bool(self.test)),
            ("holdout", "test", bool(self.holdout and self.test)),
            ("holdout", "shares", bool(self.holdout and third)),
            ("lists", "institution", bool(self.lists and self.institution)),
            ("like: musket", "lists", musket and bool(self.lists)),
            ("like: musket", "institution", musket and self.institution is not None),
            ("like: musket", "a third share", musket and third),
            ("like: innereye", "stratify", again and self.stratify is not None),
            ("like: innereye", "holdout", again and self.holdout is not None),
        ]

    def _gaps(self) -> list[tuple[str, str, bool]]:
        """Return settings, what each of them needs, and whether that is missing."""
        chosen = [*self.excluded_institutions, *self.test_institutions]
        return [
            ("institution", "shares", self.institution is not None and not self.shares),
            ("excluded_institutions or test_institutions", "institution", bool(chosen) and not self.institution),
            ("holdout_seed", "holdout", self.holdout_seed is not None and self.holdout is None),
            ("like: innereye", "three shares", self.like == "innereye" and len(self.shares) == 2),
        ]


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
        return _word_or_number(value, ("over_sample", "under_sample"), 1, whole=True)

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


Negatives = Literal["none", "all"] | float
"""How many negative samples are used: none, so many for each positive one, or all."""


class Stage(Section):
    """A stretch of training with its own settings."""

    epochs: int = Field(10, ge=1)
    """Passes over the training samples."""
    freeze: list[str] = []
    """Parts of the model that keep their weights, e.g. `backbone`."""
    lr: float | None = Field(None, gt=0)
    """Learning rate of this stage; the optimizer's own where empty."""
    negatives: Negatives = "all"
    """Negative samples to train on: `none`, a number for each positive one such as 0.5 or 2, or `all`."""
    validation_negatives: Negatives | None = None
    """Negative samples to validate with; the same as for training where empty."""

    @field_validator("negatives", "validation_negatives", mode="before")
    @classmethod
    def _amount(cls, value: Any) -> Any:
        return _word_or_number(value, ("none", "all"), 0, whole=False)

    @model_validator(mode="before")
    @classmethod
    def _one_part(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("freeze"), str):
            return {**value, "freeze": [value["freeze"]]}
        return value


class Best(Section):
    """What makes one epoch better than another."""

    source: str = "validation.losses.total_loss"
    """`validation.losses.<name>` or `validation.metrics.<name>[.<part>]`."""
    optimization: Literal["min", "max"] = "min"
    """Whether smaller or larger is better."""
    on_equal_values: Literal["better", "worse"] = "worse"
    """Whether an equal value replaces the best epoch so far."""
    after: float = Field(0.0, ge=0, lt=1)
    """Share of the epochs that only count until a later one is done; 0.75 chooses among the last quarter."""


class Training(Section):
    """How the weights are found."""

    optimizer: Annotated[Spec, Holds("optimizer")] = Spec(name="Adam")
    """Rule that changes the weights."""
    schedule: Annotated[Spec, Holds("schedule")] | None = None
    """How the learning rate goes over the training."""
    stages: list[Stage] = [Stage()]
    """Stretches of training, one after the other."""
    best: list[Best] = [Best()]
    """What the best checkpoint is chosen by; one checkpoint an entry."""
    callbacks: list[Annotated[Spec, Holds("callback")]] = []
    """What else happens during training."""
    gradient_clip: float | None = Field(None, gt=0)
    """Largest norm of the gradient; not limited where empty."""
    average: float | None = Field(None, gt=0, lt=1)
    """Decay of the moving average of the weights that is validated and saved; none where empty."""
    checkpoint_steps: int = Field(200, ge=1)
    """Steps between checkpoints within an epoch; every epoch ends with one."""


class Run(Section):
    """Where and how a run is carried out."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """What computes; auto takes a GPU where there is one."""
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    """Number format of the computation; auto takes bf16 where the device is made for it."""
    executor: Annotated[Spec, Holds("executor")] = Spec(name="Local")
    """Where the run happens; Local is a background process of its own."""
    threads: int = Field(0, ge=0, le=256)
    """CPU threads of the run; 0 takes one less than there are cores."""
    train: bool = True
    """Train; without it a run only infers and analyzes."""
    infer: bool = True
    """Predict the test samples when training ends, and analyze the predictions."""
