"""Distributions: their ends against their bounds, and what no computer could draw from."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import BaseModel, Field, ValidationError

from fuse_engine.core.catalog import describe
from fuse_engine.core.distribution import Distribution, PerAxis, Usual, constant, every_axis


class Shifts(BaseModel):
    """Shifts."""

    by: Annotated[PerAxis, Usual(-5, 5)] = Field(every_axis(constant(0.0)), gt=-90, le=90)
    share: Distribution | None = Field(None, ge=0)


def test_a_form_gets_bounds_and_what_is_usual() -> None:
    by, share = describe(Shifts).fields
    assert (by.kind, by.per_axis, by.default, by.usual) == ("distribution", True, 0.0, (-5, 5))
    assert (by.minimum, by.open_minimum, by.maximum, by.open_maximum) == (-90, True, 90, False)
    assert (share.kind, share.per_axis, share.optional, share.minimum, share.usual) == (
        "distribution", False, True, 0, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "plain", [{"normal": [0.15, 0.05]}, {"normal": [1e-7, 3e-8]}, {"steps": [0, 0.3, 0.1]}, {"normal": [0, 0]}]
)
def test_rounding_puts_no_end_beyond_its_bound(plain: Any) -> None:
    drawn = Shifts(share=plain).share
    assert drawn is not None
    rng = np.random.default_rng(1)
    numbers = [drawn.draw(rng) for _ in range(500)]
    assert 0 <= drawn.low <= min(numbers) <= max(numbers) <= drawn.high <= 0.3


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"steps": [0, 1e9, 1e-9]}, "at most 10000 numbers"),
        ({"steps": [0, 1, 1e-320]}, "at most 10000 numbers"),
        ([-1e308, 1e308], "closer together"),
        ({"normal": [1e308, 1e308]}, "closer together"),
        ({"normal": [0.1, 0.1]}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(plain: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Shifts(share=plain)
