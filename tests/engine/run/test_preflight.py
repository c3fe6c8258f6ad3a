"""A few real steps in a process whose death hurts nobody: what it tells, and what is left of it."""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import psutil
import pytest
import torch
from torch import nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.experiment import Experiment
from fuse_engine.models.base import BatchModule
from fuse_engine.run import throwaway
from fuse_engine.run.fitting import Size
from fuse_engine.run.pull import pull
from fuse_engine.service.preflight import preflight
from fuse_engine.service.work import Cancelled, Work


def ask(experiment: Experiment, send: Any = lambda message: None) -> dict[str, Any]:
    return preflight(Work(1, "preflight", {}, send), experiment.to_yaml(), str(experiment.folder))


def test_a_try_tells_cost_losses_and_pull_and_writes_nothing(tiny: Experiment) -> None:
    tiny = tiny.changed(("run", "precision"), "bf16-mixed")  # Fabric refuses gradients that it does not take
    before = {path.name for path in tiny.folder.rglob("*")}
    (tiny.folder / "image00.png").unlink()
    told: list[str] = []
    found = ask(tiny, lambda message: told.append(message["text"]))
    assert {path.name for path in tiny.folder.rglob("*")} == before - {"image00.png"}
    assert (found["fits"], found["proposal"], found["device"], found["steps"]) == (True, None, "cpu", 6)
    assert found["chance"]["cls"] == pytest.approx(math.log(2))
    assert found["chance"]["seg"] == pytest.approx(math.log(2))
    assert 0.3 < found["first_loss"]["cls"] < 2
    for shares in (found["gradient_share"], found["heads_share"]):
        assert sum(shares.values()) == pytest.approx(1)
        assert min(shares.values()) > 0
    (pair,) = found["cosine"]
    assert (pair["a"], pair["b"], -1 <= pair["value"] <= 1) == ("cls", "seg", True)
    assert 1e8 < found["peak_bytes"] < found["total_bytes"]
    assert 0 <= found["loading_share"] < 1
    assert found["eta_seconds"] > 5 * found["seconds_per_step"]
    assert "a batch of 3: the first steps" in told
    assert [note for note in found["notes"] if "image00.png" in note or "s00" in note]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_what_does_not_fit_is_halved_until_it_does(tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = ("sh", "-c", f'ulimit -d {2_900_000}; exec "$@"', "sh", *throwaway.PYTHON)
    monkeypatch.setattr(throwaway, "PYTHON", limited)
    large = tiny.changed(("data", "batch"), {"size": 8}).changed(("training", "stages"), [{"epochs": 1}])
    for side, name in (("input", "image"), ("gt", "segmentation")):
        steps = [*large.to_data()["data"][side][name], {"Resize": {"size": [384, 384]}}]
        large = large.changed(("data", side, name), steps)
    large = large.changed(("model", "MultiHead", "backbone", "ResNet", "width"), 0.25)
    told: list[str] = []
    found = ask(large, lambda message: told.append(message["text"]))
    assert not found["fits"], told
    (fix,) = found["proposal"]["fixes"]
    assert (fix["path"], fix["value"] in (1, 2, 4)) == (["data", "batch", "size"], True)
    assert large.changed(fix["path"], fix["value"]).data.batch.size == fix["value"]


def test_a_cancelled_try_leaves_no_process(tiny: Experiment) -> None:
    work = Work(1, "preflight", {}, lambda message: work.cancel())
    with pytest.raises(Cancelled):
        preflight(work, tiny.to_yaml(), str(tiny.folder))
    assert not [
        child for child in psutil.Process().children(recursive=True) if "tryout" in " ".join(child.cmdline())
    ]


def test_a_killed_try_goes_on_with_half(tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import json, os, sys; tried = json.loads(sys.stdin.readline())['tried'];"
        "size = 8 if tried is None else tried['batch'] // 2;"
        "print(json.dumps({'trying': {'batch': size, 'patch': [], 'per_sample': 0}, 'text': ''}), flush=True);"
        "os.kill(os.getpid(), 9) if size > 2 else print(json.dumps({'report': {'size': size}}), flush=True)"
    )
    monkeypatch.setattr(throwaway, "PYTHON", (sys.executable, "-c", script))
    assert ask(tiny)["size"] == 2


def test_a_try_that_is_forgotten_ends(tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throwaway, "PYTHON", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(throwaway, "FORGOTTEN", 0.3)
    going = throwaway.Throwaway(tiny)
    ended = threading.Event()
    psutil.wait_procs([psutil.Process(going.pid)], timeout=10, callback=lambda process: ended.set())
    assert ended.is_set()


def test_smaller_sizes_are_fewer_samples_then_fewer_and_smaller_patches(tiny: Experiment) -> None:
    cut = tiny.changed(("data", "patches"), {"RandomPatches": {"size": [32, 16], "per_sample": 2}})
    sizes, size = [], Size.of(cut)
    while (smaller := size.halved()) is not None:
        size = smaller
        sizes.append((size.batch, size.per_sample, size.patch))
    assert sizes == [(1, 2, (32, 16)), (1, 1, (32, 16)), (1, 1, (16, 16)), (1, 1, (8, 8))]
    changed = size.of_experiment(cut)
    assert (changed.data.batch.size, Size.of(changed)) == (1, size)


def test_the_pull_of_losses_is_that_of_hand_made_gradients() -> None:
    class Two(BatchModule):
        def __init__(self) -> None:
            super().__init__()
            self.shared = nn.Parameter(torch.tensor([1.0, 2.0]))

        @property
        def parts(self) -> dict[str, nn.Module]:
            return {"backbone": self}

    module = Two()
    a, b = module.shared[0] * 3, module.shared[1] * 4
    found = pull(module, NestedDict({"model.logits.a": a, "model.logits.b": b}), {"one": a + b, "other": -a})
    assert found.losses == pytest.approx({"one": 5 / 8, "other": 3 / 8})
    assert found.heads == pytest.approx({"a": 0, "b": 1})
    assert found.cosines == [("one", "other", pytest.approx(-3 / 5))]
