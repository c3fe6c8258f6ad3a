"""What a window is told about a value."""

from __future__ import annotations

import numpy as np

from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image
from fuse_engine.service.pictures import facts, text_of


def test_a_text_is_shown_as_it_is_and_has_no_numbers() -> None:
    assert facts("Rome ") == {"shape": [], "dtype": "text", "spacing": [], "text": "Rome "}
    assert text_of("Rome ") == "Rome "


def test_numbers_and_images_have_their_range() -> None:
    image = Image(np.arange(6, dtype=np.float32).reshape(1, 2, 3), Geometry.plain((2, 3), (0.5, 0.25)))
    found = facts(image)
    assert (found["shape"], found["min"], found["max"], found["mean"]) == ([1, 2, 3], 0, 5, 2.5)
    assert found["spacing"] == [0.5, 0.25]
    assert text_of(image) == "1 × 2 × 3 float32"
    assert facts(3)["text"] == "3"
