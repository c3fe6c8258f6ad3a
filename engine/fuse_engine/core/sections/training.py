"""How the weights are found, and where a run happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from fuse_engine.core.component import Holds
from fuse_engine.core.sections.base import Section, Spec, word_or_number

Negatives = Literal["none", "all"] | float
"""How many negative samples are used: none, so many for each positive one, or all."""


class Stage(Section):
    """A stretch of training with its own settings."""

    epochs: int = Field(10, ge=1)
    """Passes over the training samples."""
    freeze: list[str] = []
    """Parts of the model that keep their weights, e.g. `backbone`, `backbone.levels.0`, `backbone.levels.[01]`."""
    lr: float | None = Field(None, gt=0)
    """Learning rate of this stage; the optimizer's own where empty."""
    negatives: Negatives = "all"
    """Negative samples to train on: `none`, a number for each positive one such as 0.5 or 2, or `all`."""
    validation_negatives: Negatives | None = None
    """Negative samples to validate with; the same as for training where empty."""

    @field_validator("negatives", "validation_negatives", mode="before")
    @classmethod
    def _amount(cls, value: Any) -> Any:
        return word_or_number(value, ("none", "all"), 0, whole=False)

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
