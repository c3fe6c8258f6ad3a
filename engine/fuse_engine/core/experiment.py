"""The one document: what is read, how it is split, what is built, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
)

import fuse_resources
from fuse_engine.core import document as documents
from fuse_engine.core import overrides
from fuse_engine.core.component import Holds
from fuse_engine.core.document import Document, Place
from fuse_engine.core.errors import ExperimentError, Problem
from fuse_engine.core.explain import problems_of
from fuse_engine.core.files import atomic_write
from fuse_engine.core.sections import Data, Run, Section, Spec, Training

SCHEMA = 1
"""The version of the experiment file that this program writes."""

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""How to turn plain data of schema n into schema n + 1, by n."""


class Experiment(Section):
    """One experiment, whole; every face of the program edits or consumes it."""

    schema_version: int = Field(SCHEMA, alias="schema")
    """Version of the file format."""
    name: str = Field("experiment", pattern=r"^[\w][\w .-]{0,79}$")
    """Name of the experiment; its runs are kept under it."""
    seed: int = 33
    """Start of every random stream."""
    data: Data
    augmentation: list[Annotated[Spec, Holds("augmentation")]] = Field([])
    """Random changes of the training samples, in order."""
    model: Annotated[Spec, Holds("model")]
    """What is trained."""
    losses: dict[str, Annotated[Spec, Holds("loss")]] = Field({})
    """What training makes small; each weighted, then summed."""
    metrics: dict[str, Annotated[Spec, Holds("metric")]] = Field({})
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
