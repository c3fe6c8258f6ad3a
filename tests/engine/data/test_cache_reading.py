"""What is kept goes into batches with one copy, and nobody can damage it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from fuse_engine.augment import Augmenter, Intensity
from fuse_engine.augment.base import Part
from fuse_engine.augment.chance import Chance
from fuse_engine.core.errors import SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Dataset, Image, Pipeline, Processor, Row, Value, collate, to_tensors
from fuse_engine.data.slots import Slots
from fuse_engine.run.compute import tensors_on
from fuse_engine.run.loading import UNCHANGED, Bad, Items, Loader, plain_batches

IMAGE, LABEL = "data.input.image", "data.gt.segmentation"


def batches(experiment: Experiment, workers: int = 0) -> list[Any]:
    items = Items(Dataset.from_experiment(experiment))
    return [loaded.data for loaded in Loader(items, plain_batches([f"s{n}" for n in range(6)], 4), workers, 4)]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("cache", [None, "Memory", "Off"])
def test_batches_are_those_of_samples_one_by_one(study: Experiment, cache: str | None, workers: int) -> None:
    study = study if cache is None else study.changed(("data", "cache"), cache)
    dataset = Dataset.from_experiment(study.changed(("data", "cache"), "Off"))
    for found, first in zip(batches(study, workers) + batches(study, workers), (0, 4, 0, 4), strict=True):
        wanted = collate([to_tensors(dataset[n]) for n in range(first, min(first + 4, 6))])
        on_device = tensors_on(found, torch.device("cpu"))
        assert list(found) == list(wanted)
        assert found[LABEL].dtype == torch.uint8
        for key, value in wanted.items():
            if isinstance(value, torch.Tensor):
                assert on_device[key].dtype == value.dtype
                assert torch.equal(on_device[key], value)
            else:
                assert found[key] == value


def test_memory_of_a_batch_is_used_again_only_when_nobody_holds_it() -> None:
    slots = Slots()
    first, array = slots((2, 3), np.float32)
    array[:] = 7
    part, place = first[0], first.data_ptr()
    del first, array
    second, _ = slots((2, 3), np.float32)
    assert second.data_ptr() != place
    assert part.tolist() == [7, 7, 7]
    del part
    again, _ = slots((3, 2), np.float32)
    assert again.data_ptr() == place
    assert len(pickle.dumps(slots)) < 200
    held = [slots((2, 3), np.float32)[0] for _ in range(9)]
    assert len({tensor.data_ptr() for tensor in held}) == 9


def test_batches_that_are_kept_stay_as_they_were(study: Experiment) -> None:
    items = Items(Dataset.from_experiment(study))
    loader = Loader(items, plain_batches([f"s{n}" for n in range(6)] * 3, 1), 0, 1)
    kept = [loaded.data[IMAGE] for loaded in loader if loaded.data is not None]
    assert all(torch.equal(kept[n], kept[n + 6]) for n in range(12))
    assert not torch.equal(kept[0], kept[1])


class Spoil(Intensity):
    """Writes into what it is given, as it must not."""

    def sample(self, chance: Chance, grid: Geometry) -> dict[str, Any]:
        return {}

    def change(self, image: Any, params: dict[str, Any], known: Mapping[str, Any], part: Part) -> Any:
        image *= 0
        return image


def test_who_writes_into_a_sample_does_not_reach_the_cache(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    before = dataset.value("s0", IMAGE).array.copy()  # type: ignore[union-attr]
    items = Items(dataset, Augmenter([Spoil(keys=[IMAGE, LABEL])], 1))
    refused = items[0, "s0"]
    assert isinstance(refused, Bad)
    assert "read-only" in refused.message
    (plain,) = items[UNCHANGED, "s0"]
    with pytest.raises(ValueError, match="read-only"):
        plain[IMAGE][:] = 0
    np.testing.assert_array_equal(plain[IMAGE], before)
    np.testing.assert_array_equal(Dataset.from_experiment(study).value("s0", IMAGE).array, before)  # type: ignore[union-attr]


def test_a_run_fixes_its_inputs_and_a_preview_does_not(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    fixed = dataset.fixed.leaves("s0")[IMAGE].copy()
    (study.folder / "i0.png").write_bytes((study.folder / "i1.png").read_bytes())
    np.testing.assert_array_equal(dataset.fixed.leaves("s0")[IMAGE], fixed)
    other = dataset.value("s0", IMAGE)
    assert isinstance(other, Image)
    np.testing.assert_array_equal(other.array, dataset.fixed.leaves("s1")[IMAGE])
    again = pickle.loads(pickle.dumps(dataset)).fixed.leaves("s0")
    np.testing.assert_array_equal(again[IMAGE], other.array)


def test_a_dataset_takes_nothing_of_the_cache_to_another_process(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    before = len(pickle.dumps(dataset))
    for name in dataset.ids:
        dataset.fixed.leaves(name)
    assert len(pickle.dumps(dataset)) < before + 3000


class Drift(Processor):
    """Is not a number."""

    def __call__(self, value: Value | None, row: Row) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([1.0, np.nan], np.float32)


class Careless(Processor):
    """Writes into what it is given."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        value.array[:] = 0  # type: ignore[union-attr]
        return value  # type: ignore[return-value]


def test_what_is_no_number_is_named_and_never_kept(row: Callable[..., Row]) -> None:
    with pytest.raises(
        SampleError, match="data.input.x: sample 's1': 'data.input.x' holds values that are not finite"
    ):
        Pipeline((Drift(),), "data.input.x").run(row())


def test_a_step_that_writes_into_its_input_fails_at_once(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    pipeline = Pipeline((*dataset.pipelines[IMAGE].steps[:1], Careless()), IMAGE)
    with pytest.raises(SampleError, match=r"1.Careless: sample 's0': ValueError: .*read-only"):
        pipeline.run(dataset.cohort.row("s0"))


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    study: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset.from_experiment(study)
    original = type(dataset.pipelines[IMAGE].steps[0]).__call__

    def call(self: Any, value: Value | None, row: Row) -> Value:
        found: Value = original(self, value, row)
        path = row.path(self.column)
        path.write_bytes(path.read_bytes() + b"\0")
        return found

    monkeypatch.setattr(type(dataset.pipelines[IMAGE].steps[0]), "__call__", call)
    dataset.value("s0", IMAGE)
    assert not dataset.cache.sizes()


def test_a_sample_that_cannot_be_read_is_bad_in_every_epoch(study: Experiment) -> None:
    (study.folder / "i2.png").write_bytes(b"no picture")
    items = Items(Dataset.from_experiment(study))
    for epoch in (UNCHANGED, 0, 1):
        found = items[epoch, "s2"]
        assert isinstance(found, Bad)
        assert found.step == "data.input.image.0.LoadImage"
