from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import read_json
from fuse_engine.metrics import AUC, Accuracy, ConfidenceInterval, Filter, GroupAnalysis
from fuse_engine.run.analyze import analyze
from fuse_engine.run.evaluation import concatenated, flat
from fuse_engine.run.process import start
from fuse_engine.testing import tiny_experiment
from tests.engine.metrics.scores import KEYS, classification, figures, measured

SITE, AGE = "data.gt.site", "data.gt.age"


def batch_of(samples: int = 60, **more: Any) -> NestedDict:
    scores, target = classification(samples, 2)
    return NestedDict({"model.output.head": scores, "data.gt.target": target, **more})


def part(batch: NestedDict, chosen: np.ndarray) -> dict[str, float]:
    keep = torch.from_numpy(chosen)
    return measured(AUC(**KEYS), batch["model.output.head"][keep], batch["data.gt.target"][keep])


def test_each_site_is_measured_by_itself_over_batches() -> None:
    sites = np.array(["Rome", "Oslo, north", "Rome"])[np.arange(60) % 3]
    batch = batch_of(**{SITE: sites.tolist()})
    metric = GroupAnalysis(metric=AUC(**KEYS), group=SITE)
    halves = [NestedDict({key: value[at : at + 30] for key, value in batch.items()}) for at in (0, 30)]
    found = metric.result(concatenated([metric.rows(half) for half in halves]))
    each = {name: part(batch, sites == name) for name in ("Oslo, north", "Rome")}
    assert found["groups"] == each
    assert found["samples"] == {"Oslo, north": 20, "Rome": 40}
    values = [area["macro_avg"] for area in each.values()]
    assert found["mean"]["macro_avg"] == pytest.approx(np.mean(values))
    assert found["std"]["macro_avg"] == pytest.approx(np.std(values))
    assert found["median"]["macro_avg"] == pytest.approx(np.median(values))


def test_ages_are_grouped_between_borders() -> None:
    ages = torch.tensor([39.0, 40.0, 59.5, 60.0, 80.0, float("nan")])
    metric = GroupAnalysis(metric=Accuracy(**KEYS), group=AGE, edges=[40, 60])
    rows = metric.rows(batch_of(6, **{AGE: ages}))
    assert rows["group"].tolist() == ["below 40", *["40 to 60"] * 2, *["from 60"] * 2, "unknown"]
    assert list(metric.result(rows)["groups"]) == ["below 40", "40 to 60", "from 60", "unknown"]


def test_classes_have_names_or_numbers() -> None:
    batch = batch_of(4, **{"data.gt.view": torch.tensor([2, 10, 2, 2])})
    plain = GroupAnalysis(metric=Accuracy(**KEYS), group="data.gt.view")
    assert list(plain.result(plain.rows(batch))["samples"].items()) == [("2", 3), ("10", 1)]
    named = GroupAnalysis(metric=Accuracy(**KEYS), group="data.gt.target", names=["no", "yes"])
    assert set(named.rows(batch)["group"]) == {"no", "yes"}
    with pytest.raises(FuseError, match="holds a group without a name; expected classes from 0 to 0; got 1"):
        GroupAnalysis(metric=Accuracy(**KEYS), group="data.gt.target", names=["no"]).rows(batch)


def test_a_group_where_nothing_is_defined_is_left_out_of_the_mean() -> None:
    batch = batch_of(40)
    site = torch.where(batch["data.gt.target"] == 1, 1, torch.arange(40) % 2)
    metric = GroupAnalysis(metric=AUC(**KEYS), group=SITE)
    rows = metric.rows(NestedDict({**batch, SITE: site}))
    found = metric.result(rows)
    assert np.isnan(found["groups"]["0"]["1"])  # no positive sample
    assert found["mean"]["1"] == found["groups"]["1"]["1"]
    assert found["std"]["1"] == 0
    nothing = metric.result({name: row[:0] for name, row in rows.items()})
    assert np.isnan(figures(nothing)).all()
    assert len(figures(nothing)) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"edges": [60, 40]}, "expected rising borders"),
        ({"edges": [1], "names": ["a"]}, "expected either `edges`"),
    ],
)
def test_groups_that_make_no_sense_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GroupAnalysis(metric=Accuracy(**KEYS), group=AGE, **arguments)


