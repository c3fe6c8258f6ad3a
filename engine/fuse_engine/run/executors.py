"""Where `work(run folder)` happens."""

from __future__ import annotations

import os
import subprocess
import threading
from abc import abstractmethod
from typing import ClassVar

import psutil

from fuse_engine.core.component import Component
from fuse_engine.core.registry import register
from fuse_engine.run.child import PYTHON, import_path
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.status import machine

MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "268435456"}
"""glibc keeps what was freed instead of giving the pages back: up to 1.5 times faster 3-D training."""

_POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def thread_count(wanted: int) -> int:
    """Return the CPU threads of a run; 0 takes one less than there are cores, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted or max(1, cores - 1)


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that trains with so many threads, as `thread_count` takes them."""
    count = str(thread_count(threads))
    return {
        **os.environ, **MALLOC, **dict.fromkeys(_POOLS, count), "PYTHONPATH": os.pathsep.join(import_path())
    }  # fmt: skip


class Executor(Component):
    """Carries a run out somewhere; all state is in the run folder."""

    kind: ClassVar[str] = "executor"

    @abstractmethod
    def start(self, folder: RunFolder) -> None:
        """Start or continue the run in `folder`."""


@register
class Local(Executor):
    """A background process on this machine that outlives the window, notebook or shell that started it."""

    def start(self, folder: RunFolder) -> None:
        """Return at once; what the process prints goes to the run's log.txt."""
        with folder.log.open("ab") as log:
            process = subprocess.Popen(
                [*PYTHON, "-m", "fuse_engine", "run", str(folder.path)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=environment(folder.experiment().run.threads),
            )  # fmt: skip
        created = psutil.Process(process.pid).create_time()
        folder.submitted(pid=process.pid, created=created, machine=machine())
        # waits only to take note of the end: a dead child that nobody waited for would look alive to others
        threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()


@register
class Inline(Executor):
    """This process, which waits until the run ends; for notebooks, tests and debugging."""

    def start(self, folder: RunFolder) -> None:
        """Return when the run has ended."""
        from fuse_engine.run.train import work

        work(folder)
