"""What a person plots: `metrics.csv`, one row an epoch, and TensorBoard files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from torch.utils.tensorboard import SummaryWriter

from fuse_engine.core.files import atomic_write
from fuse_engine.run.folder import RunFolder

SIDES = ("train", "validation")


class Records:
    """Writes the curves of a run; a continued run first takes back what will be done again."""

    def __init__(self, folder: RunFolder, step: int, closed: int) -> None:
        """Go on after `step` steps and `closed` epochs."""
        self._path = folder.path / "metrics.csv"
        self._rows = [row for row in _read(self._path) if int(row["epoch"]) < closed]
        self._boards = {
            side: SummaryWriter(str(folder.path / "tensorboard" / side), purge_step=step or None) for side in SIDES
        }

    def __enter__(self) -> Records:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the TensorBoard files."""
        for board in self._boards.values():
            board.close()

    def batch(self, step: int, losses: Mapping[str, float], lr: float) -> None:
        """Add the points of one step."""
        for name, value in losses.items():
            self._boards["train"].add_scalar(f"losses/{name}", value, step)
        self._boards["train"].add_scalar("lr", lr, step)

    def epoch(self, epoch: int, step: int, values: Mapping[str, float]) -> None:
        """Add one epoch; `values` by name, e.g. `validation.metrics.iou`."""
        row = {"epoch": str(epoch), "step": str(step), **{name: repr(value) for name, value in values.items()}}
        self._rows.append(row)
        text = io.StringIO()
        names = list(dict.fromkeys(name for each in self._rows for name in each))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        atomic_write(self._path, text.getvalue().encode())
        for name, value in values.items():
            side, _, rest = name.partition(".")
            group = "epoch/" if side == "train" else ""
            self._boards[side].add_scalar(group + rest.replace(".", "/"), value, step)
        for board in self._boards.values():
            board.flush()


def _read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))) if path.exists() else []
