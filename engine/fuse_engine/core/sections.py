"""The groups of settings that an experiment is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from fuse_engine.core.component import Holds, split_entry, wrong_entry
from fuse_engine.core.errors import FuseError
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


class Split(Section):
    """How samples are divided; samples of one group are never divided."""

    folds: int = Field(5, ge=2)
    """Number of folds to make, where the source names none."""
    group: str | None = None
    """Column whose equal values stay together; the source's group column where empty."""
    stratify: str | None = None
    """Column whose values each fold holds in equal shares."""
    test: list[str] = []
    """Folds kept for the final test."""
    validation: list[str] | None = None
    """Folds that choose the best epoch; the first one not used for the test where empty."""
    train: list[str] | None = None
    """Folds to train on; all others where empty."""


class Balance(Section):
    """How the classes share a batch."""

    key: Key
    """Where the class of a sample stands, e.g. `data.gt.classification`."""
    weights: list[float] = []
    """Relative share of each class in a batch; equal where empty."""


class Batch(Section):
    """How samples are put together."""

    size: int = Field(8, ge=1)
    """Samples in one batch."""
    balance: Balance | None = None
    """Draw classes in fixed shares."""
    workers: int = Field(0, ge=0, le=64)
    """Processes that load samples; 0 loads in the training process."""


class Data(Section):
    """Where samples come from and what is done to them before augmentation."""

    source: Annotated[Spec, Holds("source")]
    """Table, folder or file that lists the samples."""
    input: dict[str, list[Annotated[Spec, Holds("processor")]]]
    """What the model may see: name -> processor steps; read as `data.input.<name>`."""
    gt: dict[str, list[Annotated[Spec, Holds("processor")]]] = {}
    """What is known to be true: name -> processor steps; read as `data.gt.<name>`."""
    split: Split = Split()
    """Training, validation and test samples."""
    patches: Annotated[Spec, Holds("patches")] | None = None
    """How training samples are cut into parts; whole where empty. Predictions are put together again."""
    cache: Annotated[Spec, Holds("cache")] = Spec(name="Disk")
    """Where processed samples are kept."""
    batch: Batch = Batch()
    """How samples are put together."""


class Stage(Section):
    """A stretch of training with its own settings."""

    epochs: int = Field(10, ge=1)
    """Passes over the training samples."""
    freeze: list[str] = []
    """Parts of the model that keep their weights, e.g. `backbone`."""
    lr: float | None = Field(None, gt=0)
    """Learning rate of this stage; the optimizer's own where empty."""

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
