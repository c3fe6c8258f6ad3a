"""Opening a table of a million samples and eight columns; prints the best and the median of several times.

Run with: python benchmarks/browse.py [samples]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from fuse_engine.data import Table
from fuse_engine.service.client import Engine

SAMPLES = 1_000_000
TIMES = 7
EXPERIMENT = """
data:
  source: {Table: {path: PATH, group: patient, fold: fold}}
  input: {image: [LoadImage]}
model: None
"""


def write_table(path: Path, samples: int, quoting: str) -> None:
    """Write a cohort: ids, patients, folds, ages, findings, sites, files, notes."""
    rng = np.random.default_rng(0)
    patient = rng.integers(0, max(1, samples * 2 // 5), samples)
    columns = {
        "id": [f"s{n:07d}" for n in range(samples)],
        "patient": [f"p{n}" for n in patient],
        "fold": [str(n % 5) for n in patient],
        "age": [f"{age:.1f}" for age in rng.normal(60, 12, samples)],
        "finding": rng.choice(["normal", "benign", "malignant"], samples).tolist(),
        "site": rng.choice(list("ABCD"), samples).tolist(),
        "image": [f"images/img{n}.nii.gz" for n in range(samples)],
        "note": rng.choice(["", "x"], samples).tolist(),
    }
    pyarrow.csv.write_csv(pa.table(columns), str(path), pyarrow.csv.WriteOptions(quoting_style=quoting))


def measure(name: str, act: Callable[[], object], before: Callable[[], object] = lambda: None) -> None:
    taken = []
    for _ in range(TIMES):
        before()
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    print(f"{name}: {min(taken):.3f} s, median {np.median(taken):.3f}", flush=True)


def read_by_pyarrow(path: Path) -> pa.Table:
    names = path.open(encoding="utf-8").readline().replace('"', "").strip().split(",")
    kinds = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, null_values=[]
    )
    return pyarrow.csv.read_csv(path, convert_options=kinds)


def read_by_pandas(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def ask(engine: Engine, method: str, path: Path) -> object:
    text = EXPERIMENT.replace("PATH", path.name)
    return engine.request(method, experiment=text, folder=str(path.parent)).result(60)


def main(samples: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        engine = Engine()
        for quoting in ("none", "all_valid"):
            path = Path(scratch) / f"{quoting}.csv"
            write_table(path, samples, quoting)
            print(f"{path.name}: {samples:,} samples, {path.stat().st_size / 1e6:.0f} MB")
            measure("  pyarrow alone, nothing checked", lambda path=path: read_by_pyarrow(path))
            measure("  pandas, all text", lambda path=path: read_by_pandas(path))
            measure("  Table, checked, as a cohort", lambda path=path: Table(path=path).read(path.parent))
            row = Table(path=path).read(path.parent).row
            measure("  1,000 rows of the cohort", lambda row=row: [row(f"s{n:07d}") for n in range(1000)])
            measure(
                "  request 'cohort' of a new table, until the reply is here",
                lambda path=path: ask(engine, "cohort", path), path.touch,
            )  # fmt: skip
            measure("  request 'parts'", lambda path=path: ask(engine, "parts", path))
        engine.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
