"""Smaller batches and patches to try when memory does not suffice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fuse_engine.core.experiment import Experiment
from fuse_engine.run.fixes import Fix

SMALLEST = 8
"""Pixels along an axis below which a patch is not halved."""


@dataclass(frozen=True)
class Size:
    """What the memory of a step depends on."""

    batch: int
    patch: tuple[int, ...] = ()
    """Pixels along ([z,] y, x) of `data.patches`; empty where samples are not cut by a size."""
    per_sample: int = 0
    """Patches of a sample; 0 where samples are not cut."""

    @classmethod
    def of(cls, experiment: Experiment) -> Size:
        """Return the size that an experiment asks for."""
        cut, batch = experiment.data.patches, experiment.data.batch.size
        if cut is None:
            return cls(batch)
        size = cut.args.get("size", [64, 64] if cut.name in ("GridPatches", "RandomPatches") else [])
        return cls(batch, tuple(int(n) for n in size), int(cut.args.get("per_sample") or 1))

    def halved(self) -> Size | None:
        """Return the next smaller size, None where there is none: fewer samples, fewer patches, smaller ones."""
        if self.batch > 1:
            return Size(self.batch // 2, self.patch, self.per_sample)
        if self.per_sample > 1:
            return Size(self.batch, self.patch, self.per_sample // 2)
        if self.patch and max(self.patch) >= 2 * SMALLEST:
            largest = max(self.patch)
            patch = tuple(n // 2 if 2 * n > largest and n >= 2 * SMALLEST else n for n in self.patch)
            return Size(self.batch, patch, self.per_sample)
        return None

    def of_experiment(self, experiment: Experiment) -> Experiment:
        """Return the experiment at this size.

        Raises:
            ExperimentError: when its other settings do not allow it.
        """
        for fix in self.fixes(experiment):
            experiment = experiment.changed(fix.path, fix.value)
        return experiment

    def fixes(self, experiment: Experiment) -> tuple[Fix, ...]:
        """Return the edits that bring an experiment to this size."""
        old, cut = Size.of(experiment), experiment.data.patches
        found: list[tuple[str, tuple[str, ...], Any]] = []
        if self.batch != old.batch:
            found.append((f"Set the batch to {self.batch}", ("data", "batch", "size"), self.batch))
        if cut is not None and self.per_sample != old.per_sample:
            place = ("data", "patches", cut.name, "per_sample")
            found.append((f"Take {self.per_sample} patches of a sample", place, self.per_sample))
        if cut is not None and self.patch != old.patch:
            text = " x ".join(map(str, self.patch))
            found.append((f"Set the patch to {text}", ("data", "patches", cut.name, "size"), list(self.patch)))
        return tuple(Fix(*item) for item in found)

    def __str__(self) -> str:
        """Say the size in words."""
        cut = f"{self.per_sample} patches each of {' x '.join(map(str, self.patch))}" if self.patch else ""
        return ", ".join(filter(None, (f"a batch of {self.batch}", cut)))