def test_a_filter_keeps_texts_classes_and_numbers() -> None:
    sites = ["Rome", "Oslo"] * 30
    ages = torch.arange(60.0)
    batch = batch_of(**{SITE: sites, AGE: ages})
    wanted: dict[str, tuple[dict[str, Any], np.ndarray]] = {
        SITE: ({"values": ["Oslo"]}, np.array(sites) == "Oslo"),
        AGE: ({"minimum": 20, "maximum": 45}, (ages.numpy() >= 20) & (ages.numpy() <= 45)),
        "data.gt.target": ({"values": ["0", "1"]}, np.ones(60, bool)),
    }
    for key, (arguments, kept) in wanted.items():
        metric = Filter(metric=AUC(**KEYS), where=key, **arguments)
        rows = metric.rows(batch)
        assert rows["kept"].tolist() == kept.tolist()
        assert metric.result(rows) == part(batch, kept)
        assert (np.isnan(metric.per_sample(rows)) == ~kept).all()


def test_a_filter_that_keeps_nothing_leaves_nan_and_one_of_everything_is_refused() -> None:
    metric = Filter(metric=AUC(**KEYS), where=AGE, minimum=1000)
    assert np.isnan(figures(metric.result(metric.rows(batch_of(**{AGE: torch.arange(60.0)}))))).all()
    with pytest.raises(ValueError, match="expected `values`, `minimum` or `maximum`"):
        Filter(metric=AUC(**KEYS), where=AGE)
    with pytest.raises(FuseError, match=r"'data\.gt\.site' holds text; expected numbers"):
        Filter(metric=AUC(**KEYS), where=SITE, minimum=1).rows(batch_of(2, **{SITE: ["a", "b"]}))


def test_an_error_of_the_metric_inside_names_its_field() -> None:
    inner = GroupAnalysis(metric=AUC(**KEYS, names=["a"]), group=SITE)
    with pytest.raises(FuseError, match=r"metric\.GroupAnalysis\.metric\.AUC\.names: one name for each"):
        ConfidenceInterval(metric=inner).rows(batch_of(2, **{SITE: ["a", "b"]}))


def test_numbers_of_half_the_size_tell_groups_apart() -> None:
    ages = torch.arange(60).bfloat16() / 2
    found = GroupAnalysis(metric=AUC(**KEYS), group=AGE, edges=[10]).rows(batch_of(**{AGE: ages}))["group"]
    assert found.tolist() == ["below 10"] * 20 + ["from 10"] * 40


def with_sites(folder: Path) -> Experiment:
    """Return a small experiment with an interval, groups and a curve; every fourth sample has no class."""
    keys = {"pred": "model.output.classifier", "target": "data.gt.classification", "missing": -1}
    label = {"column": "finding", "classes": ["normal", "positive"], "missing": -1}
    loss = {"CrossEntropy": {**keys, "pred": "model.logits.classifier"}}
    interval = {"metric": {"AUC": keys}, "resamples": 100, "stratify": keys["target"]}
    lower = "validation.metrics.auc_ci.macro_avg.conf_lower"
    changes: dict[tuple[str | int, ...], Any] = {
        ("model", "MultiHead", "backbone"): {"ResNet": {"depth": 10, "stem": "small", "width": 0.0625}},
        ("data", "gt", "site"): [{"Text": {"column": "patient"}}],
        ("data", "gt", "classification"): [{"Label": label}],
        ("data", "split", "stratify"): None,
        ("losses", "cls"): loss,
        ("training", "best", 0): {"source": lower, "optimization": "max"},
        ("metrics",): {
            "auc_ci": {"ConfidenceInterval": interval},
            "by_site": {"GroupAnalysis": {"metric": {"Accuracy": keys}, "group": SITE}},
            "roc": {"ROC": {**keys, "names": ["normal", "positive"]}},
        },
    }
    experiment = tiny_experiment(folder)
    table = pd.read_csv(folder / "cohort.csv")
    table.loc[::4, "finding"] = ""
    table.to_csv(folder / "cohort.csv", index=False)
    for place, value in changes.items():
        experiment = experiment.changed(place, value)
    return experiment


def test_a_run_chooses_its_epoch_by_an_interval_and_knows_its_sites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "cache"))
    run = start(with_sites(tmp_path / "project"))
    assert run.status().state == "finished", run.status().message
    assert "validation.metrics.auc_ci.macro_avg.conf_lower" in run.metrics()
    report = analyze(run)  # from the table of predictions, texts included
    assert report["missing"] == dict.fromkeys(("auc_ci", "by_site", "roc"), 1)
    found = flat(report["metrics"])
    assert found["auc_ci.1.conf_lower"] <= found["auc_ci.1.org"] <= found["auc_ci.1.conf_upper"]
    assert sum(value for name, value in found.items() if name.startswith("by_site.samples.p")) == 4
    curve = read_json(run.analysis / "curves.json")["roc"]["positive"]
    assert (curve["false_positive_rate"][0], curve["true_positive_rate"][-1]) == (0, 1)
