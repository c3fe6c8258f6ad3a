"""A worker with methods that misbehave on purpose; the transport is the real one."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

import numpy as np

from fuse_engine.core import registry
from fuse_engine.core.errors import SampleError
from fuse_engine.core.reading import reading
from fuse_engine.service import arrays, worker


def echo(work, value):
    return value


def ramp(work, shape, dtype="float32"):
    return {"image": {"array": np.arange(np.prod(shape), dtype=dtype).reshape(shape)}, "list": [np.eye(2)]}


def count(work, steps, seconds, journal):
    """Write a line after each step, so that a test sees how far the work went."""
    for step in range(steps):
        work.progress((step + 1) / steps, f"step {step}")
        time.sleep(seconds)
        with Path(journal).open("a", encoding="utf-8") as file:
            file.write(f"{step}\n")
    return steps


def linger(work, seconds):
    """Work until the time is over, or somebody waits for something else."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not work.hurried:
        work.check()
        time.sleep(0.005)
    return "hurried" if work.hurried else "done"


def noisy(work):
    print("a library prints")
    os.write(1, b"so does its C code\n")
    return sys.stdin.read()


def bad_sample(work, id):  # noqa: A002 the name in the protocol
    raise SampleError("no such column", sample=id, expected="one of a, b", got="c", nearest="b")


def bug(work):
    return {}["nothing"]


def half_sent(work):
    return [np.zeros(4), np.array([object()], dtype=object)]


def fatal(work, id, path):  # noqa: A002
    with reading(Path(path)):
        ctypes.string_at(0)


def read(work, path):
    with reading(Path(path)):
        return Path(path).read_text(encoding="utf-8")


def slow_read(work, id, path, seconds):  # noqa: A002
    with reading(Path(path)):
        time.sleep(seconds)


def die_replying(work):
    put = arrays.put

    def put_and_die(folder, array):
        put(folder, array)
        os.abort()

    arrays.put = put_and_die
    return [np.zeros(8)]


def catalog(work):
    """Tell a loss for each component file, named as the file's text; a file called broken is."""
    files = registry.component_files()
    entries = [{"kind": "loss", "name": path.read_text(encoding="utf-8"), "sentence": ""} for path in files]
    return {"entries": entries, "broken": {str(path): "why" for path in files if path.stem == "broken"}}


STORIES = (
    catalog, echo, ramp, count, linger, noisy, bad_sample, bug, half_sent, fatal, read, slow_read, die_replying,
)  # fmt: skip

if __name__ == "__main__":
    if len(sys.argv) > 1:
        worker.READ_SECONDS = int(sys.argv[1])
    worker.serve({story.__name__: story for story in STORIES}.__getitem__)
