"""The screen keeps pictures and how they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.screen import Screen

ARRAY = np.zeros((1, 3, 4), np.float32)
GRID = Geometry.plain((3, 4), (2.0, 0.5))


def test_pictures_come_change_and_go() -> None:
    screen, heard = Screen(), list[str]()
    screen.changed.connect(heard.append)
    screen.show("heat", ARRAY, GRID, opacity=0.4)
    screen.restyle("heat", opacity=0.4)
    screen.restyle("heat", opacity=0.8)
    screen.hide("heat")
    screen.hide("heat")
    assert heard == ["heat"] * 3


def test_a_style_stays_with_the_name() -> None:
    screen = Screen()
    screen.restyle("heat", opacity=0.7)
    screen.show("heat", ARRAY, GRID, limits=(0, 1))
    screen.hide("heat")
    screen.show("heat", ARRAY, GRID)
    shown = screen.picture("heat")
    assert shown is not None
    assert shown.style == {"opacity": 0.7, "limits": (0, 1)}
    assert not shown.label


def test_what_does_not_fit_is_refused() -> None:
    screen = Screen()
    with pytest.raises(ValueError, match="'hat' is no picture"):
        screen.show("hat", ARRAY, GRID)
    with pytest.raises(ValueError, match=r"\(4, 3\) on a grid of \(3, 4\)"):
        screen.show("heat", ARRAY.transpose(0, 2, 1), GRID)
