"""Which device and number format a run computes with, and why."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from fuse_engine.core.errors import RunError
from fuse_engine.core.sections import Run

BF16_FLAGS = ("amx_bf16", "avx512_bf16")
PACKAGES = ("torch", "monai", "lightning-fabric", "numpy", "numba", "SimpleITK", "pandas", "fuse-gui")


@dataclass(frozen=True)
class Choice:
    """What a run computes with."""

    device: str
    precision: str
    why: str


def choose(run: Run, cpu_flags: frozenset[str] | None = None) -> Choice:
    """Settle `auto`; `cpu_flags` are read from this machine where not given.

    Raises:
        RunError: for a device that this machine does not have.
    """
    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if run.device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if have[name])
    elif have[run.device]:
        device = run.device
    else:
        there = ", ".join(name for name, found in have.items() if found)
        raise RunError(
            f"no {run.device} device on this machine", where="run.device", expected=f"auto or one of {there}"
        )
    if run.precision != "auto":
        return Choice(device, run.precision, "as the experiment says")
    return _precision(device, cpu_features() if cpu_flags is None else cpu_flags)


def _precision(device: str, flags: frozenset[str]) -> Choice:
    if device == "cuda":
        if torch.cuda.is_bf16_supported():
            return Choice(device, "bf16-mixed", "this GPU computes bf16")
        return Choice(device, "32-true", "this GPU has no bf16")
    found = [flag for flag in BF16_FLAGS if flag in flags]
    if device == "cpu" and found:
        return Choice(device, "bf16-mixed", f"this CPU has bf16 units ({found[0]})")
    return Choice(device, "32-true", f"no bf16 units known on this {device}")


def cpu_features() -> frozenset[str]:
    """Return the instruction sets of this CPU; empty where the system does not tell."""
    return frozenset(_cpu("flags").split())


def cpu_name() -> str:
    """Return the model of this CPU, its architecture where the system does not tell."""
    return _cpu("model name") or platform.machine()


def _cpu(field: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def describe(choice: Choice, threads: int) -> dict[str, Any]:
    """Return what a result may depend on besides the experiment; no names of persons, hosts or files."""
    return {
        "device": choice.device,
        "device_name": torch.cuda.get_device_name() if choice.device == "cuda" else cpu_name(),
        "precision": choice.precision,
        "precision_why": choice.why,
        "threads": threads,
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that a result may depend on."""
    return {name: version for name in PACKAGES if (version := _version(name))}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


EXACT = ("device", "device_name", "precision", "threads", "versions", "samples")


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say what has changed of that which a bit-identical continuation depends on."""
    return [f"{name} changed" for name in EXACT if name in before and before[name] != now.get(name)]
