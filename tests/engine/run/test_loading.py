"""A bad sample is named and passed over; many of them end the run; none hangs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from fuse_engine.core.errors import RunError, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.sections import Checks
from fuse_engine.data.sampler import BatchSampler
from fuse_engine.data.slots import Slots
from fuse_engine.run import loading
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.loading import Bad, BadSamples, Items, Loader, TrainingBatches, plain_batches
from fuse_engine.run.process import start
from fuse_engine.run.timetable import Timetable
from tests.engine.run.story import batches


def damage(experiment: Experiment, *ids: str) -> None:
    for name in ids:
        path = experiment.folder / f"image{name[1:]}.png"
        path.write_bytes(path.read_bytes()[:60])


def test_one_bad_sample_is_passed_over_and_named(tiny: Experiment) -> None:
    experiment = tiny.changed(("run", "infer"), False)
    bad = Assembly.of(experiment).folds.train[3]
    damage(experiment, bad)
    folder = start(experiment)
    assert folder.status().state == "finished", folder.status().message
    warnings = [event for event in folder.events()[0] if event["kind"] == "warning"]
    assert [event["sample"] for event in warnings] == [bad]
    assert f"sample '{bad}'" in warnings[0]["message"]
    assert str(experiment.folder) not in (folder.path / "events.jsonl").read_text()
    assert all(bad not in event["ids"] for event in folder.events()[0] if event["kind"] == "batch")
    assert len(batches(folder)) == 6


def test_too_many_bad_samples_end_the_run_and_are_named(tiny: Experiment) -> None:
    bad = Assembly.of(tiny).folds.train[3:5]
    damage(tiny, *bad)
    status = start(tiny).status()
    assert status.state == "failed"
    assert "2 samples cannot be used, 1 may be passed over" in status.message
    assert all(f"sample '{name}'" in status.message for name in bad)


def test_a_hundredth_of_the_samples_may_be_bad() -> None:
    told: list[Bad] = []
    bad = BadSamples(250, told.append, Checks())
    bad.note([Bad("a", "broken"), Bad("a", "broken")])
    bad.note([Bad("b", "broken")])
    with pytest.raises(SampleError, match="3 samples cannot be used"):
        bad.note([Bad("c", "broken")])
    assert [item.id for item in told] == ["a", "b", "c"]


class Broken(Items):
    """Does what a plugin's step might do."""

    def __init__(self) -> None:
        """Need nothing but memory."""
        self.slots = Slots()

    def __getitem__(self, address: tuple[int, str]) -> Bad:
        if address[1] == "dies":
            os._exit(3)
        if address[1] == "hangs":
            import time

            time.sleep(60)
        return Bad(address[1], "broken")


@pytest.mark.parametrize("name", ["dies", "hangs"])
def test_a_loader_that_dies_or_hangs_ends_the_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PATIENCE", 1.0)
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.2)
    loader = Loader(Broken(), plain_batches([name], 1), workers=1, size=1)
    with pytest.raises(RunError, match="loading failed"):
        list(loader)


@pytest.mark.parametrize("broken", [ConnectionResetError, EOFError, FileNotFoundError])
def test_a_loader_that_dies_as_it_hands_over_its_samples_ends_the_run(
    broken: type[Exception], tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(iterator: _MultiProcessingDataLoaderIter, timeout: float) -> None:
        raise broken("the socket of the tensors is gone")

    monkeypatch.setattr(_MultiProcessingDataLoaderIter, "_try_get_data", get)
    loader = Loader(Items(Assembly.of(tiny).dataset), plain_batches(["s00"], 1), 1, 1)
    with pytest.raises(RunError, match="loading failed: the socket of the tensors is gone"):
        list(loader)


def test_whatever_a_step_raises_becomes_the_sample_s_name(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Assembly.of(tiny).dataset
    monkeypatch.setattr(type(dataset.fixed), "leaves", lambda self, name: {}["no such thing"])
    found = Items(dataset)[0, "s03"]
    assert found == Bad("s03", "sample 's03': KeyError: 'no such thing'")


def test_a_continuation_gets_the_batches_that_were_left(tmp_path: Path) -> None:
    sampler = BatchSampler([f"s{number}" for number in range(8)], 3, seed=4)
    table = Timetable([(sampler, 2), (BatchSampler(["s8", "s9", "s10", "s11"], 2, seed=4), 1)])
    whole = list(TrainingBatches(table, 0, table.steps))
    assert [len(batch) for batch in whole[:3]] == [3, 3, 2]
    assert [batch[0][0] for batch in whole] == [0, 0, 0, 1, 1, 1, 2, 2]
    assert sorted(name for batch in whole[6:] for _, name in batch) == ["s10", "s11", "s8", "s9"]
    for first in range(table.steps):
        assert list(TrainingBatches(table, first, table.steps)) == whole[first:]
    assert [table.ends_at(step) for step in range(9)] == [step in (3, 6, 8) for step in range(9)]
    assert [table.epoch_of(step) for step in range(9)] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
