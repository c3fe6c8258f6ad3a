"""`python -m fuse_engine run FOLDER`: the process of one run, started by an executor."""

from __future__ import annotations

import sys

import psutil

from fuse_engine.core.errors import FuseError
from fuse_engine.run.folder import RunFolder

NICE = 5
"""Below the window's priority: it must stay quick while a run takes every core."""
CODES = {"finished": 0, "stopped": 0, "failed": 3, "cancelled": 130}


def main(arguments: list[str]) -> int:
    """Carry a run out; return the exit code: 0 done, 2 wrong usage, 3 failed, 130 cancelled."""
    if len(arguments) != 2 or arguments[0] != "run":
        print("usage: python -m fuse_engine run FOLDER", file=sys.stderr)
        return 2
    _step_back()
    from fuse_engine.run.train import work

    try:
        return CODES.get(work(RunFolder(arguments[1])).state, 3)
    except FuseError as error:
        print(error, file=sys.stderr)
        return 3


def _step_back() -> None:
    own = psutil.Process()
    if sys.platform == "win32":
        own.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        own.nice(max(NICE, int(own.nice())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
