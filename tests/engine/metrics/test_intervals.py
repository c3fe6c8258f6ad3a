from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import (
    AUC,
    AUCPR,
    BSS,
    F1,
    HD95,
    MCC,
    ROC,
    Accuracy,
    CalibrationError,
    ConfidenceInterval,
    Dice,
    Filter,
    GroupAnalysis,
    IoU,
    Metric,
    Overlap,
    PairedBootstrap,
    PartialAUC,
    Temperature,
)
from fuse_engine.metrics.base import Rows
from fuse_engine.metrics.statistics import resampling
from fuse_engine.metrics.statistics.resampling import Draws, Figures
from fuse_engine.metrics.weighted import flattened
from tests.engine.metrics.scores import KEYS, classification, figures, labels

OTHER: dict[str, Any] = {**KEYS, "pred": "model.output.other"}


def rows_of(metric: Metric, *parts: torch.Tensor, **more: Any) -> Rows:
    """Return the rows of a metric from predictions, truth and whatever else it reads."""
    names = ("model.output.head", "data.gt.target", "model.output.other")
    batch = dict(zip(names, parts, strict=False))
    return metric.rows(NestedDict({**batch, **more}))


def drawn(draws: Draws) -> np.ndarray:
    return np.concatenate([counts.copy() for _, counts in draws.blocks()])


def test_resamples_are_drawn_with_replacement_all_samples_alike() -> None:
    counts = drawn(Draws(3, 4000, np.zeros(25)))
    assert (counts.sum(1) == 25).all()
    assert stats.chisquare(counts.sum(0)).pvalue > 0.01
    shares = np.bincount(counts.ravel(), minlength=5)[:5] / counts.size
    assert shares == pytest.approx(stats.binom.pmf(range(5), 25, 1 / 25), abs=0.005)
    apart = np.corrcoef(counts.T)[np.triu_indices(25, 1)]
    assert apart.mean() == pytest.approx(-1 / 24, abs=0.005)


def test_a_stratum_keeps_its_number_of_samples() -> None:
    strata = np.array(["b", "a", "b", "c", "a", "b"])
    counts = drawn(Draws(0, 500, strata))
    for name, size in (("a", 2), ("b", 3), ("c", 1)):
        assert (counts[:, strata == name].sum(1) == size).all()
    assert counts[:, 0].std() > 0


def test_a_seed_draws_the_same_whatever_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first = drawn(Draws(5, 100, np.zeros(40)))
    monkeypatch.setattr(resampling, "_BLOCK", 300)
    assert (drawn(Draws(5, 100, np.zeros(40))) == first).all()
    assert (drawn(Draws(6, 100, np.zeros(40))) != first).any()
    assert len(np.unique(first, axis=0)) == 100


COUNTED: list[Metric] = [
    kind(**KEYS) for kind in (AUC, AUCPR, PartialAUC, Accuracy, F1, MCC, BSS, CalibrationError, ROC)
]  # fmt: skip


@pytest.mark.parametrize("metric", COUNTED, ids=lambda metric: metric.name())
def test_figures_of_counted_samples_are_those_of_repeated_ones(metric: Metric) -> None:
    for pred, target in (classification(30, 3, 1), classification(30, 2), labels(30, 2)):
        broken = pred.clone()
        broken[4] = float("nan")
        for scores in (pred, broken):
            rows = metric.collect(scores, target)
            counts = drawn(Draws(1, 20, np.zeros(30)))
            found = Figures(metric, rows).weigh(counts)
            for line, values in zip(counts, found, strict=True):
                again = {name: np.repeat(row, line, axis=0) for name, row in rows.items()}
                assert values == pytest.approx(figures(metric.result(again)), nan_ok=True)


