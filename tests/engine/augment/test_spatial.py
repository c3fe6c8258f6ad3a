"""Every operation that moves pixels: image, labels, points and boxes stay together, and nothing folds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import ndimage

from fuse_engine.augment import (
    Affine,
    Augmenter,
    Crop,
    CropResize,
    Elastic,
    Flip,
    FreeForm,
    GridDistortion,
    Pad,
    Rotate90,
    Spatial,
    Zoom,
)
from fuse_engine.augment.chance import Chance, Extreme
from fuse_engine.augment.pull import Border, Pull
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream
from fuse_engine.core.registry import every

IMAGE, MASK, POINT, BOX = "data.input.image", "data.gt.mask", "data.gt.point", "data.gt.box"
GRID = "data.geometry.input.image"
GRIDS = [Geometry.plain((48, 64), (2.0, 1.0)), Geometry.plain((24, 48, 40), (3.0, 1.0, 1.5))]
TOGETHER: dict[str, Any] = {"keys": [IMAGE, MASK], "points": [POINT], "boxes": [BOX]}


def make_steps(dims: int) -> list[Spatial]:
    size = [20, 40, 30][-dims:]
    return [
        Affine(**TOGETHER, rotate=(-40, 40), scale=(0.9, 1.2), translate=(-0.1, 0.1), shear=(-15, 15)),
        Crop(**TOGETHER, size=size, place=(0.3, 0.7)), CropResize(**TOGETHER, scale=(0.75, 1), place=(0.3, 0.7)),
        Elastic(**TOGETHER, max_displacement=(2, 8)), Flip(**TOGETHER, axes=["x", "y"]),
        FreeForm(**TOGETHER, alpha=800 if dims == 3 else 60, sigma=(8, 12)), GridDistortion(**TOGETHER),
        Pad(**TOGETHER, by=(0, 9)), Pad(**TOGETHER, size=[30, 60, 80][-dims:], place=(0, 1)),
        Rotate90(**TOGETHER, planes=["xy"] if dims == 2 else ["xy", "zx", "yz"]),
        Zoom(**TOGETHER, factor=(0.8, 1.3)), Zoom(**TOGETHER, factor=(0.8, 1.3), keep_size=False),
    ]  # fmt: skip


def name_of(step: Spatial) -> str:
    return step.name()


def make_sample(grid: Geometry, name: str = "s") -> NestedDict:
    """Make a ball, 7 mm around a point left of the middle: in the image, labelled, in a box; and a small bell."""
    shape = np.array(grid.shape)
    spacing, middle = np.array(grid.spacing[::-1]), np.round(shape * 0.45)
    places = np.moveaxis(np.indices(grid.shape), 0, -1)
    away = np.sqrt((((places - middle) * spacing) ** 2).sum(-1))
    ball = (away <= 7).astype(np.uint8)
    ends = np.argwhere(ball)
    return NestedDict({
        "data.id": name, IMAGE: np.stack([ball, np.exp(-((away / 3) ** 2))]).astype(np.float32), MASK: ball[None],
        POINT: middle[None], BOX: np.concatenate([ends.min(0), ends.max(0)])[None],
        GRID: grid,
    })  # fmt: skip


CASES = [
    pytest.param(step, grid, id=f"{step.name()}-{grid.dims}-{number}")
    for grid in GRIDS
    for number, step in enumerate(make_steps(grid.dims))
]


@pytest.mark.parametrize(("step", "grid"), CASES)
def test_image_labels_points_and_boxes_stay_together(step: Spatial, grid: Geometry) -> None:
    augmenter, sample = Augmenter([step], 7), make_sample(grid)
    for epoch in range(4):
        moved = augmenter(sample, epoch)
        marked = np.argwhere(moved[MASK][0])
        assert len(marked) > 40
        assert np.abs(ndimage.center_of_mass(moved[IMAGE][0]) - marked.mean(0)).max() < 0.4
        assert np.abs(ndimage.center_of_mass(moved[IMAGE][1]) - moved[POINT][0]).max() < 0.5
        first, last = np.split(moved[BOX][0], 2)
        assert (marked.min(0) >= first - 0.75).all()
        assert (marked.max(0) <= last + 0.75).all()


def test_every_operation_that_moves_is_here() -> None:
    tried = {step.name() for step in make_steps(3)}
    assert {name for name, cls in every("augmentation").items() if issubclass(cls, Spatial)} == tried


@pytest.mark.parametrize(("step", "grid"), CASES)
def test_at_neutral_nothing_moves(step: Spatial, grid: Geometry) -> None:
    sample, neutral = make_sample(grid), step.neutral(grid)
    assert neutral is not None
    for key in (IMAGE, MASK):
        assert np.array_equal(step.apply(sample[key], json.loads(json.dumps(neutral))), sample[key])


@pytest.mark.parametrize(("step", "grid"), CASES)
def test_the_way_back_exists(step: Spatial, grid: Geometry) -> None:
    points = stream("points").uniform(0, np.array(grid.shape) - 1, (200, grid.dims))
    for chance in (Chance(1), Chance(2), Extreme(False), Extreme(True)):
        pull = step.pull(step.sample(chance, grid), grid.shape)
        assert np.abs(pull(pull.push(points)) - points).max() < 1e-3
        assert folds(pull) == 0


def folds(pull: Pull) -> float:
    """Return the share of cells that a pull turns inside out."""
    places = np.moveaxis(pull(np.argwhere(np.ones(pull.shape)).astype(float)).reshape(*pull.shape, -1), -1, 0)
    slopes = np.stack([np.stack(np.gradient(axis)) for axis in places])
    volume = np.linalg.det(np.moveaxis(slopes, (0, 1), (-2, -1)))
    return float((volume * np.sign(np.median(volume)) <= 0).mean())


@pytest.mark.parametrize("step", [
    Elastic(keys=[IMAGE], max_displacement=500, locked_borders=0), FreeForm(keys=[IMAGE], alpha=1e5, sigma=6),
    GridDistortion(keys=[IMAGE], distort_limit=0.99, num_cells=[12]),
], ids=name_of)  # fmt: skip
@pytest.mark.parametrize("grid", GRIDS)
def test_what_would_fold_is_weakened(step: Spatial, grid: Geometry) -> None:
    points = stream("points").uniform(0, np.array(grid.shape) - 1, (200, grid.dims))
    for seed in range(5):
        pull = step.pull(step.sample(Chance(seed), grid), grid.shape)
        assert folds(pull) == 0
        assert np.abs(pull(pull.push(points)) - points).max() < 1e-3


def test_a_spline_goes_through_no_more_than_its_control_points_allow() -> None:
    grid, step = Geometry.plain((40, 40, 40)), Elastic(keys=[IMAGE], max_displacement=3, locked_borders=1)
    params = step.sample(Chance(3), grid)
    places = np.argwhere(np.ones(grid.shape)).astype(float)
    off = step.pull(params, grid.shape)(places) - places
    assert 1 < np.abs(off).max() <= 3
    fine = step.pull({**params, "shape": [80, 80, 80], "spacing": [0.5] * 3}, (80, 80, 80))
    assert np.abs(fine(places * 2 + 0.5) - places * 2 - 0.5 - 2 * off).max() < 0.25  # the same in mm


def test_locked_borders_hold_the_edges() -> None:
    grid = Geometry.plain((41, 41))
    edge = np.array([[0.0, y] for y in range(41)])
    off = []
    for locked in (0, 1, 2):
        step = Elastic(keys=[IMAGE], max_displacement=2, locked_borders=locked)
        pulls = [step.pull(step.sample(Chance(seed), grid), grid.shape) for seed in range(20)]
        off.append(np.mean([np.abs(pull(edge) - edge).mean() for pull in pulls]))
    assert off[0] > off[1] > 3 * off[2] > 0


@pytest.mark.parametrize(
    ("grid", "share"), [(Geometry.plain((200, 200)), 0.163), (Geometry.plain((60,) * 3), 0.0865)]
)
def test_a_free_form_field_is_as_strong_as_simards(grid: Geometry, share: float) -> None:
    sigma, alpha = 4.0, 10.0
    step = FreeForm(keys=[IMAGE], alpha=alpha, sigma=sigma)
    places = np.argwhere(np.ones(grid.shape)).astype(float)
    off = [step.pull(step.sample(Chance(seed), grid), grid.shape)(places) - places for seed in range(4)]
    noise = stream("simard").uniform(-1, 1, grid.shape)
    simard = alpha * ndimage.gaussian_filter(noise, sigma, mode="wrap").std()
    assert np.std(off) == pytest.approx(simard, rel=0.12)
    assert simard == pytest.approx(share * alpha / sigma ** (grid.dims / 2), rel=0.12)


def test_cells_of_a_grid_change_within_their_limit() -> None:
    step, grid = GridDistortion(keys=[IMAGE], num_cells=[4, 5], distort_limit=0.2), Geometry.plain((41, 101))
    pull = step.pull(step.sample(Chance(5), grid), grid.shape)
    along = pull(np.array([[20.0, x] for x in range(0, 101, 20)]))[:, 1]
    widths = np.diff(along) / 20
    assert along[[0, -1]].tolist() == pytest.approx([0, 100])
    assert 0.8 / 1.2 < widths.min() < 1 < widths.max() < 1.2 / 0.8
    assert pull(np.array([[7.0, 30.0]]))[0, 1] == pytest.approx(along[1:3].mean())


def test_windows_are_copies() -> None:
    volume = stream("v").normal(size=(2, 9, 14, 17)).astype(np.float32)
    cut = Crop(keys=[IMAGE], size=[4, 5, 6]).apply(
        volume, {"start": [1, 2, 3], "size": [4, 5, 6], "shape": [9, 14, 17]}
    )
    assert np.array_equal(cut, volume[:, 1:5, 2:7, 3:9])
    frame = {"before": [1, 0, 2], "after": [0, 3, 1], "shape": [9, 14, 17]}
    modes: list[tuple[Border, Any]] = [("zeros", "constant"), ("edge", "edge"), ("reflect", "reflect")]
    for border, mode in modes:
        wide = Pad(keys=[IMAGE], border=border).apply(volume, frame)
        assert np.array_equal(wide, np.pad(volume, ((0, 0), (1, 0), (0, 3), (2, 1)), mode))


def test_windows_lie_everywhere_and_no_further() -> None:
    step, grid = Crop(keys=[IMAGE], size=[3, 8]), Geometry.plain((5, 8))
    starts = [step.sample(Chance(seed), grid)["start"] for seed in range(300)]
    counts = np.bincount([start[0] for start in starts], minlength=3)
    assert {start[1] for start in starts} == {0}
    assert counts.min() > 70
    assert step.sample(Extreme(True), grid)["start"] == [2, 0]


def test_quarter_turns_agree_with_numpy() -> None:
    volume = stream("v").normal(size=(1, 3, 4, 5)).astype(np.float32)
    axes = {"xy": (3, 2), "zx": (1, 3), "yz": (2, 1)}
    for plane, (first, second) in axes.items():
        for turns in range(4):
            turned = Rotate90(keys=[IMAGE]).apply(volume, {"planes": [plane], "turns": [turns]})
            assert np.array_equal(turned, np.rot90(volume, turns, (first, second)))
    both = Rotate90(keys=[IMAGE]).apply(volume, {"planes": ["xy", "zx"], "turns": [1, 3]})
    assert np.array_equal(both, np.rot90(np.rot90(volume, 1, (3, 2)), 3, (1, 3)))


def test_a_quarter_turn_is_that_of_affine() -> None:
    image = stream("v").normal(size=(1, 9, 9)).astype(np.float32)
    still = {"scale": [1.0] * 2, "translate": [0.0] * 2, "shear": [0.0], "spacing": [1.0] * 2}
    turned = Affine(keys=[IMAGE]).apply(image, {"rotate": [90.0], **still})
    assert np.array_equal(turned, Rotate90(keys=[IMAGE]).apply(image, {"planes": ["xy"], "turns": [1]}))


@pytest.mark.parametrize(("wrong", "grid", "message"), [
    (Crop(keys=[IMAGE], size=[9, 9]), (8, 12), r"larger than the image; expected at most \(8, 12\), or Pad"),
    (Crop(keys=[IMAGE], size=[9, 9]), (8, 12, 9), "2 sizes for an image of 3 axes; .* of z, y, x"),
    (Pad(keys=[IMAGE], size=[9, 9, 9]), (8, 12), "3 sizes for an image of 2 axes"),
    (Rotate90(keys=[IMAGE], planes=["zx"]), (8, 12), "planes: a 2-D image has no z axis"),
    (Elastic(keys=[IMAGE], num_control_points=[7, 7]), (8, 12, 9), "num_control_points: .*or 3: z, y, x"),
    (GridDistortion(keys=[IMAGE], num_cells=[5, 5, 5]), (8, 12), r"num_cells: .*one number, or 2: y, x"),
], ids=lambda value: value.name() if isinstance(value, Spatial) else "")  # fmt: skip
def test_settings_that_do_not_fit_the_image(wrong: Spatial, grid: tuple[int, ...], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        wrong.sample(Chance(1), Geometry.plain(grid))


@pytest.mark.parametrize(("cls", "wrong"), [
    (Crop, {"size": [0, 3]}), (Pad, {"by": -1}), (Pad, {"size": [0, 1]}), (CropResize, {"scale": 1.5}),
    (Zoom, {"factor": 0}), (Rotate90, {"turns": (0, 3)}), (Rotate90, {"turns": {"choice": [0, 4]}}),
    (Elastic, {"num_control_points": [3]}), (Elastic, {"num_control_points": [4]}), (FreeForm, {"sigma": 0}),
    (GridDistortion, {"num_cells": [0]}), (GridDistortion, {"distort_limit": 1}),
])  # fmt: skip
def test_settings_that_make_no_sense_are_refused(cls: type[Spatial], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        cls(keys=[IMAGE], **wrong)


def test_no_shear_flattens_the_image() -> None:
    grid = Geometry.plain((8, 8, 8))
    step = Affine(keys=[IMAGE], shear=(-45, 45))
    for high in (False, True):
        pull = step.pull(step.sample(Extreme(high), grid), grid.shape)
        assert np.linalg.det(pull(np.eye(3)) - pull(np.zeros((3, 3)))) == pytest.approx(1)


@pytest.mark.parametrize("step", [*make_steps(2)], ids=name_of)
def test_a_finer_mask_moves_along(step: Spatial) -> None:
    sample = make_sample(GRIDS[0])
    sample[MASK] = sample[MASK].repeat(2, 1).repeat(2, 2)
    for epoch in range(3):
        moved = Augmenter([step], 3)(sample, epoch)
        assert moved[MASK].shape[1:] == tuple(2 * size for size in moved[IMAGE].shape[1:])
        fine = (np.argwhere(moved[MASK][0]).mean(0) - 0.5) / 2
        assert np.abs(fine - ndimage.center_of_mass(moved[IMAGE][0])).max() < 0.6


def test_a_mask_that_no_window_fits_is_refused() -> None:
    sample = make_sample(GRIDS[0])
    sample[MASK] = np.zeros((1, 72, 96), np.uint8)
    params = {"start": [1, 2], "size": [20, 30], "shape": [48, 64]}
    with pytest.raises(FuseError, match="does not end between pixels"):
        Crop(keys=[IMAGE, MASK]).pull(params, (72, 96))


def test_where_an_image_lies_goes_along_with_its_window() -> None:
    grid = Geometry((40, 48, 24), (1.5, 1.0, 3.0), (7.0, -8.0, 9.0), (0, 1, 0, 1, 0, 0, 0, 0, -1))
    image = {"data.id": "s", IMAGE: np.zeros((1, 24, 48, 40), np.float32), GRID: grid}

    def after(*steps: Spatial) -> Geometry:
        found: Geometry = Augmenter(steps, 1)(NestedDict(dict(image)), 0)[GRID]
        return found

    cut = after(Crop(keys=[IMAGE], size=[20, 30, 30], place=1))
    assert (cut.shape, cut.spacing, cut.origin) == ((20, 30, 30), grid.spacing, grid.point((4, 18, 10)))
    wide = after(Pad(keys=[IMAGE], by=2))
    assert wide.point((2, 2, 2)) == pytest.approx(grid.origin)
    turned = after(Rotate90(keys=[IMAGE], planes=["zx"], turns=1))
    assert (turned.shape, turned.spacing) == ((40, 48, 24), (3.0, 1.0, 1.5))
    assert turned.point((19.5, 23.5, 11.5)) == pytest.approx(grid.point((11.5, 23.5, 19.5)))
    assert after(Flip(keys=[IMAGE], each=1), Affine(keys=[IMAGE], translate=0.5)) == grid


def test_points_that_cannot_move_along_are_named() -> None:
    sample, steps = make_sample(GRIDS[0]), [Flip(**TOGETHER, p=0)]
    for value, message in (
        (np.zeros((3, 3)), r"'data\.gt\.point' cannot move along; expected numbers of the shape \(n, 2\)"),
        (np.array([["a", "b"]]), "cannot move along"),
    ):
        sample[POINT] = value
        with pytest.raises(SampleError, match=message):
            Augmenter(steps, 1)(sample, 0)
    with pytest.raises(SampleError, match=r"0\.Flip: sample 's': the sample lacks 'data\.gt\.bx'.*data\.gt\.box"):
        Augmenter([Flip(keys=[IMAGE], boxes=["data.gt.bx"], p=0)], 1)(make_sample(GRIDS[0]), 0)


def test_no_points_and_no_boxes_are_fine() -> None:
    sample = make_sample(GRIDS[1])
    sample[POINT], sample[BOX] = np.zeros((0, 3)), np.zeros((0, 6), np.int64)
    moved = Augmenter([Elastic(**TOGETHER), Affine(**TOGETHER, rotate=20)], 1)(sample, 0)
    assert (moved[POINT].shape, moved[BOX].shape) == ((0, 3), (0, 6))


def test_points_count_from_the_image_as_it_is_then() -> None:
    sample = make_sample(GRIDS[0])
    moved = Augmenter([Crop(keys=[IMAGE], size=[40, 30], place=0), Flip(keys=[IMAGE], points=[POINT], each=1)], 1)
    assert moved(sample, 0)[POINT][0].tolist() == [sample[POINT][0, 0], 29 - sample[POINT][0, 1]]


def test_a_box_that_leaves_the_image_has_no_size() -> None:
    moved = Augmenter([Affine(**TOGETHER, translate={"y": 0.0, "x": 0.9})], 1)(make_sample(GRIDS[0]), 0)
    first, last = np.split(moved[BOX][0], 2)
    assert first[1] == last[1] == 63


def records(steps: list[Spatial], grid: Geometry) -> NDArray[Any]:
    return np.array([json.dumps(step.sample(Chance(3), grid)) for step in steps])


def test_what_is_drawn_is_short_and_repeats() -> None:
    for grid in GRIDS:
        assert np.array_equal(records(make_steps(grid.dims), grid), records(make_steps(grid.dims), grid))
        assert max(map(len, records(make_steps(grid.dims), grid))) < 400
