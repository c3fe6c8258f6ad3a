"""Every sample is processed before training, and what cannot be used is listed with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuse_engine.core.errors import FuseError, RunError, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data import LoadImage, Row
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.create import create, summary
from fuse_engine.testing import tiny_experiment


@pytest.fixture
def cached(tmp_path: Path) -> Experiment:
    experiment = tiny_experiment(tmp_path / "data")
    return experiment.changed(("data", "cache"), {"Disk": {"folder": str(tmp_path / "cache")}})


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_created_is_not_read_again(
    cached: Experiment, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    assert create(Assembly.of(cached), workers=workers, each=lambda done, total: told.append(done)) == []
    assert told == list(range(1, 17))

    def fail(step: LoadImage, value: object, row: Row) -> None:
        raise SampleError("a file is read")

    monkeypatch.setattr(LoadImage, "__call__", fail)
    assert create(Assembly.of(cached)) == []


def test_samples_that_cannot_be_used_are_listed_with_step_and_reason(cached: Experiment) -> None:
    (cached.folder / "image03.png").unlink()
    failed = create(Assembly.of(cached))
    assert [(bad.id, bad.step) for bad in failed] == [("s03", "data.input.image.0.LoadImage")]
    assert "no file" in failed[0].message


def test_an_unknown_sample_is_refused(cached: Experiment) -> None:
    with pytest.raises(RunError, match=r"no sample 's3'; did you mean 's0?\d*'"):
        create(Assembly.of(cached), ["s3"])


def test_the_summary_counts_classes_in_every_part(cached: Experiment) -> None:
    text = summary(Assembly.of(cached))
    assert text.startswith("tiny: 16 samples from Table\n")
    assert "data.input.image: LoadImage -> IntensityWindow" in text
    assert "train: 8 samples\n  data.gt.classification: normal 4 (50.0%), positive 4 (50.0%)" in text
    assert text.endswith("cache: Disk\naugmentation: Flip, GaussianNoise")


def test_a_dataset_is_filtered_by_a_value(cached: Experiment) -> None:
    dataset = Assembly.of(cached).dataset
    normal = dataset.filter("data.gt.classification", drop=[1])
    assert len(normal) == 8
    assert {normal.value(name, "data.gt.classification") for name in normal.ids} == {0}
    with pytest.raises(FuseError, match=r"'data.input.image' cannot be filtered by value"):
        dataset.filter("data.input.image", drop=[1])
