"""The one document: what is read, how it is split, what is built, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

import fuse_resources
from fuse_engine.core import document as documents
from fuse_engine.core import overrides
from fuse_engine.core.component import Holds, split_entry, wrong_entry
from fuse_engine.core.document import Document, Place
from fuse_engine.core.errors import ExperimentError, FuseError, Problem
from fuse_engine.core.explain import problems_of
from fuse_engine.core.files import atomic_write
from fuse_engine.core.keys import Key

SCHEMA = 1
"""The version of the experiment file that this program writes."""

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""How to turn plain data of schema n into schema n + 1, by n."""


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


class Experiment(Section):
    """One experiment, whole; every face of the program edits or consumes it."""

    schema_version: int = Field(SCHEMA, alias="schema")
    """Version of the file format."""
    name: str = Field("experiment", pattern=r"^[\w][\w .-]{0,79}$")
    """Name of the experiment; its runs are kept under it."""
    seed: int = 33
    """Start of every random stream."""
    data: Data
    augmentation: list[Annotated[Spec, Holds("augmentation")]] = []
    """Random changes of the training samples, in order."""
    model: Annotated[Spec, Holds("model")]
    """What is trained."""
    losses: dict[str, Annotated[Spec, Holds("loss")]] = {}
    """What training makes small; each weighted, then summed."""
    metrics: dict[str, Annotated[Spec, Holds("metric")]] = {}
    """What is measured on validation and test samples."""
    training: Training = Training()
    run: Run = Run()

    sections: ClassVar[tuple[str, ...]] = ("data", "augmentation", "model", "losses", "metrics", "training", "run")
    _document: Document = PrivateAttr(default_factory=lambda: Document({}))
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @classmethod
    def load(cls, path: Path | str, overrides: Sequence[str] = (), folder: Path | None = None) -> Experiment:
        """Read an experiment file; `overrides` are command-line words, `folder` is what its paths are relative to.

        Raises:
            ExperimentError: naming file, line, field, what was expected, what came and the nearest right answer.
        """
        path = Path(path)
        return cls.from_document(documents.read(path, preset_path), folder or path.parent, overrides)

    @classmethod
    def from_text(cls, text: str, folder: Path | None = None) -> Experiment:
        """Read an experiment from YAML text."""
        return cls.from_document(documents.parse(text), folder or Path.cwd())

    @classmethod
    def from_preset(cls, name: str, overrides: Sequence[str] = (), folder: Path | None = None) -> Experiment:
        """Read one of the experiments that come with the program.

        Raises:
            ExperimentError: naming the presets there are.
        """
        path = preset_path(name)
        if path is None:
            raise ExperimentError(f"no preset '{name}'", expected=f"one of {', '.join(fuse_resources.presets())}")
        return cls.load(path, overrides, folder or Path.cwd())

    @classmethod
    def from_document(cls, document: Document, folder: Path, words: Sequence[str] = ()) -> Experiment:
        """Type plain data; `folder` is what relative paths start from.

        Raises:
            ExperimentError: one problem for each field that does not fit.
        """
        document = Document(migrate(documents.merge({}, document.data)), dict(document.marks))
        overrides.apply(document, words, cls)
        try:
            experiment = cls.model_validate(document.data)
        except ValidationError as error:
            raise ExperimentError(*problems_of(error, cls, document.source)) from None
        experiment._document, experiment._folder = document, folder
        return experiment

    def __eq__(self, other: object) -> bool:
        """Say whether both mean the same, wherever they were read from."""
        return isinstance(other, Experiment) and documents.as_text(self.to_data()) == documents.as_text(
            other.to_data()
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def folder(self) -> Path:
        """Folder that relative paths in the experiment start from."""
        return self._folder

    def source(self, place: Place) -> str:
        """Return `file:line` for a part of the experiment, where it was read from a file."""
        return self._document.source(place)

    def to_data(self) -> dict[str, Any]:
        """Return plain data with every field but the ones left at an empty default."""
        return self.model_dump(mode="json", by_alias=True)

    def to_yaml(self) -> str:
        """Return the experiment as text; loading it gives an equal experiment."""
        return documents.dump(self.to_data())

    def save(self, path: Path) -> None:
        """Write the experiment, atomically."""
        atomic_write(path, self.to_yaml().encode())

    def changed(self, place: Sequence[str | int], value: Any) -> Experiment:
        """Return the experiment with plain `value` at `place`; None at a list position or a name removes it.

        Raises:
            ExperimentError: when the value does not fit there.
        """
        data = self.to_data()
        node: Any = data
        for part in place[:-1]:
            node = node[part]
        if value is None:
            node.pop(place[-1])
        elif isinstance(node, list) and place[-1] == len(node):
            node.append(value)
        else:
            node[place[-1]] = value
        return self.with_data(data)

    def with_data(self, data: dict[str, Any]) -> Experiment:
        """Return an experiment of plain `data` that keeps this one's folder and file lines."""
        return self.from_document(Document(data, self._document.marks), self._folder)


def preset_path(name: str) -> Path | None:
    """Return the file of a preset, or None."""
    return fuse_resources.presets().get(name.removesuffix(".yaml"))


def migrate(data: dict[str, Any]) -> dict[str, Any]:
    """Bring plain data of an older schema up to this one.

    Raises:
        ExperimentError: for a file of a newer program, or a version that is no number.
    """
    text = data.get("schema", SCHEMA)
    try:
        version = int(text)
    except (TypeError, ValueError):
        raise ExperimentError("not a version", where="schema", expected="a whole number", got=repr(text)) from None
    if version > SCHEMA:
        raise ExperimentError(
            Problem("written by a newer program", where="schema", expected=f"at most {SCHEMA}", got=str(version))
        )
    while version < SCHEMA:
        if version not in MIGRATIONS:
            raise ExperimentError("no way to read this version", where="schema", got=str(version))
        data = MIGRATIONS[version](data)
        version += 1
    return {**data, "schema": version}
