"""What a person plots: `metrics.csv`, one row an epoch, and TensorBoard files."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from torch.utils.tensorboard import SummaryWriter

from fuse_engine.core.files import atomic_write
from fuse_engine.run.checkpoint import NoSpace
from fuse_engine.run.folder import RunFolder

SIDES = ("train", "validation")


class Records:
    """Writes the curves of a run; a continued run first takes back what will be done again."""

    def __init__(self, folder: RunFolder, step: int, closed: int) -> None:
        """Go on after `step` steps and `closed` epochs."""
        self._path, self._boards_path = folder.path / "metrics.csv", folder.path / "tensorboard"
        self._rows = [row for row in _read(self._path) if int(row["epoch"]) < closed]
        self._boards: dict[str, SummaryWriter] = {}
        self._open_boards(step)

    def __enter__(self) -> Records:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the TensorBoard files."""
        for board in self._boards.values():
            with contextlib.suppress(OSError):
                board.close()

    def _open_boards(self, step: int) -> None:
        for side in SIDES:
            if side not in self._boards:
                with contextlib.suppress(OSError):
                    self._boards[side] = SummaryWriter(str(self._boards_path / side), purge_step=step or None)

    def _point(self, side: str, name: str, value: float, step: int) -> None:
        """Add a point; a board that cannot be written, e.g. to a full disk, is left until the next epoch."""
        try:
            if side in self._boards:
                self._boards[side].add_scalar(name, value, step)
        except OSError:
            del self._boards[side]

    def batch(self, step: int, losses: Mapping[str, float], lr: float) -> None:
        """Add the points of one step."""
        for name, value in losses.items():
            self._point("train", f"losses/{name}", value, step)
        self._point("train", "lr", lr, step)

    def epoch(self, epoch: int, step: int, values: Mapping[str, float]) -> None:
        """Add one epoch; `values` by name, e.g. `validation.metrics.iou`.

        Raises:
            NoSpace: when the table cannot be written; the call can be made again.
        """
        row = {"epoch": str(epoch), "step": str(step), **{name: repr(value) for name, value in values.items()}}
        self._rows = [*(old for old in self._rows if int(old["epoch"]) < epoch), row]
        self._write_table()
        self._open_boards(step)
        for name, value in values.items():
            side, _, rest = name.partition(".")
            group = "epoch/" if side == "train" else ""
            self._point(side, group + rest.replace(".", "/"), value, step)
        for board in self._boards.values():
            with contextlib.suppress(OSError):
                board.flush()

    def _write_table(self) -> None:
        text = io.StringIO()
        names = list(dict.fromkeys(name for each in self._rows for name in each))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        try:
            atomic_write(self._path, text.getvalue().encode())
        except OSError as error:
            raise NoSpace("metrics.csv could not be written", got=error.strerror or "") from None


def _read(path: Path) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))) if path.exists() else ()
    return [row for row in rows if (row.get("epoch") or "").isdecimal()]
