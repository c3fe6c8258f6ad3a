"""How long the Model panel takes to open on the largest preset, and to follow an edit; prints the figures.

Run with a display: xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/builder_open.py [rounds]
Every round is a process of its own, with the catalogue on disk, as it is from the second start of the program on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median

import fuse_resources
from fuse_engine.core.experiment import Experiment
from fuse_engine.service import store
from fuse_engine.service.client import Engine

ROUNDS = 7
HEAVY = ("torch", "monai", "timm")


def largest() -> str:
    """Return the preset whose file holds the most."""
    return max(fuse_resources.presets(), key=lambda name: len(Experiment.from_preset(name).to_yaml()))


def opened(preset: str) -> dict[str, float]:
    """Open the panel in this process; return ms of wall and CPU time until its forms are painted."""
    from qtpy.QtWidgets import QApplication

    from fuse_gui.models.builder import BuilderModel
    from fuse_gui.models.project import Project
    from fuse_gui.qt.builder import BuilderView

    app, catalog = QApplication([]), store.read_catalog(store.catalog_key())
    if catalog is None:
        raise SystemExit("the catalogue is not on disk: run without an argument first")
    project = Project(Engine(), catalog=catalog)
    project.start_with(Experiment.from_preset(preset))
    wall, cpu = time.perf_counter(), time.process_time()
    view = BuilderView(BuilderModel(project))
    view.resize(500, 900)
    view.show()
    app.processEvents()
    found = {"wall": 1e3 * (time.perf_counter() - wall), "cpu": 1e3 * (time.process_time() - cpu)}
    loaded = [name for name in HEAVY if name in sys.modules]
    if loaded:
        raise SystemExit(f"loaded in the window's process: {', '.join(loaded)}")
    project.close()
    project.engine.close()
    return {**found, "components": len(catalog.entries)}


def main(rounds: int) -> None:
    """Print the figures of several processes."""
    engine = Engine()
    engine.catalog()
    engine.close()
    preset = largest()
    found = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, __file__, "open", preset], capture_output=True, text=True, check=True, timeout=120
        )
        found.append(json.loads(done.stdout.strip().splitlines()[-1]))
    print(f"{preset}, {found[0]['components']:.0f} components in the catalogue, {rounds} processes")
    for name in ("wall", "cpu"):
        values = sorted(each[name] for each in found)
        print(f"{name:>5}: median {median(values):.0f} ms, best {values[0]:.0f}, worst {values[-1]:.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["open"]:
        print(json.dumps(opened(sys.argv[2])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
