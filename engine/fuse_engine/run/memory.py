"""How much memory this process has taken, and whether an error says that there is no more."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_SAID = (
    "can't allocate memory", "cannot allocate memory", "not enough memory", "out of memory", "bad_alloc",
    "could not create a primitive", "could not create a memory",
)  # fmt: skip
"""The last two are how oneDNN says it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that there is no memory left, on the CPU or the GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return says_out_of_memory(str(error))


def says_out_of_memory(text: str) -> bool:
    """Say whether the text of an error means that there is no memory left."""
    return "MemoryError" in text or any(words in text.casefold() for words in _SAID)


def begin(device: torch.device) -> None:
    """Count the peak from now on, where the system allows it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif os.access(_CLEAR, os.W_OK):
        _CLEAR.write_text("5")  # resets the peak of the resident memory, see proc(5)


def peak(device: torch.device) -> int:
    """Return the most bytes in use since `begin`: on a GPU of tensors, else of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return _most_so_far()


def _most_so_far() -> int:
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # absent on Windows

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def total(device: torch.device) -> int:
    """Return the bytes that the device has."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return int(psutil.virtual_memory().total)