@pytest.mark.parametrize(("method", "theirs"), [("percentile", "percentile"), ("pivotal", "basic")])
def test_the_interval_is_that_of_scipy(method: Any, theirs: str) -> None:
    scores, target = classification(150, 2)
    inner = AUC(**KEYS)
    metric = ConfidenceInterval(metric=inner, method=method, resamples=4000, confidence=0.9)
    found = metric.result(rows_of(metric, scores, target))["1"]

    def area(score: np.ndarray, truth: np.ndarray) -> float:
        yes, no = score[truth == 1], score[truth == 0]
        return float((yes[:, None] > no).mean())

    samples = (scores[:, 1].numpy(), target.numpy())
    reference = stats.bootstrap(
        samples, area, paired=True, vectorized=False, n_resamples=2000, confidence_level=0.9, method=theirs,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found["org"] == pytest.approx(area(*samples))
    assert found["std"] == pytest.approx(reference.standard_error, rel=0.06)
    ends = reference.confidence_interval
    assert (found["conf_lower"], found["conf_upper"]) == pytest.approx((ends.low, ends.high), abs=0.004)
    assert stats.ks_2samp(_values(metric, scores, target), reference.bootstrap_distribution).pvalue > 0.01


def _values(metric: ConfidenceInterval, scores: torch.Tensor, target: torch.Tensor) -> np.ndarray:
    counts = drawn(Draws(metric.seed, metric.resamples, np.zeros(len(target))))
    return Figures(metric.metric, metric.metric.collect(scores, target)).weigh(counts)[:, 0]


def test_the_ends_are_quantiles_or_the_standard_error() -> None:
    scores, target = classification(60, 2)
    results = {}
    for method in ("percentile", "normal", "pivotal"):
        metric = ConfidenceInterval(metric=AUC(**KEYS), method=method, resamples=500)
        results[method] = metric.result(rows_of(metric, scores, target))["macro_avg"]
    values = _values(metric, scores, target)
    low, high = np.quantile(values, [0.025, 0.975])
    org = results["normal"]["org"]
    wanted = {
        "percentile": (low, high), "pivotal": (2 * org - high, 2 * org - low),
        "normal": stats.norm.interval(0.95, org, values.std(ddof=1)),
    }  # fmt: skip
    for method, ends in wanted.items():
        assert (results[method]["conf_lower"], results[method]["conf_upper"]) == pytest.approx(ends)
        assert results[method]["mean"] == pytest.approx(values.mean())


def of_maps(kind: type[Metric], names: tuple[str, ...], **more: Any) -> tuple[Metric, Rows]:
    """Return a metric of label maps and rows of 30 samples; one class is not measured in some."""
    rng = stream("maps", kind.__name__)
    rows: Rows = {name: rng.integers(0, 3, (30, 3)).astype(float) for name in names}
    if "value" in rows:
        rows["value"] = np.choose(rng.integers(0, 4, (30, 3)), [rows["value"], 2.5, np.nan, np.inf])
        rows["known"] = np.ones(30, bool)
    return kind(**KEYS, **more), rows


def parts(kind: type[Metric], **more: Any) -> tuple[Metric, Rows]:
    """Return a metric of parts of the samples, and rows of 30."""
    inner = Temperature(**KEYS) if "values" in more else AUC(**KEYS)
    found = {f"metric.{name}": row for name, row in inner.collect(*classification(30, 2, 1)).items()}
    groups = np.array([*"ab" * 14, "c", "d"])
    rows = {"kept": groups != "a"} if kind is Filter else {"group": groups}
    return kind(metric=inner, **more), {**found, **rows}


@pytest.mark.parametrize(
    ("metric", "rows"),
    [
        of_maps(Dice, ("tp", "fp", "fn")), of_maps(IoU, ("tp", "fp", "fn"), average="per_sample"),
        of_maps(Overlap, ("tp", "fp", "fn"), ignore=[0]), of_maps(HD95, ("value",)),
        parts(GroupAnalysis, group="data.gt.site"), parts(Filter, where="data.gt.site", values=["b"]),
    ],
    ids=lambda item: item.name() if isinstance(item, Metric) else "",
)  # fmt: skip
def test_maps_and_parts_of_the_samples_are_counted_like_repeated_ones(metric: Metric, rows: Rows) -> None:
    counts = drawn(Draws(1, 30, np.zeros(30)))
    measured = Figures(metric, rows)
    for line, values in zip(counts, measured.weigh(counts), strict=True):
        again = flattened(metric.result({name: np.repeat(row, line, axis=0) for name, row in rows.items()}))
        absent = 0.0 if isinstance(metric, GroupAnalysis) else np.nan  # a group that no sample is of
        expected = [again.get(path, absent if path[0] == "samples" else np.nan) for path in measured.paths]
        assert values == pytest.approx(expected, nan_ok=True)


def test_resamples_without_a_class_are_counted_and_left_out() -> None:
    scores, target = classification(20, 2)
    few = torch.zeros_like(target)
    few[:2] = 1
    plain = ConfidenceInterval(metric=AUC(**KEYS), resamples=3000)
    found = plain.result(rows_of(plain, scores, few))["1"]
    assert found["degenerate"] / 3000 == pytest.approx(0.9**20, abs=0.02)
    assert 0 <= found["conf_lower"] <= found["org"] <= found["conf_upper"] <= 1
    strict = ConfidenceInterval(metric=AUC(**KEYS), resamples=3000, stratify="data.gt.target")
    assert strict.result(rows_of(strict, scores, few))["1"]["degenerate"] == 0


def test_a_perfect_figure_has_a_perfect_interval_and_an_undefined_one_none() -> None:
    target = torch.arange(20) % 2
    scores = torch.nn.functional.one_hot(target, 2).double()
    metric = ConfidenceInterval(metric=AUC(**KEYS), resamples=200, stratify="data.gt.target")
    found = metric.result(rows_of(metric, scores, target))["1"]
    assert found == {**dict.fromkeys(("org", "mean", "conf_lower", "conf_upper"), 1.0), "std": 0, "degenerate": 0}
    scores[3] = float("nan")
    found = metric.result(rows_of(metric, scores, target))["1"]
    assert np.isnan([found[name] for name in ("org", "mean", "std", "conf_lower", "conf_upper")]).all()
    one = {name: row[:1] for name, row in rows_of(metric, scores, target).items()}
    none = {name: row[:0] for name, row in one.items()}
    for rows in (one, none):
        assert metric.result(rows)["macro_avg"]["degenerate"] == 200


def test_any_metric_is_resampled() -> None:
    scores, target = classification(80, 3)
    inner = Temperature(pred="model.output.head", target="data.gt.target")
    metric = ConfidenceInterval(metric=inner, resamples=30)
    rows = rows_of(metric, scores.log(), target)
    found = metric.result(rows)["temperature"]
    assert found["org"] == inner.result(inner.collect(scores.log(), target))["temperature"]
    assert found["conf_lower"] < found["org"] < found["conf_upper"]
    assert metric.per_sample(rows) == pytest.approx(scores.numpy()[np.arange(80), target])


def test_strata_of_text_work_and_others_are_refused() -> None:
    scores, target = classification(6, 2)
    metric = ConfidenceInterval(metric=AUC(**KEYS), stratify="data.gt.site", resamples=5)
    rows = rows_of(metric, scores, target, **{"data.gt.site": ["A", "B", "A", "B", "A", "B"]})
    assert rows["stratify"].tolist() == ["A", "B", "A", "B", "A", "B"]
    with pytest.raises(FuseError, match=r"'data\.gt\.site' does not hold one value for each sample"):
        rows_of(metric, scores, target, **{"data.gt.site": torch.zeros(6, 2)})


def two_heads(gain: float, samples: int = 120) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return two predictions of the same samples, the first knowing more by `gain`, and the truth."""
    rng = stream("heads", samples)
    target = rng.integers(0, 2, samples)
    noise = rng.normal(size=samples)
    both = [1 / (1 + np.exp(-(noise + know * target + 0.2 * rng.normal(size=samples)))) for know in (1 + gain, 1)]
    first, second = (torch.from_numpy(np.stack([1 - p, p], 1)) for p in both)
    return first, torch.from_numpy(target), second


def compared(gain: float, **arguments: Any) -> dict[str, float]:
    metric = PairedBootstrap(test=AUC(**KEYS), reference=AUC(**OTHER), resamples=999, **arguments)
    return dict(metric.result(rows_of(metric, *two_heads(gain)))["1"])


def test_a_better_head_is_superior_and_the_same_one_is_not() -> None:
    better, same, worse = compared(1.0), compared(0.0), compared(-1.0)
    assert better["difference"] == better["test"] - better["reference"] > 0
    assert better["p_value"] == 0.001  # (0 + 1) / (999 + 1): not one of the resamples is against it
    assert better["conf_lower"] > 0
    assert same["p_value"] > 0.05
    assert worse["p_value"] == 1


def test_the_p_value_is_the_share_of_resamples_that_are_against_it() -> None:
    metric = PairedBootstrap(test=AUC(**KEYS), reference=AUC(**OTHER), resamples=400, seed=4, margin=0.02)
    first, target, second = two_heads(0.3)
    counts = drawn(Draws(4, 400, np.zeros(120)))
    inner = AUC(**KEYS)
    both = [Figures(inner, inner.collect(pred, target)).weigh(counts)[:, 0] for pred in (first, second)]
    found = metric.result(rows_of(metric, first, target, second))["1"]
    assert found["p_value"] == (int((both[0] - both[1] <= 0.02).sum()) + 1) / 401


def test_non_inferiority_and_equality_have_a_margin() -> None:
    assert compared(-0.05, hypothesis="non_inferiority", margin=0.1)["p_value"] == 0.001
    assert compared(-2.0, hypothesis="non_inferiority", margin=0.1)["p_value"] == 1
    assert compared(0.0, hypothesis="equality", margin=0.1)["p_value"] == 0.001
    assert compared(2.0, hypothesis="equality", margin=0.1)["p_value"] == 1
    assert compared(0.3, hypothesis="superiority", margin=0.9, margin_type="relative")["p_value"] == 1


def test_of_errors_the_smaller_one_is_superior() -> None:
    share = stream("calibrated").random(300)
    target = torch.from_numpy((stream("drawn").random(300) < share).astype(np.int64))
    sharp, blunt = (torch.from_numpy(np.stack([1 - p, p], 1)) for p in (share, share**3))
    kinds = CalibrationError(**KEYS), CalibrationError(**OTHER)
    metric = PairedBootstrap(test=kinds[0], reference=kinds[1], resamples=200)
    found = metric.result(rows_of(metric, sharp, target, blunt))["ece"]
    assert found["difference"] < 0
    assert found["p_value"] < 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reference": F1(**OTHER)}, "expected two metrics of one kind, not AUC and F1"),
        ({"hypothesis": "equality"}, "expected a margin above 0 for equality"),
        (
            {kind: ConfidenceInterval(metric=AUC(**KEYS)) for kind in ("test", "reference")},
            "expected a metric of which more or less is better, ConfidenceInterval is not one",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairedBootstrap(**{"test": AUC(**KEYS), "reference": AUC(**OTHER), **arguments})


def test_parts_of_the_samples_are_compared_too() -> None:
    inner = [Filter(metric=AUC(**keys), where="data.gt.site", values=["A"]) for keys in (KEYS, OTHER)]
    metric = PairedBootstrap(test=inner[0], reference=inner[1], resamples=50)
    first, target, second = two_heads(1.0)
    rows = rows_of(metric, first, target, second, **{"data.gt.site": ["A", "B"] * 60})
    alone = AUC(**KEYS).collect(first[::2], target[::2])
    assert metric.result(rows)["1"]["test"] == AUC(**KEYS).result(alone)["1"]
    assert np.isnan(metric.per_sample(rows)[1::2]).all()
