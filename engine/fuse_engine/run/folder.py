"""What lies in a run folder; reading works while the run writes."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuse_engine.core.checkpoints import CHECKPOINT, every_checkpoint
from fuse_engine.core.errors import RunError, nearest
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import write_json
from fuse_engine.run.control import REQUESTS, Request
from fuse_engine.run.events import Event, read_events
from fuse_engine.run.status import Status, read_status, small_json

if TYPE_CHECKING:
    import pandas as pd


def runs_root(experiment: Experiment) -> Path:
    """Return the folder that the runs of an experiment are kept in where none is given."""
    return experiment.folder / "runs"


class RunFolder:
    """One run on disk; equal when the paths are."""

    def __init__(self, path: Path | str) -> None:
        """Take the folder; nothing is read yet."""
        self.path = Path(path).resolve()

    @classmethod
    def create(cls, root: Path, experiment: Experiment) -> RunFolder:
        """Make the folder of a new run of `experiment` below `root`."""
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        run = cls(Path(root) / experiment.name / name)
        for part in ("", "control", "checkpoints", "predictions", "analysis", "tensorboard"):
            (run.path / part).mkdir(parents=True, exist_ok=True)
        experiment.save(run.path / "experiment.yaml")
        run.submitted(folder=_relative(experiment.folder, run.path))
        return run

    def __eq__(self, other: object) -> bool:
        """Say whether both are the same folder."""
        return isinstance(other, RunFolder) and self.path == other.path

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self.path)

    def __repr__(self) -> str:
        """Name experiment and run."""
        return f"RunFolder({self.experiment_name}/{self.name})"

    @property
    def name(self) -> str:
        """Run id."""
        return self.path.name

    @property
    def experiment_name(self) -> str:
        """Name of the experiment it is a run of."""
        return self.path.parent.name

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def predictions(self) -> Path:
        """Folder of `<part>.parquet` and `masks/`."""
        return self.path / "predictions"

    @property
    def analysis(self) -> Path:
        """Folder of `metrics.json` and `samples.csv`."""
        return self.path / "analysis"

    @property
    def split(self) -> Path:
        """Table `id,fold,part` of the samples, as they were divided when the run began."""
        return self.path / "split.csv"

    @property
    def failed(self) -> Path:
        """Table of the samples that could not be used; absent where all could."""
        return self.path / "failed.csv"

    @property
    def log(self) -> Path:
        """What the process of the run printed."""
        return self.path / "log.txt"

    def check(self) -> None:
        """Make sure that this is a run folder, and that nothing written into it would land elsewhere.

        Raises:
            RunError: where it is not.
        """
        if not (self.path / "experiment.yaml").is_file():
            raise RunError(f"{self.path} is no run folder", expected="a folder with experiment.yaml")
        for path in (*self.path.iterdir(), self.predictions / "masks"):
            if path.is_symlink():
                raise RunError(f"'{path.name}' of run {self.name} is a link", expected="files and folders only")

    def experiment(self) -> Experiment:
        """Return the experiment of the run; its paths start from where the original experiment stood.

        Raises:
            RunError: where this is no run folder.
        """
        self.check()
        return Experiment.load(self.path / "experiment.yaml", folder=self.experiment_folder())

    def experiment_folder(self) -> Path:
        """Return the folder that paths in the experiment start from."""
        return (self.path / str(self.submission()["folder"])).resolve()

    def submission(self) -> dict[str, Any]:
        """Return who started the run and where its experiment stood.

        Raises:
            RunError: when that cannot be read.
        """
        found = small_json(self.path / "submit.json")
        if found is None or not isinstance(found.get("folder"), str):
            raise RunError(f"submit.json of run {self.name} does not say where its experiment stood")
        return found

    def submitted(self, **facts: Any) -> None:
        """Record where the experiment stood and which process carries it out; written by the submitter alone."""
        path = self.path / "submit.json"
        known = self.submission() if path.exists() else {}
        write_json(path, {**known, "time": time.time(), **facts})

    def status(self) -> Status:
        """Return where the run stands; `lost` when it should be running and its process is gone."""
        return read_status(self.path)

    def events(self, since: int = 0) -> tuple[list[Event], int]:
        """Return what happened from byte `since` on, and the byte to go on from; see `events`."""
        return read_events(self.path / "events.jsonl", since)

    def request(self, what: Request) -> None:
        """Ask the run to end: `stop` or `cancel`, both after the batch and with a checkpoint."""
        path = self.path / "control" / what
        path.parent.mkdir(exist_ok=True)
        path.touch()

    def clear_requests(self) -> None:
        """Forget what was asked for before the run is continued."""
        for what in REQUESTS:
            (self.path / "control" / what).unlink(missing_ok=True)

    def checkpoint(self, name: str = "best") -> Path:
        """Return the newest checkpoint called `best` (the first best), `best<n>`, `last`, or that file name.

        Raises:
            RunError: naming the checkpoints there are.
        """
        kind = "best0" if name == "best" else name
        found = self.every_checkpoint(kind)
        if found:
            return found[0]
        if (self.checkpoints / name).is_file() and CHECKPOINT.fullmatch(name):
            return self.checkpoints / name
        known = sorted({path.name.split("-")[0] for path in self.every_checkpoint()})
        raise RunError(
            f"run {self.name} has no checkpoint '{name}'", expected=f"one of {', '.join(known) or 'none yet'}",
            nearest=nearest(name, known),
        )  # fmt: skip

    def every_checkpoint(self, kind: str = "") -> list[Path]:
        """Return the checkpoints of a kind (`last`, `best0`, ...; all where empty), highest step first."""
        return every_checkpoint(self.checkpoints, kind)

    def metrics(self) -> pd.DataFrame:
        """Return one row an epoch; empty before the first epoch ends."""
        import pandas as pd

        path = self.path / "metrics.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    def environment(self) -> dict[str, Any]:
        """Return versions, device, threads and precision of the run; empty before it started."""
        return small_json(self.path / "environment.json") or {}


def _relative(folder: Path, run: Path) -> str:
    folder = folder.resolve()
    if run.is_relative_to(folder):
        return os.path.relpath(folder, run)  # the whole project can be moved
    return str(folder)


def list_runs(root: Path) -> list[RunFolder]:
    """Return the runs below `root`, newest first."""
    found = [RunFolder(path.parent) for path in Path(root).glob("*/*/experiment.yaml")]
    return sorted(found, key=lambda run: run.name, reverse=True)
