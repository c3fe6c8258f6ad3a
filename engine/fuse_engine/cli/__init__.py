"""The command line `fuse-gui`: every step from a new experiment to its analysis, without a window."""

from fuse_engine.cli.program import main

__all__ = ["main"]
