from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.metrics import compute_hausdorff_distance
from numpy.typing import NDArray
from scipy.spatial.distance import directed_hausdorff

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.sections import Checks
from fuse_engine.data.collate import collate, to_tensors
from fuse_engine.data.image import Image
from fuse_engine.metrics import HD95, ConfidenceInterval, Hausdorff, MeanSurfaceDistance, SurfaceDice
from fuse_engine.metrics.segmentation import distances
from fuse_engine.metrics.segmentation.distances import Structure, structures
from fuse_engine.metrics.segmentation.surface import SurfaceMetric
from fuse_engine.run.compute import tensors_on
from fuse_engine.run.evaluation import evaluate
from fuse_engine.run.loading import BadSamples, Loaded
from tests.engine.metrics.maps import KEYS, Map, blob, itk, outputs, truth

SHAPES = [
    ((17, 22), (1.0, 1.0)),
    ((23, 9), (0.4, 3.1)),
    ((9, 14, 12), (5.0, 0.7, 0.9)),
    ((6, 8, 20), (1.0, 1.0, 1.0)),
]


def one(label: Map, found: Map, spacing: tuple[float, ...]) -> Structure:
    return next(structures(label, found, [1], tuple(map(float, spacing))))


def ways_of_itk(label: Map, found: Map, spacing: tuple[float, ...]) -> list[NDArray[np.float64]]:
    """Return both lists of surface distances as InnerEye makes them."""
    images, ways = (itk(found, spacing), itk(label, spacing)), []
    for start, goal in (images, images[::-1]):
        away = sitk.SignedMaurerDistanceMap(goal, squaredDistance=False, useImageSpacing=True)
        edge = sitk.GetArrayFromImage(sitk.LabelContour(start)) > 0
        ways.append(np.abs(sitk.GetArrayFromImage(away))[edge].astype(np.float64))
    return ways


@pytest.mark.parametrize("budget", [10, -1], ids=["searched", "transformed"])
@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_distances_are_those_of_simpleitk(
    shape: tuple[int, ...], spacing: tuple[float, ...], budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distances, "_BUDGET", budget)
    for number in range(8):
        label, found = blob(shape, number, "truth"), blob(shape, number, "found", smooth=1 + number / 4)
        measured = sitk.HausdorffDistanceImageFilter()
        measured.Execute(itk(label, spacing), itk(found, spacing))
        structure = one(label, found, spacing)
        assert structure.hausdorff() == pytest.approx(measured.GetHausdorffDistance(), rel=1e-6)
        for way, expected in zip(structure.surfaces(), ways_of_itk(label, found, spacing), strict=True):
            assert way == pytest.approx(expected, abs=1e-5)  # SimpleITK's are float32


def test_single_pixels_are_as_far_apart_as_they_are() -> None:
    """Where the original said 1.0, taking rows of the image for points (fuse-med-ml)."""
    label, found = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    label[0, 0] = found[9, 9] = 1
    assert one(label, found, (1, 1)).hausdorff() == pytest.approx(9 * np.sqrt(2))
    assert one(label, found, (2, 0.5)).hausdorff() == pytest.approx(np.hypot(18, 4.5))


@pytest.mark.parametrize("size", [30, 96])
def test_what_is_far_away_is_measured_like_what_is_near(size: int) -> None:
    label, found = np.zeros((size,) * 3, np.uint8), np.zeros((size,) * 3, np.uint8)
    label[1:-6, 2:-2, 2:-2], found[-2:, -2:, -2:] = 1, 1
    far = one(label, found, (3, 1, 1.5))
    points = [np.argwhere(mask) * (3, 1, 1.5) for mask in (label, found)]
    corner = np.linalg.norm(points[0] - points[1][0], axis=1).max()
    assert far.hausdorff() == pytest.approx(corner)
    if size == 30:
        assert far.hausdorff() == pytest.approx(
            max(directed_hausdorff(*points)[0], directed_hausdorff(*points[::-1])[0])
        )


def test_a_structure_is_cut_to_the_box_of_both_and_the_rest_of_the_image_is_no_matter() -> None:
    label, found = blob((9, 14, 12), "truth"), blob((9, 14, 12), "found")
    wide = [np.pad(mask * (np.pad(np.ones((7, 12, 10), np.uint8), 1)), 25) for mask in (label, found)]
    near = [mask[25:-25, 25:-25, 25:-25] for mask in wide]
    assert one(wide[0], wide[1], (1, 2, 3)).hausdorff() == one(near[0], near[1], (1, 2, 3)).hausdorff()
    assert max(one(wide[0], wide[1], (1, 2, 3)).codes.shape) < 20


