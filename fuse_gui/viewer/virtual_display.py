"""A display without a screen: Xvfb for the length of a block."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fuse_engine.core.errors import FuseError

SCREEN = "1600x1000x24"
START_SECONDS = 30.0
_GRACE = 5.0


@contextmanager
def virtual_display(screen: str = SCREEN) -> Iterator[str]:
    """Start Xvfb on a free display, yield its name (`:99`), and end it.

    Raises:
        FuseError: where Xvfb is not installed or does not start.
    """
    program = shutil.which("Xvfb")
    if program is None:
        raise FuseError(
            "there is no display and no Xvfb to make one", expected="apt-get install xvfb, or a desktop session"
        )
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp"],
        pass_fds=(writing,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        yield f":{_number(reading)}"
    finally:
        server.terminate()
        try:
            server.wait(_GRACE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _number(reading: int) -> str:
    """Return the number that Xvfb writes; the whole line, or closing the pipe would end Xvfb."""
    deadline, text = time.monotonic() + START_SECONDS, b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(deadline - time.monotonic(), 0))
            part = pipe.read(16) if ready else b""
            if not part:
                raise FuseError("Xvfb did not start", expected=f"a display within {START_SECONDS:g} seconds")
            text += part
    return text.decode().strip()
