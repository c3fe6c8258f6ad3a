"""Classes get other numbers, and channels of their own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image, Label, LabelLookup, OneHot, RandomLabel, Row, Text

Rows = Callable[..., Row]


def label(array: object, dtype: type = np.uint8) -> Image:
    pixels = np.asarray(array, dtype)[None]
    return Image(pixels, Geometry.plain(pixels.shape[1:]))


@pytest.mark.parametrize("shape", [(5, 6), (3, 5, 6)])
def test_one_hot_equals_torchs(row: Rows, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 4, shape)
    found = OneHot(classes=4)(label(array), row())
    assert isinstance(found, Image)
    expected = torch.nn.functional.one_hot(torch.from_numpy(array), 4).movedim(-1, 0)
    np.testing.assert_array_equal(found.array, expected)
    assert found.array.dtype == np.float32
    assert OneHot(classes=3)(1, row()).tolist() == [0, 1, 0]


def test_one_hot_refuses_what_is_no_class(row: Rows) -> None:
    with pytest.raises(SampleError, match="class 3 is not among 3 classes; expected 0 to 2; LabelLookup"):
        OneHot(classes=3)(label([[0, 3]]), row())
    with pytest.raises(SampleError, match="class -1 is not among"):
        OneHot(classes=3)(-1, row())
    with pytest.raises(SampleError, match="OneHot works on a label map or a class.*got an image"):
        OneHot()(Image(np.zeros((1, 2, 2), np.float32), Geometry.plain((2, 2))), row())


@pytest.mark.parametrize(
    ("array", "dtype"), [([[0, 7], [255, 7]], np.uint8), ([[-5, 7], [2_000_000_000, 7]], np.int32)]
)
def test_values_of_a_label_map_are_looked_up(row: Rows, array: list[list[int]], dtype: type) -> None:
    names = dict(zip(("0", "7", "255"), (0, 2, 1), strict=True)) if dtype == np.uint8 else {"-5": 0, "7": 2}
    names.update({} if dtype == np.uint8 else {"2000000000": 1})
    found = LabelLookup(classes=names)(label(array, dtype), row())
    assert isinstance(found, Image)
    np.testing.assert_array_equal(found.array[0], [[0, 2], [1, 2]])
    assert found.array.dtype == np.uint8


def test_a_value_without_a_class_is_named_or_takes_the_default(row: Rows) -> None:
    step = LabelLookup(classes={"0": 0, "254": 1})
    message = "the label map holds the value 255; expected one of 0, 254; got '255'; did you mean '254'"
    with pytest.raises(SampleError, match=message):
        step(label([[0, 255]]), row())
    rest = LabelLookup(classes={"0": 0}, default=300)(label([[0, 255]]), row())
    assert isinstance(rest, Image)
    assert (rest.array.tolist(), rest.array.dtype) == ([[[0, 300]]], np.int32)
    with pytest.raises(SampleError, match="values of a label map are whole numbers"):
        LabelLookup(classes={"liver": 1})(label([[0, 1]]), row())
    with pytest.raises(ValidationError, match="class numbers of 0 or more"):
        LabelLookup(classes={"0": -1})


def test_texts_and_classes_are_looked_up(row: Rows) -> None:
    step = LabelLookup(classes={"benign": 0, "malignant": 1, "suspicious": 1})
    assert step(Text(column="finding")(None, row(finding="suspicious")), row()) == 1
    with pytest.raises(SampleError, match="got 'malignent'; did you mean 'malignant'"):
        step("malignent", row())
    birads = Label(column="birads", classes=["1", "2", "3", "4", "5"])
    assert LabelLookup(classes={"3": 1, "4": 1}, default=0)(birads(None, row(birads="5")), row()) == 1
    with pytest.raises(SampleError, match="works on a label map, a class or a text; expected.*got nothing"):
        step(None, row())


def test_a_random_label_belongs_to_the_sample(tmp_path: object) -> None:
    def drawn(seed: int) -> list[int]:
        rows = [Row(f"s{number}", "g", None, {}, tmp_path) for number in range(400)]  # type: ignore[arg-type]
        return [RandomLabel(classes=4, seed=seed)(None, row) for row in rows]

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
    assert all(70 < drawn(0).count(number) < 130 for number in range(4))
