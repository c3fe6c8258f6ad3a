"""One real step of an experiment, in a process whose death hurts nobody."""

from __future__ import annotations

from typing import Any

from fuse_engine.core import registry
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.throwaway import Throwaway
from fuse_engine.service.opened import open_experiment
from fuse_engine.service.work import Work

_PAUSE = 0.1
_under_way: dict[tuple[str, str], Throwaway] = {}
"""The try that goes on while a person waits for something else; at most one."""


def preflight(work: Work, experiment: str, folder: str, in_turns: bool = False) -> dict[str, Any]:
    """Return what a training costs and how it begins; see `run.preflight`.

    `in_turns` returns `{"waiting": True}` where a person came to wait for another request: asking again goes on
    with the same try. One that nobody asks for again is ended.

    Raises:
        FuseError: what keeps the experiment from being trained, or how the process ended.
    """
    key = (experiment, folder)
    opened = open_experiment(experiment, folder)
    _end_others(key)
    going = _under_way.get(key) or Throwaway(opened)
    _under_way[key] = going
    keep, how = False, ""
    try:
        while True:
            if in_turns and work.hurried:
                keep = True
                return {"waiting": True}
            work.check()
            message = going.poll(_PAUSE)
            if message is None:
                continue
            if "report" in message:
                return _finished(message["report"], how)
            if "killed" in message:
                how = message.get("how", how)
                going = _again(opened, going, key)
            else:
                work.progress(message.get("progress", 0.2), message["text"])
    finally:
        if not keep:
            _under_way.pop(key, None)
            going.end()


def _finished(report: dict[str, Any], how: str) -> dict[str, Any]:
    """Return the report; where nothing fits, it says how the last process ended, which may have another cause."""
    more = [f"the last try ended without a word: {how}"] if how and report.get("seconds_per_step") is None else []
    return {**report, "notes": [*report.get("notes", ()), *more], "broken": dict(registry.broken)}


def _again(experiment: Experiment, dead: Throwaway, key: tuple[str, str]) -> Throwaway:
    """Go on with the next smaller size, after the system took the process away."""
    dead.end()
    going = Throwaway(experiment, dead.trying)
    _under_way[key] = going
    return going


def _end_others(key: tuple[str, str]) -> None:
    for other in [name for name in _under_way if name != key]:
        _under_way.pop(other).end()
