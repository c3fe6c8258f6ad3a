"""A worker with methods that misbehave on purpose; the transport is the real one."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

import numpy as np
from fuse_engine.core.errors import SampleError
from fuse_engine.core.reading import reading
from fuse_engine.service import worker


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


def noisy(work):
    print("a library prints")
    os.write(1, b"so does its C code\n")
    return sys.stdin.read()


def bad_sample(work, id):
    raise SampleError("no such column", sample=id, expected="one of a, b", got="c", nearest="b")


def bug(work):
    return {}["nothing"]


def half_sent(work):
    return [np.zeros(4), np.array([object()], dtype=object)]


def fatal(work, id, path):
    with reading(Path(path)):
        ctypes.string_at(0)


def read(work, path):
    with reading(Path(path)):
        return Path(path).read_text(encoding="utf-8")


def slow_read(work, id, path, seconds):
    with reading(Path(path)):
        time.sleep(seconds)


def leave_arrays(work):
    for _ in range(3):
        worker.arrays.put(work_folder(), np.zeros(10))
    os.abort()


def work_folder():
    return next(Path("/proc/self/fd").parent.glob("none"), Path(os.environ["STORY_ARRAYS"]))


METHODS = {f.__name__: f for f in (echo, ramp, count, noisy, bad_sample, bug, half_sent, fatal, read, slow_read)}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        worker.READ_SECONDS = int(sys.argv[1])
    worker.serve(METHODS.__getitem__)
