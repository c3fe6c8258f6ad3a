"""The process that tries an experiment out: one request on standard input, then messages, one JSON a line."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any

from fuse_engine.core.document import parse
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment

NICE = 5
"""Below the window's priority."""


def main() -> None:
    """Try the experiment of the request out, and tell the report or the problems."""
    commands, replies = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what libraries print goes to the log that standard error is
    sys.stdout = sys.stderr
    if hasattr(os, "nice"):
        os.nice(NICE)
    request = json.loads(commands.readline() or b"{}")
    threading.Thread(target=_end_with, args=(commands,), daemon=True).start()

    def tell(message: dict[str, Any]) -> None:
        os.write(replies, json.dumps(message).encode() + b"\n")

    tell(_answer(request, tell))
    os._exit(0)  # library threads and atexit handlers may hang, and nothing is left to save


def _answer(request: dict[str, Any], tell: Any) -> dict[str, Any]:
    from fuse_engine.run.fitting import Size
    from fuse_engine.run.preflight import carry_out

    tried = request["tried"]
    try:
        experiment = Experiment.from_document(parse(request["experiment"]), Path(request["folder"]))
        found = None if tried is None else Size(tried["batch"], tuple(tried["patch"]), tried["per_sample"])
        return carry_out(experiment, tell, found)
    except FuseError as error:
        return {"problems": [problem.to_json() for problem in error.problems]}
    except Exception as error:  # noqa: BLE001 the boundary of the process: told to whoever waits, the trace is in the log
        traceback.print_exc()
        return {"problems": [{"message": f"{type(error).__name__}: {error}"}]}


def _end_with(commands: IO[bytes]) -> None:
    """End this process when the one that started it is gone."""
    commands.read()
    os._exit(1)


if __name__ == "__main__":
    main()
