"""Trained runs that answer together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field
from torch import nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.models.base import FEATURES, BatchModule, Model, Shapes
from fuse_engine.models.members import build_member, find_run, read_model
from fuse_engine.models.shapes import head_keys
from fuse_engine.models.voting import average, logits_of, vote

Combination = Literal["average", "vote"]


@register
class Ensemble(Model):
    """Trained runs that answer together; there is nothing to train, so it goes with `run: {train: false}`."""

    runs: list[Path] = Field(min_length=1)
    """Ids of runs below `runs`, or folders of runs, relative to the experiment's; with the same heads."""
    checkpoint: str = Field("best", pattern=r"^(best\d*|last)$")
    """Weights of each run: `best`, `best0`, `best1`, ... or `last`."""
    combine: Combination = "average"
    """What the outputs are together: their mean, or each class's share of the votes, for each sample or pixel by
    itself; of classes with as many votes the one with the highest mean leads."""

    def located(self, folder: Path) -> Ensemble:
        """Return the ensemble with the whole paths of its runs.

        Raises:
            FuseError: at the run that is not there, or cannot be read.
        """
        found: list[Path] = []
        for index, run in enumerate(self.runs):
            with _of_run(index, run):
                found.append(find_run(run, folder))
                if isinstance(read_model(found[-1]), Ensemble):
                    raise FuseError("it is an ensemble itself", expected="its runs by themselves")
        return self.model_copy(update={"runs": found})

    def reads(self) -> tuple[str, ...]:
        """Return the keys of all runs' inputs."""
        return tuple(dict.fromkeys(key for run in self.runs for key in read_model(run).reads()))

    def outputs(self) -> tuple[str, ...]:
        """Return the keys that the first run's model adds: all have the same heads."""
        return read_model(self.runs[0]).outputs()

    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module with the weights of the runs.

        Raises:
            FuseError: at the run that is not there, is damaged, or does not fit.
        """
        members: list[BatchModule] = []
        for index, run in enumerate(self.runs):
            with _of_run(index, run):
                members.append(build_member(run, read_model(run), self.checkpoint, shapes))
                if members[-1].answers != members[0].answers:
                    raise FuseError(
                        "its heads are others than the first run's",
                        expected=_told(members[0]),
                        got=_told(members[-1]),
                    )
        return _Ensemble(members, self.combine)


@contextmanager
def _of_run(index: int, run: Path) -> Iterator[None]:
    """Put the run before every problem raised inside, all at its entry."""
    try:
        yield
    except FuseError as error:
        named = (
            replace(item, message=f"run {run.name}: {item.message}", where=f"runs.{index}", source="")
            for item in error.problems
        )
        raise FuseError(*named) from None


def _told(member: BatchModule) -> str:
    return ", ".join(f"{name} ({activation})" for name, activation in member.answers.items())


class _Ensemble(BatchModule):
    def __init__(self, members: list[BatchModule], combine: Combination) -> None:
        super().__init__()
        self.members, self.combine, self.answers = nn.ModuleList(members), combine, members[0].answers
        # heatmaps are the first one's: each has features of its own
        self.last_features = f"members.0.{members[0].last_features}" if members[0].last_features else ""
        self.requires_grad_(False)
        self.train(False)

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What is frozen for good, by name."""
        return {f"runs.{index}": member for index, member in enumerate(self.members)}

    def train(self, mode: bool = True) -> _Ensemble:
        """Stay as in prediction, whatever `mode` is: there is nothing to train."""
        super().train(False)
        return self

    def forward(self, batch: NestedDict) -> NestedDict:
        found = [member(batch) for member in self.members]
        result = batch.copy()
        if FEATURES in found[0]:
            result[FEATURES] = found[0][FEATURES]
        for name, activation in self.answers.items():
            logits_key, output_key = head_keys(name)
            outputs = [each[output_key] for each in found]
            if len(sizes := {tuple(output.shape) for output in outputs}) > 1:
                raise FuseError(
                    f"the runs' answers '{name}' differ in shape", where="runs", expected="one shape",
                    got=" and ".join(map(str, sorted(sizes))),
                )  # fmt: skip
            output = average(outputs) if self.combine == "average" else vote(outputs, activation)
            result[logits_key], result[output_key] = logits_of(output, activation), output
        return result
