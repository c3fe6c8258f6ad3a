"""How long a million samples take to be divided and balanced; prints lines of a Markdown table for results.md.

python benchmarks/sampler.py [samples]

Ready means: from the table in memory to the first batch of 16. torch's WeightedRandomSampler gives single samples,
with classes in their shares on average only. `FuseMedML's way` is what its BatchSamplerDefault does once it has
read every sample to learn its class: a pointer for each class, batch by batch.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import torch
from torch.utils.data import WeightedRandomSampler

from fuse_engine.core.sections import Split
from fuse_engine.data import BatchSampler, Cohort, Label, Pipeline, make_folds
from fuse_engine.data.classes import classes_of

SIZE = 16


def table(count: int) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "id": [f"s{n:07d}" for n in range(count)],
            "patient": [f"p{n}" for n in rng.integers(0, count // 3, count)],
            "finding": rng.choice(["normal", "benign", "malignant"], count, p=[0.7, 0.25, 0.05]),
            "fold": rng.choice(list("01234"), count),
        }
    )


def timed(what: str, work: Callable[[], object], repeat: int = 3) -> None:
    """Print the best of a few runs: others use the machine too."""
    best = (np.inf, np.inf)
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    print(f"| {what} | {best[0]:.3f} s | {best[1]:.3f} s |")


def main(count: int) -> None:
    rows = table(count)
    steps = Pipeline((Label(column="finding", classes=["normal", "benign", "malignant"]),), "data.gt.finding")

    def cohort(group: str | None = None, fold: str | None = None) -> Cohort:
        return Cohort(rows, "id", group, fold)

    def balanced(**more: object) -> BatchSampler:
        source = cohort()
        found = BatchSampler(source.ids, SIZE, 1, classes_of(steps, source).numbers, **more)  # type: ignore[arg-type]
        found.batches(0)[0]
        return found

    def whole_epoch() -> None:
        for _ in sampler.batches(1):
            pass

    print(f"| {count:,} samples | wall | CPU |\n|---|---|---|")
    timed("folds from a column", lambda: make_folds(cohort(fold="fold"), Split(), 1))
    timed("5 folds", lambda: make_folds(cohort(), Split(), 1))
    timed("5 folds, stratified", lambda: make_folds(cohort(), Split(stratify="finding"), 1))
    timed("5 folds, grouped", lambda: make_folds(cohort("patient"), Split(), 1))
    timed("5 folds, grouped and stratified", lambda: make_folds(cohort("patient"), Split(stratify="finding"), 1))
    timed(
        "5 folds like Musket's, stratified",
        lambda: make_folds(cohort(), Split(like="musket", stratify="finding"), 1),
    )
    timed("labels by one pass over the pipeline", lambda: classes_of(steps, cohort()))
    timed("balanced batches ready, equal classes", balanced)
    timed("balanced batches ready, uneven weights", lambda: balanced(weights=[0.31, 0.33, 0.36]))
    timed("balanced batches ready, over-sampling", lambda: balanced(length="over_sample"))
    timed("balanced batches ready, drawn by probability", lambda: balanced(probabilities=[0.2, 0.3, 0.5]))
    sampler = balanced()
    timed(f"a whole epoch of {len(sampler):,} batches as ids", whole_epoch)
    labels = classes_of(steps, cohort()).numbers
    timed("torch WeightedRandomSampler, labels given: an epoch of single samples", lambda: torch_epoch(labels))
    timed("FuseMedML's way, labels given: an epoch of batches", lambda: pointers(labels), repeat=1)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB", file=sys.stderr)


def torch_epoch(labels: np.ndarray) -> None:
    weights = (1 / np.bincount(labels))[labels]
    list(WeightedRandomSampler(torch.from_numpy(weights), len(labels)))  # type: ignore[arg-type]


def pointers(labels: np.ndarray) -> None:
    """Give each class its share of a batch from a shuffled list of its own, reshuffled when it is used up."""
    rng = np.random.default_rng(0)
    members = [rng.permutation(np.flatnonzero(labels == kind)).tolist() for kind in range(3)]
    at = [0, 0, 0]
    for _ in range(len(labels) // SIZE):
        batch = []
        for kind, share in enumerate((6, 5, 5)):
            for _ in range(share):
                if at[kind] == len(members[kind]):
                    rng.shuffle(members[kind])
                    at[kind] = 0
                batch.append(members[kind][at[kind]])
                at[kind] += 1


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