def test_a_structure_that_fills_the_image_has_its_border_as_surface() -> None:
    full, part = np.ones((8, 8), np.uint8), np.ones((8, 8), np.uint8)
    part[:, 4:] = 0
    there, back = one(full, full, (1, 1)).surfaces()
    assert there.tolist() == back.tolist() == [0.0] * 28
    assert [len(way) for way in one(full, part, (1, 1)).surfaces()] == [8, 28]
    assert one(full, part, (1, 1)).hausdorff() == 4


MEASURES: list[tuple[SurfaceMetric, float]] = [
    (Hausdorff(**KEYS), np.inf), (HD95(**KEYS), np.inf), (MeanSurfaceDistance(**KEYS), np.inf),
    (SurfaceDice(**KEYS), 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "missed"), MEASURES, ids=lambda value: type(value).__name__)
def test_what_is_empty_is_left_out_and_counted(metric: SurfaceMetric, missed: float) -> None:
    shape = blob((12, 12), "there")
    nothing = np.zeros_like(shape)
    pairs = [(shape, shape), (nothing, nothing), (nothing, shape), (shape, nothing)]
    rows = metric.collect(
        torch.cat([outputs(found) for _, found in pairs]), torch.cat([truth(label) for label, _ in pairs])
    )
    best = 1.0 if metric.higher_is_better else 0.0
    assert metric.per_sample(rows).tolist() == pytest.approx([best, np.nan, missed, missed], nan_ok=True)
    result = metric.result(rows)
    assert result["1"] == result["macro_avg"] == pytest.approx(best if missed else 1 / 3)
    assert result["undefined"] == {"1": 1}
    assert result["infinite"] == {"1": 2 if missed else 0}
    alone = metric.result({name: row[1:2] for name, row in rows.items()})
    assert np.isnan(alone["macro_avg"])
    assert np.isnan(metric.result({name: row[:0] for name, row in rows.items()})["1"])


def test_millimetres_come_from_the_geometry_of_the_truth() -> None:
    label, found = blob((6, 12, 10), "truth"), blob((6, 12, 10), "found")
    batch = NestedDict({"model.output.head": outputs(found), "data.gt.target": truth(label)})
    metric = Hausdorff(**KEYS)
    plain = metric.result(metric.rows(batch))["1"]
    assert plain == pytest.approx(one(label, found, (1, 1, 1)).hausdorff())
    batch["data.geometry.gt.target"] = [Geometry.plain((6, 12, 10), (3.0, 0.5, 0.8))]
    expected = one(label, found, (3.0, 0.5, 0.8)).hausdorff()
    assert metric.result(metric.rows(batch))["1"] == pytest.approx(expected)
    assert expected != pytest.approx(plain)
    batch["data.geometry.gt.target"] = [Geometry.plain((12, 10))]
    with pytest.raises(FuseError, match=r"geometry of 'data\.gt\.target' does not fit it; expected 3 axes; got 2"):
        metric.rows(batch)


def test_hd95_is_the_larger_percentile_of_both_ways() -> None:
    spacing = (2.5, 0.8, 0.8)
    label, found = blob((10, 20, 20), "truth"), blob((10, 20, 20), "found")
    ways = ways_of_itk(label, found, spacing)
    for percentile in (95.0, 50.0):
        metric = HD95(**KEYS, percentile=percentile)
        rows = metric.collect(outputs(found), truth(label), [Geometry.plain((10, 20, 20), spacing)])
        assert rows["value"][0, 1] == pytest.approx(max(np.percentile(way, percentile) for way in ways), abs=1e-5)


@pytest.mark.filterwarnings("ignore:monai.metrics.utils get_mask_edges:FutureWarning")
def test_hd95_agrees_with_monai_where_both_mean_the_same_surface() -> None:
    """Boxes: no pixel has a neighbour outside at a corner only."""
    label, found = np.zeros((20, 30, 30), np.uint8), np.zeros((20, 30, 30), np.uint8)
    label[4:15, 5:20, 8:25], found[5:17, 4:18, 10:26] = 1, 1
    expected = compute_hausdorff_distance(outputs(found), outputs(label), percentile=95, spacing=(3.0, 1.0, 0.5))
    found_ = HD95(**KEYS).collect(outputs(found), truth(label), [Geometry.plain((20, 30, 30), (3.0, 1.0, 0.5))])
    assert found_["value"][0, 1] == pytest.approx(float(expected), abs=1e-5)


