"""AUC with a bootstrap confidence interval, and DeLong's test, beside FuseMedML and a loop over scikit-learn.

    python benchmarks/metrics_statistics.py [--resamples N] [--rounds N]

One process, one thread, all in turn in every round; CPU ms, medians. FuseMedML is measured where it is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from fuse_engine.metrics import AUC, ConfidenceInterval, DeLong

SIZES = (1_000, 10_000)
Work = Callable[[], object]
KEYS: dict[str, Any] = {"pred": "model.output.classifier", "target": "data.gt.classification"}


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--resamples", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    peer = importlib.util.find_spec("fuse") is not None
    table(
        f"AUC and {options.resamples:,} resamples", options.rounds, lambda n: intervals(n, options.resamples, peer)
    )
    table("DeLong, two predictions", options.rounds, lambda n: delong(n, peer))


def table(title: str, rounds: int, works: Callable[[int], dict[str, Work]]) -> None:
    """Print CPU ms of every work at every size, and how many times ours."""
    print(f"\n{title}: CPU ms, median of {rounds} rounds\n")
    print("| | " + " | ".join(f"n = {size:,} | x ours" for size in SIZES) + " |")
    print("|---" * (1 + 2 * len(SIZES)) + "|")
    every = {size: measured(works(size), rounds) for size in SIZES}
    for name in every[SIZES[0]]:
        cells = [f"{found[name]:.3g} | {found[name] / found['FuseGUI']:,.0f}" for found in every.values()]
        print(f"| {name} | {' | '.join(cells)} |")


def measured(works: dict[str, Work], rounds: int) -> dict[str, float]:
    """Return the median CPU ms of each."""
    times: dict[str, list[float]] = {name: [] for name in works}
    often = {name: _often(work) for name, work in works.items()}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            for _ in range(often[name]):
                work()
            times[name].append((time.process_time() - start) * 1e3 / often[name])
    return {name: statistics.median(found) for name, found in times.items()}


def _often(work: Work) -> int:
    """Return how often to call something for 20 ms at least; it is called once before, to compile and import."""
    work()
    start = time.process_time()
    work()
    return max(1, int(0.02 / max(time.process_time() - start, 1e-6)))


def samples(size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return probabilities (n, 2) and classes (n,), three in ten positive."""
    rng = np.random.default_rng(0)
    target = (rng.random(size) < 0.3).astype(np.int64)
    score = 1 / (1 + np.exp(-np.random.default_rng(seed).normal(target.astype(float), 1)))
    return torch.from_numpy(np.stack([1 - score, score], 1)), torch.from_numpy(target)


def intervals(size: int, resamples: int, peer: bool) -> dict[str, Work]:
    """Return what computes an AUC with its interval."""
    pred, target = samples(size, 1)
    inner = AUC(**KEYS)
    metric = ConfidenceInterval(metric=inner, resamples=resamples)
    stratified = ConfidenceInterval(metric=inner, resamples=resamples, stratify=KEYS["target"])
    rows = {f"metric.{name}": row for name, row in inner.collect(pred, target).items()}
    strata = {**rows, "stratify": target.numpy()}
    rounded = {**rows, "metric.pred": np.round(rows["metric.pred"], 2)}
    found: dict[str, Work] = {
        "FuseGUI": lambda: metric.result(rows),
        "FuseGUI, stratified": lambda: stratified.result(strata),
        "FuseGUI, scores of two digits": lambda: metric.result(rounded),
        "scikit-learn in a loop": lambda: loop(pred.numpy()[:, 1], target.numpy(), resamples),
    }
    if peer:
        found["FuseMedML 0.4.1"] = lambda: fuse_interval(pred.numpy(), target.numpy(), resamples)
    return found


def loop(score: np.ndarray[Any, Any], target: np.ndarray[Any, Any], resamples: int) -> None:
    """Resample and measure one after the other."""
    rng = np.random.default_rng(0)
    for _ in range(resamples):
        chosen = rng.integers(0, len(target), len(target))
        roc_auc_score(target[chosen], score[chosen])


def fuse_interval(pred: np.ndarray[Any, Any], target: np.ndarray[Any, Any], resamples: int) -> None:
    """Let FuseMedML evaluate an AUC with its interval."""
    import pandas as pd
    from fuse.eval.evaluator import EvaluatorDefault
    from fuse.eval.metrics.classification.metrics_classification_common import MetricAUCROC
    from fuse.eval.metrics.metrics_common import CI

    frame = pd.DataFrame({"pred": list(pred), "target": target, "id": np.arange(len(target))})
    auc = CI(MetricAUCROC(pred="pred", target="target"), stratum="target", num_of_bootstraps=resamples)
    with contextlib.redirect_stdout(io.StringIO()):
        EvaluatorDefault().eval(ids=None, data=frame, metrics={"auc": auc})


def delong(size: int, peer: bool) -> dict[str, Work]:
    """Return what compares two areas."""
    (pred, target), (other, _) = samples(size, 1), samples(size, 2)
    metric = DeLong(**KEYS, other="model.output.other")
    rows = metric.collect(pred, other, target)
    found: dict[str, Work] = {"FuseGUI": lambda: metric.result(rows)}
    if peer:
        from fuse.eval.metrics.libs.model_comparison import ModelComparison

        one, two, truth = list(pred.numpy()), list(other.numpy()), target.numpy()
        found["FuseMedML 0.4.1"] = lambda: ModelComparison.delong_auc_test(one, two, truth)
    return found


if __name__ == "__main__":
    main()
