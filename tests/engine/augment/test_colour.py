from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import hsv2rgb, rgb2hsv

from fuse_engine.augment import ColourJitter, Grayscale, Operation
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream

KEYS = ["data.input.image"]


def photo(*shape: int) -> NDArray[np.float32]:
    return np.asarray(stream("photo").random((3, *shape), np.float32))


@pytest.mark.parametrize("turn", [-1.0, -0.4, 0.15, 0.75])
def test_colours_change_as_in_hsv(turn: float) -> None:
    image = photo(4, 30, 20)
    changed = ColourJitter(keys=KEYS).apply(image, {"hue": turn, "saturation": 1.4, "value": 0.8})
    hsv = rgb2hsv(image.astype(float), channel_axis=0)
    hue, saturation, value = (hsv[0] + turn) % 1, np.clip(hsv[1] * 1.4, 0, 1), hsv[2] * 0.8
    assert np.allclose(changed, hsv2rgb(np.stack([hue, saturation, value]), channel_axis=0), atol=1e-5)


def test_grey_and_black_have_no_hue() -> None:
    grey = np.repeat(np.linspace(0, 1, 20, dtype=np.float32).reshape(1, 4, 5), 3, 0)
    changed = ColourJitter(keys=KEYS).apply(grey, {"hue": 0.3, "saturation": 2.0, "value": 1.0})
    assert np.allclose(changed, grey, atol=1e-6)


def test_grayscale_weighs_red_green_and_blue() -> None:
    pixels = np.eye(3, dtype=np.float32).reshape(3, 1, 3)
    grey = Grayscale(keys=KEYS).apply(pixels, {"alpha": 1.0})
    assert np.allclose(grey, [[[0.299, 0.587, 0.114]]] * 3)
    half = Grayscale(keys=KEYS).apply(pixels, {"alpha": 0.5})
    assert half[:, 0, 0].tolist() == pytest.approx([0.6495, 0.1495, 0.1495])


@pytest.mark.parametrize("step", [ColourJitter(keys=KEYS), Grayscale(keys=KEYS)])
@pytest.mark.parametrize(("channels", "got"), [(1, "got 1 channel$"), (4, "got 4 channels")])
def test_what_is_not_rgb_is_refused(step: Operation, channels: int, got: str) -> None:
    image = np.zeros((channels, 4, 4), np.float32)
    params = {"hue": 0.1, "saturation": 1.0, "value": 1.0, "alpha": 1.0}
    with pytest.raises(FuseError, match=f"changes RGB images; expected 3 channels; {got}"):
        step.apply(image, params)
