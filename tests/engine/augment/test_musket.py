"""Musket's configurations: ranges are ranges, and what imgaug would have done instead is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fuse_engine.augment import Augmenter, Flip
from fuse_engine.augment.imgaug_rules import RULES
from fuse_engine.augment.musket import Imported, import_augmentation
from fuse_engine.core.augmentation_presets import ImageKeys
from fuse_engine.core.component import Slot
from fuse_engine.core.errors import ExperimentError

IMAGE, MASK = ["data.input.image"], ["data.input.image", "data.gt.mask"]

SEED = """\
#%Musket Segmentation 1.0
backbone: resnet34
augmentation:
  Fliplr: 0.5
  Flipud: 0.5
  Affine:
    scale: [0.8, 1.5] #random scalings
    translate_percent:
      x: [-0.2,0.2] #random shifts
      y: [-0.2,0.2]
    rotate: [-16, 16] #random rotations on -16,16 degrees
    shear: [-16, 16] #random shears on -16,16 degrees
epochs: 3
"""


@pytest.fixture
def imported(tmp_path: Path) -> Any:
    def read(text: str, white: float = 1.0) -> Imported:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return import_augmentation(path, ImageKeys(tuple(IMAGE), (MASK[1],), 2), white)

    return read


def test_the_manual_s_example_becomes_ranges_with_a_warning_for_each_list(imported: Any) -> None:
    found = imported(SEED)
    assert [next(iter(step)) for step in found.steps] == ["Flip", "Flip", "Affine"]
    assert found.steps[0]["Flip"] == {"keys": MASK, "axes": ["x"], "each": 0.5}
    assert found.steps[2]["Affine"] == {
        "keys": MASK, "scale": [0.8, 1.5], "translate": {"y": [-0.2, 0.2], "x": [-0.2, 0.2]},
        "rotate": [-16, 16], "shear": [-16, 16],
    }  # fmt: skip
    said = [str(warning) for warning in found.warnings]
    assert len(said) == 5
    assert said[3] == (
        "config.yaml:6: augmentation.Affine: 'rotate' is read as the range from -16 to 16; "
        "of a list imgaug takes -16 or 16"
    )
    slot: Any = Slot("augmentation")
    augmenter = Augmenter([slot.parse(step) for step in found.steps], 1)
    assert isinstance(augmenter.steps[0], Flip)


EACH: list[tuple[str, list[dict[str, Any]]]] = [
    ("Add: [-10, 20]", [{"Brightness": {"keys": IMAGE, "shift": [-0.0392157, 0.0784314]}}]),
    ("add: {value: 51}", [{"Brightness": {"keys": IMAGE, "shift": 0.2}}]),
    ("AddElementwise: [-51, 51]", [{"AddElementwise": {"keys": IMAGE, "reach": 0.2}}]),
    ("Multiply: {mul: [0.5, 0.8, 1]}", [{"Multiply": {"keys": IMAGE, "factor": {"choice": [0.5, 0.8, 1]}}}]),
    ("MultiplyElementwise: [0.5, 1.5]", [{"MultiplyElementwise": {"keys": IMAGE, "reach": 0.5}}]),
    ("Affine: {shear: [0, 16], mode: edge}", [{"Affine": {"keys": MASK, "shear": [-16, 0], "border": "edge"}}]),
    ("Affine: {scale: {x: 1.2}}", [{"Affine": {"keys": MASK, "scale": {"y": 1, "x": 1.2}}}]),
    ("Affine: 1.1", [{"Affine": {"keys": MASK, "scale": 1.1}}]),
    ("FLIPLR: 1", [{"Flip": {"keys": MASK, "axes": ["x"], "each": 1}}]),
    ("Invert: 0.25", [{"Invert": {"keys": IMAGE, "p": 0.25}}]),
    ("Rotate90: true", [{"Rotate90": {"keys": MASK}}]),
    ("CropAndPad: {percent: [-0.25, -0.1]}", [{"CropResize": {"keys": MASK, "scale": [0.5, 0.8]}}]),
    ("CropAndPad: {percent: [-0.25, 0.5]}", [{"Zoom": {"keys": MASK, "factor": [0.5, 2.0]}}]),
    ("Pad: {px: 3, keep_size: false}", [{"Pad": {"keys": MASK, "by": 3}}]),
    ("CropToFixedSize: {width: 80, height: 64}",
     [{"Crop": {"keys": MASK, "size": ["64", "80"], "place": [0, 1]}}]),
    ("PadToFixedSize: {width: 80, height: 64}", [{"Pad": {"keys": MASK, "size": ["64", "80"], "place": [0, 1]}}]),
    ("AdditiveGaussianNoise: {scale: [0, 25.5]}", [{"GaussianNoise": {"keys": IMAGE, "std": [0, 0.1]}}]),
    ("Grayscale: [0, 1]", [{"Grayscale": {"keys": IMAGE, "alpha": [0, 1]}}]),
    ("ElasticTransformation: {alpha: 5, sigma: 2}", [{"FreeForm": {"keys": MASK, "alpha": 5, "sigma": 2}}]),
    ("BackgroundReplacer: {path: bg, rate: 0.2, erosion: [0, 5]}", [{"BackgroundReplacement": {
        "keys": IMAGE, "mask": MASK[1], "folder": "bg", "p": 0.8, "erosion": [0, 5]}}]),
    ("BackgroundReplacer: bg", [{"BackgroundReplacement": {
        "keys": IMAGE, "mask": MASK[1], "folder": "bg", "p": 0.5}}]),
    ("OneOf: {GaussianBlur: 1.5, MedianBlur: {k: 3}}", [{"OneOf": {"steps": [
        {"Blur": {"keys": IMAGE, "sigma": 1.5}}, {"MedianBlur": {"keys": IMAGE, "size": 3}}]}}]),
    ("Sequential: [{Dropout: 0.1}, {Dropout: 0.2}]", [{"Sequential": {"steps": [
        {"Dropout": {"keys": IMAGE, "share": 0.1}}, {"Dropout": {"keys": IMAGE, "share": 0.2}}]}}]),
    ("Sequential: {random_order: true, Add: 51, Fliplr: 1}", [{"SomeOf": {"count": 2, "shuffle": True, "steps": [
        {"Brightness": {"keys": IMAGE, "shift": 0.2}}, {"Flip": {"keys": MASK, "axes": ["x"], "each": 1}}]}}]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "steps"), EACH, ids=lambda value: value if isinstance(value, str) else "")
def test_each_augmenter_has_its_counterpart(imported: Any, text: str, steps: list[dict[str, Any]]) -> None:
    assert imported(text).steps == steps


LEFT_OUT = [
    ("GausianBlur: 1", "augmentation.GausianBlur: 'GausianBlur' is not translated; did you mean 'GaussianBlur'?"),
    ("PiecewiseAffine: {scale: 0.1}", "'PiecewiseAffine' is not translated: GridDistortion and Elastic bend"),
    ("BackgroundReplacer: {rate: 0.2}", "'BackgroundReplacer' is not translated: it lacks 'path'"),
    ("BackgroundReplacer: {path: a, rate: 2}", "'BackgroundReplacer' is not translated: BackgroundReplacement.p"),
    ("BackgroundReplacer: {path: a, augmenters: {Fliplr: 1}}", "these are not translated: augmenters"),
    ("Affine: {translate_px: 5}", "of 'Affine' these are not translated: translate_px"),
    ("Affine: {mode: wrap}", "'Affine' is not translated: no border 'wrap'; expected constant"),
    ("GaussianBlur: {}", "'GaussianBlur' is not translated: it lacks 'sigma'"),
    ("GaussianBlur: wide", "'GaussianBlur' is not translated: 'sigma' is no number: wide"),
    ("GaussianBlur: -1", "'GaussianBlur' is not translated: Blur.sigma: expected a number from 0 up"),
    ("CropAndPad: {px: 5}", "'CropAndPad' is not translated: 'px' with the size kept"),
]


@pytest.mark.parametrize(("text", "said"), LEFT_OUT)
def test_what_is_left_out_is_named_and_the_rest_is_translated(imported: Any, text: str, said: str) -> None:
    lines = [f"  {line}" for line in (text, "Fliplr: 0.5")]
    found = imported("\n".join(["augmentation:", *lines]))
    assert any(said in str(warning) for warning in found.warnings), [str(item) for item in found.warnings]
    assert "Flip" in found.steps[-1]
    assert str(found.warnings[0]).startswith("config.yaml:2: ")


def test_without_a_label_map_nothing_tells_the_background(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("BackgroundReplacer: bg")
    (said,) = import_augmentation(path, ImageKeys(tuple(IMAGE))).warnings
    assert "it needs a label map" in str(said)


def test_every_rule_makes_steps_that_can_be_used(imported: Any) -> None:
    values = {"affine": "1.1", "pad": "{percent: 0.1}", "cropandpad": "{percent: 0.1}", "additivegaussiannoise":
              "{scale: 1}", "padtofixedsize": "{width: 9, height: 9}", "croptofixedsize": "{width: 9, height: 9}",
              "medianblur": "3"}  # fmt: skip
    for name in RULES:
        assert imported(f"{name}: {values.get(name, '1')}").steps, name


def test_white_says_what_a_grey_level_is(imported: Any) -> None:
    assert imported("Add: [-10, 10]", white=255).steps[0]["Brightness"]["shift"] == [-10, 10]


TRAPS = [
    "augmentation: [1, 2]", "augmentation: !!python/object:os.system {}", "augmentation: {Add: 1, Add: 2}",
    "augmentation: {Add: &a 1, Multiply: *a}",
]  # fmt: skip


@pytest.mark.parametrize("text", TRAPS)
def test_what_is_no_such_section_is_refused(imported: Any, text: str) -> None:
    with pytest.raises(ExperimentError):
        imported(text)
