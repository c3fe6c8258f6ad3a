"""The Data panel on a table of a million rows and eight columns: `xvfb-run python benchmarks/browser.py [rows]`.

Milliseconds from opening the experiment to the first painted rows, of filters and sorts until the table is painted
again, and the longest gap of the event loop while scrolling and while the checks run; memory of this process. The
engine worker is a process of its own and warm: it has imported what it needs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QApplication

from fuse_engine.service.client import Engine
from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project
from fuse_gui.qt.data import DataView
from fuse_gui.qt.hop import qt_deliver

TEXT = """
name: browser
data:
  source: {Table: {path: cohort.csv, id: sample, group: patient, fold: fold}}
  input: {age: [{Columns: {names: [age]}}]}
  gt: {finding: [{Label: {column: finding, classes: [normal, benign, malignant]}}]}
model: {Wrap: {}}
"""
FILTERS = ("fold==1 & age>60 & has:lesion", "finding==malignant | age<30", "MR_0004", "check:oblique", "")
SORTS = ("age", "sample", "finding", "score", "patient")
PATIENCE = 120.0


def write(folder: Path, rows: int) -> Path:
    """Write the table and its experiment; the columns are as different as those of a real cohort."""
    rng = np.random.default_rng(0)
    numbers = rng.permutation(rows)
    table = pa.table({
        "sample": [f"MR_{number:07d}" for number in numbers],
        "patient": [f"patient{number // 3}" for number in numbers],
        "fold": (numbers // 3 % 5).astype(str),
        "age": rng.integers(18, 95, rows).astype(str),
        "site": rng.choice(["Aarhus", "Basel", "Córdoba", "Delft"], rows),
        "finding": rng.choice(["normal", "benign", "malignant"], rows, p=[0.7, 0.2, 0.1]),
        "lesion": np.where(rng.random(rows) < 0.3, "yes", ""),
        "score": [f"{number:.5f}" for number in rng.random(rows)],
    })  # fmt: skip
    # as pandas writes it: quotes only where a cell needs them
    pyarrow.csv.write_csv(table, folder / "cohort.csv", pyarrow.csv.WriteOptions(quoting_style="none"))
    (folder / "browser.yaml").write_text(TEXT)
    return folder / "browser.yaml"


class Paints(QObject):  # type: ignore[misc]
    """Counts how often a widget is painted."""

    def __init__(self, watched: Any) -> None:
        super().__init__()
        self.count = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        self.count += event.type() == event.Type.Paint
        return False


class Bench:
    """A window with the Data panel."""

    def __init__(self) -> None:
        self.app = QApplication.instance() or QApplication([])
        self.engine = Engine()
        self.project = Project(self.engine, qt_deliver())
        self.view = DataView(DataModel(self.project))
        self.view.resize(900, 1000)
        self.view.show()
        self.paints = Paints(self.view.table.viewport())

    def warm_up(self, path: Path) -> None:
        """Have the worker import what it needs, on a table of two rows."""
        small = path.parent / "small"
        small.mkdir()
        (small / "cohort.csv").write_text("sample,patient,fold,age,finding\n1,1,0,50,normal\n2,2,1,60,benign\n")
        for method in ("cohort", "parts"):
            self.engine.request(method, experiment=TEXT, folder=str(small)).result(PATIENCE)

    def until(self, condition: Callable[[], object]) -> None:
        """Run the window until `condition`."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited in vain; {self.project.problems}")
            self.app.processEvents()
            time.sleep(0.001)  # as an event loop rests; the worker needs the core

    @contextmanager
    def painted(self, what: str, rows: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Tell the milliseconds of the block, until the table has been painted after it."""
        self.until(lambda: not self.project.busy)
        self.app.processEvents()
        before, start = self.paints.count, time.perf_counter()
        yield
        self.until(lambda: self.paints.count > before and rows())
        tell(what, (time.perf_counter() - start) * 1e3)

    def gap(self, what: str, act: Callable[[int], object], steps: int = 200) -> None:
        """Tell the longest gap of the event loop while `act(step)` is done every 15 ms."""
        ticks: list[float] = []
        done = iter(range(steps))
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)

        def tick() -> None:
            ticks.append(time.perf_counter())
            step = next(done, None)
            if step is None:
                timer.stop()
            else:
                act(step)

        timer.timeout.connect(tick)
        timer.start(15)
        self.until(lambda: not timer.isActive())
        gaps = np.diff(ticks) * 1e3
        tell(what, float(gaps.max()), f"median {np.median(gaps):.0f} ms")


def tell(what: str, value: float, more: str = "") -> None:
    """Print one figure."""
    print(f"{what:<52}{value:>9.1f} ms  {more}", flush=True)


def memory() -> float:
    """Return the GiB of memory of this process."""
    return float(psutil.Process().memory_info().rss / 2**30)


def main(rows: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name), rows)
        bench = Bench()
        bench.warm_up(path)
        model, table = bench.view.model, bench.view.table
        print(f"{rows:,} rows, memory before {memory():.2f} GiB")
        with bench.painted("open to first painted rows", lambda: len(model.rows) == rows):
            bench.project.open(path)
        bench.until(lambda: not bench.project.busy)
        print(f"memory {memory():.2f} GiB")
        model.health.pause()
        for text in FILTERS:
            for turn in ("first", "again"):
                with bench.painted(f"filter {text!r}, {turn}"):
                    model.set_filter(text)
                print(f"    {len(model.rows):,} rows")
                model.set_filter("zzz")
        model.set_filter("")
        for column in SORTS:
            for ascending in (True, False):
                with bench.painted(f"sort {column}, {'up' if ascending else 'down'}"):
                    model.rows.sort(column, ascending)
        bar = table.verticalScrollBar()
        bench.gap("scroll by a page, longest gap", lambda step: bar.setValue(bar.value() + bar.pageStep()))
        bench.gap("drag through all rows, longest gap", lambda step: bar.setValue(bar.maximum() * step // 200))
        bench.gap("next sample (D), longest gap", lambda step: model.step(1), 40)
        bench.view.columns.open()
        bench.gap(
            "columns open, filter toggled, longest gap", lambda n: n % 20 or model.set_filter(f"fold=={n % 5}")
        )
        model.health.resume()
        bench.gap("while the checks run, longest gap", lambda step: None, 400)
        print(f"{model.health.progress}; memory {memory():.2f} GiB")
        bench.project.close()
        bench.engine.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
