"""What an augmentation does to the labels: how much of each class is gained or lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry


@dataclass(frozen=True)
class Damage:
    """One class of one label map before and after."""

    key: str
    label: int
    before: float
    """mm² in 2-D, mm³ in 3-D."""
    after: float
    unit: str

    @property
    def change(self) -> float | None:
        """Percent of the size before; None where there was nothing."""
        return 100 * (self.after - self.before) / self.before if self.before else None

    def __str__(self) -> str:
        """One line a person reads."""
        name = f"{self.key.removeprefix('data.gt.')}, class {self.label}"
        if self.before == self.after:
            return f"{name}: {self.before:,.5g} {self.unit}, unchanged"
        share = "was not there" if self.change is None else "gone" if not self.after else f"{self.change:+.1f} %"
        return f"{name}: {self.before:,.5g} → {self.after:,.5g} {self.unit}, {share}"


def damages(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Damage]:
    """Compare the label maps among the engine's pictures by key; class 0 is the background."""
    found = []
    for key, picture in before.items():
        if picture["label"] and key in after:
            first, second = _sizes(picture), _sizes(after[key])
            unit = "mm³" if len(picture["geometry"]["size"]) == 3 else "mm²"
            for label in sorted({*first, *second} - {0}):
                found.append(Damage(key, label, first.get(label, 0.0), second.get(label, 0.0), unit))
    return found


def _sizes(picture: Mapping[str, Any]) -> dict[int, float]:
    array: NDArray[Any] = np.asarray(picture["array"])
    labels, counts = np.unique(array, return_counts=True)
    pixel = float(np.prod(Geometry.from_json(picture["geometry"]).spacing))
    return {int(label): float(count) * pixel for label, count in zip(labels, counts, strict=True)}
