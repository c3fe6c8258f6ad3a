"""Tells a panel which slice of the patient the window shows."""

from __future__ import annotations

from typing import Any

from fuse_gui.models.look import Look

DIMS = 3


def follow_slices(viewer: Any, look: Look) -> None:
    """Have `look` follow the sliders and the axes of the window; in 3-D display it stays where it was."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    dims = viewer.dims

    def follow(_event: object = None) -> None:
        if dims.ndisplay == 2 and dims.ndim >= DIMS:
            axis = dims.not_displayed[-1]
            look.move_to_point(axis - dims.ndim + DIMS, dims.point[axis])

    for event in (dims.events.current_step, dims.events.order, dims.events.ndisplay):
        event.connect(follow)
    look.changed.connect(follow)
