"""Guards of the values: what is pressed against the range or became constant, what does nothing, what it took."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fuse_engine.augment import Affine, Augmentation, Augmenter, Brightness, Contrast, Flip, Gamma, GaussianNoise
from fuse_engine.augment.guards import Caution, ValueLimits, Watched, idle
from fuse_engine.augment.intensity.filter import Blur
from fuse_engine.augment.intensity.window import Clip
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.geometry import Geometry

IMAGE, MASK = "data.input.image", "data.gt.mask"
KEYS = [IMAGE, MASK]
RAMP = np.linspace(0, 1, 400, dtype=np.float32).reshape(1, 20, 20)


def watched(steps: list[Augmentation], image: np.ndarray = RAMP, limits: ValueLimits | None = None) -> Watched:
    watch, augmenter = Watched(limits), Augmenter(steps, 1)
    sample = NestedDict({"data.id": "a", IMAGE: image, MASK: np.zeros((1, 20, 20), np.uint8)})
    augmenter.apply(sample, augmenter.draw(sample, 0), watch=watch)
    return watch


def test_pixels_pressed_against_the_range_are_counted() -> None:
    # of 0, 1/399, ..., 1 the 80 below 0.2 and the 40 above 0.9 are pressed; 2 of 400 were at the ends before
    low, high = 80 / 399, 359 / 399
    (found,) = watched([Clip(keys=[IMAGE], low=low, high=high)]).cautions
    assert (found.step, found.check) == ("0", "clipped")
    assert "30% of the pixels" in found.message  # (81 + 41 - 2) / 400
    assert watched([Clip(keys=[IMAGE], low=low, high=high)], limits=ValueLimits(clipped=0.31)).cautions == []


def test_brightness_and_noise_press_nothing() -> None:
    steps = [Brightness(keys=[IMAGE], shift=0.5), GaussianNoise(keys=[IMAGE]), Gamma(keys=[IMAGE], gamma=2)]
    assert watched([*steps, Contrast(keys=[IMAGE])]).cautions == []


def test_an_image_that_loses_all_differences_is_named() -> None:
    (found,) = watched([Contrast(keys=[IMAGE], factor=0)]).cautions
    assert (found.step, found.check) == ("0", "constant")
    assert "one value" in found.message
    flat = np.full_like(RAMP, 0.25)
    assert watched([Contrast(keys=[IMAGE], factor=0)], flat).cautions == [], "it was so before"


def test_a_pass_is_timed_once_for_all_steps_that_share_it() -> None:
    steps = [
        Flip(keys=KEYS, each=1),
        Affine(keys=KEYS, rotate=9),
        Gamma(keys=[IMAGE]),
        Blur(keys=[IMAGE], sigma=1),
    ]
    times = watched(steps).times
    assert [(item["step"], item["steps"], item["name"]) for item in times] == [
        ("0", ["0", "1"], "Flip + Affine"), ("2", ["2"], "Gamma"), ("3", ["3"], "Blur"),
    ]  # fmt: skip
    assert all(item["ms"] > 0 for item in times)


GRIDS = {IMAGE: Geometry.plain((20, 20)), MASK: Geometry.plain((20, 20))}


def nothing(step: Augmentation) -> list[Caution]:
    return idle([step], GRIDS, [MASK])


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Flip(keys=KEYS, p=0), "its chance p is 0"),
        (Flip(keys=KEYS, each=0), "whatever it draws changes nothing"),
        (Affine(keys=KEYS), "whatever it draws changes nothing"),
        (GaussianNoise(keys=[IMAGE], std=0), "whatever it draws changes nothing"),
        (Gamma(keys=[IMAGE], gamma=(1, 1)), "whatever it draws changes nothing"),
        (Gamma(keys=[MASK]), "its keys are label maps"),
    ],
)
def test_steps_that_can_do_nothing_say_so(step: Augmentation, reason: str) -> None:
    (found,) = nothing(step)
    assert (found.step, found.check) == ("0", "nothing")
    assert reason in found.message
    assert found.fixes[-1].path == ("augmentation", 0, step.name(), "enabled")


@pytest.mark.parametrize(
    "step",
    [Flip(keys=KEYS), Affine(keys=KEYS, rotate=(0, 1)), Gamma(keys=[IMAGE]), Flip(keys=KEYS, enabled=False)],
)
def test_steps_that_do_something_or_are_switched_off_are_left_in_peace(step: Any) -> None:
    assert nothing(step) == []


def test_the_work_ends_after_the_pass_in_which_nobody_wants_it_any_more() -> None:
    steps = [Flip(keys=KEYS), Gamma(keys=[IMAGE]), GaussianNoise(keys=[IMAGE])]
    sample = NestedDict({"data.id": "a", IMAGE: RAMP, MASK: np.zeros((1, 20, 20), np.uint8)})
    passes: list[int] = []

    def check() -> None:
        passes.append(1)
        if len(passes) == 2:
            raise InterruptedError

    augmenter = Augmenter(steps, 1)
    with pytest.raises(InterruptedError):
        augmenter.apply(sample, augmenter.draw(sample, 0), watch=Watched(check=check))
    assert len(passes) == 2