def test_the_mean_is_over_both_surfaces_together_or_of_the_means() -> None:
    label, found = blob((16, 18), "truth"), np.zeros((16, 18), np.uint8)
    found[3:5, 3:5] = 1
    there, back = ways_of_itk(label, found, (2.0, 1.0))
    geometry = [Geometry.plain((16, 18), (2.0, 1.0))]
    for mean, expected in (
        ("all", np.concatenate([there, back]).mean()),
        ("of_means", (there.mean() + back.mean()) / 2),
    ):
        metric = MeanSurfaceDistance(**KEYS, mean=mean)
        assert metric.collect(outputs(found), truth(label), geometry)["value"][0, 1] == pytest.approx(
            expected, abs=1e-5
        )
    assert np.concatenate([there, back]).mean() != pytest.approx((there.mean() + back.mean()) / 2)


def test_the_surface_dice_counts_both_surfaces_within_the_tolerance() -> None:
    label, found = blob((16, 18), "truth"), blob((16, 18), "found")
    ways = np.concatenate(ways_of_itk(label, found, (1.0, 1.0)))
    for tolerance in (0.0, 1.0, 2.0):
        metric = SurfaceDice(**KEYS, tolerance=tolerance)
        expected = (ways <= tolerance + 1e-6).mean()
        assert metric.collect(outputs(found), truth(label))["value"][0, 1] == pytest.approx(expected)


def test_classes_are_measured_apart_and_may_overlap() -> None:
    label, found = 2 * blob((14, 14), "truth"), blob((14, 14), "found")
    label[:3], found[:4] = 1, 2
    metric = Hausdorff(**KEYS, names=["background", "liver", "tumour"], class_weights=[1, 1, 3])
    result = metric.result(metric.collect(outputs(found, 3), truth(label)))
    each = [
        one((label == kind).astype(np.uint8), (found == kind).astype(np.uint8), (1, 1)).hausdorff()
        for kind in (1, 2)
    ]
    assert [result["liver"], result["tumour"]] == pytest.approx(each)
    assert result["macro_avg"] == pytest.approx((each[0] + 3 * each[1]) / 4)
    assert "background" not in result
    masks = [torch.from_numpy(np.stack([one_ == kind for kind in (1, 2)])[None]) for one_ in (label, found)]
    apart = Hausdorff(**KEYS, overlapping=True)
    rows = apart.collect(masks[1].float() * 0.9, masks[0].long())
    assert rows["value"][0].tolist() == pytest.approx(each)


def test_a_prediction_that_is_no_number_has_no_distance() -> None:
    label = blob((8, 8), "truth")
    pred = torch.cat([outputs(label), outputs(label)])
    pred[1, 0, 2, 2] = float("nan")
    metric = HD95(**KEYS)
    result = metric.result(metric.collect(pred, torch.cat([truth(label)] * 2)))
    assert np.isnan([result["1"], result["macro_avg"]]).all()
    assert result["undefined"] == {"1": 0}


class Copying:
    """Predicts the truth, moved by two pixels along y."""

    module = torch.nn.Identity()

    def __call__(self, data: NestedDict) -> NestedDict:
        batch = tensors_on(data, torch.device("cpu"))
        moved = batch["data.gt.target"][:, 0].roll(2, 1)
        return NestedDict(
            {**batch, "model.output.head": torch.nn.functional.one_hot(moved, 2).movedim(-1, 1).float()}
        )


def test_the_geometry_is_there_in_a_run() -> None:
    label = np.zeros((1, 20, 20), np.uint8)
    label[0, 5:9, 5:9] = 1
    image = Image(label, Geometry.plain((20, 20), (3.0, 0.5)))
    batch = collate([to_tensors({"data.id": name, "data.gt.target": image}) for name in ("s1", "s2")])
    loader: Any = (loaded for loaded in [Loaded(batch, ("s1", "s2"), ())])
    bad = BadSamples(2, lambda bad: None, Checks())
    metrics = {"far": Hausdorff(**KEYS), "interval": ConfidenceInterval(metric=Hausdorff(**KEYS), resamples=10)}
    found = evaluate(cast("Any", Copying()), loader, {}, metrics, bad)
    assert found.metrics["far"]["1"] == 6.0
    assert found.metrics["interval"]["1"]["org"] == 6.0
