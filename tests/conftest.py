"""What all tests share."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import psutil
import pytest

_REAL = Path(__file__).parents[2] / "shared" / "data"
_MARK = "FUSE_TEST_SESSION"

# shapes in the signatures of what computes are checked at every call that the tests make
_SHAPED = ["fuse_engine.losses", "fuse_engine.metrics", "fuse_engine.models"]
jaxtyping.install_import_hook(_SHAPED, "beartype.beartype")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # started in the background by a shell: what the tests start must be stoppable by Ctrl-C all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Mark every process that the tests start, however far away, and find none of them at the end."""
    os.environ[_MARK] = mark = uuid.uuid4().hex
    yield
    deadline = time.monotonic() + 20
    while left := _marked(mark):
        assert time.monotonic() < deadline, f"the tests left processes: {left}"
        time.sleep(0.2)


def _marked(mark: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            own = process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE
            if not own and process.environ().get(_MARK) == mark:
                found.append(f"{process.pid}: {' '.join(process.cmdline())}")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real images; it is not part of the repository."""
    folder = Path(os.environ.get("FUSE_TEST_DATA") or _REAL).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder} (FUSE_TEST_DATA names another folder)")
    return folder
