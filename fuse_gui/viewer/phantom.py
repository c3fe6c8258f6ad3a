"""The phantom cohort, written by a process of its own: writing images loads what the window never loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fuse_engine.core.errors import FuseError
from fuse_engine.service.process import environment

PRESET = "mammography_demo"
SIZE = (192, 144)
"""Pixels (y, x) of an image."""
SEED = 7
SECONDS = 120

WRITE = """
import sys
from pathlib import Path
from fuse_mammography.phantom import write_cohort
folder, patients, seed, height, width = sys.argv[1:]
write_cohort(Path(folder), int(patients), int(seed), (int(height), int(width)))
"""


def write_phantom(folder: Path, patients: int) -> None:
    """Write images and `cohort.csv` of the phantom cohort.

    Raises:
        FuseError: with what the process said, when it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = [str(folder), *map(str, (patients, SEED, *SIZE))]
    done = subprocess.run(
        [sys.executable, "-P", "-c", WRITE, *words],
        capture_output=True, text=True, timeout=SECONDS, check=False, env=environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise FuseError("the phantom cohort could not be written", got=done.stderr.strip().rpartition("\n")[2])
