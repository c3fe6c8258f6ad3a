"""The tensors that training used are made again, bit for bit, whatever made them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from torch import Tensor

from fuse_engine.cli import main
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, KeyMissing, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.loop import Loop
from fuse_engine.run.process import resume, start
from fuse_engine.run.replay import Replay, drawn, image_of
from fuse_engine.service.augmentation.whole import augment
from fuse_engine.service.work import Work
from tests.engine.run.story import changed

IMAGE, MASK = "data.input.image", "data.gt.segmentation"
BOTH = [IMAGE, MASK]
PIPELINE = [
    {"Sequential": {"p": 0.8, "steps": [{"Affine": {"keys": BOTH, "rotate": [-30, 30], "scale": [0.8, 1.2]}},
                                        {"Flip": {"keys": BOTH}}]}},
    {"OneOf": {"steps": [{"Gamma": {"keys": [IMAGE]}}, {"Contrast": {"keys": [IMAGE]}}], "weights": [2, 1]}},
    {"GaussianNoise": {"keys": [IMAGE], "p": 0.5}},
]  # fmt: skip
Seen = dict[tuple[int, str, str], str]
"""Hash of a tensor by epoch, sample and key."""


def digest(array: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes() + str(array.shape).encode()).hexdigest()


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Take note of every tensor that a training learns from."""
    found: Seen = {}
    learn = Loop._learn

    def watched(loop: Loop, data: NestedDict, ids: Sequence[str]) -> Any:
        for index, name in enumerate(ids):
            for key in (key for key in data if isinstance(data[key], Tensor) and data[key].ndim > 3):
                found[loop._epoch, name, key] = digest(data[key][index].numpy())
        return learn(loop, data, ids)

    monkeypatch.setattr(Loop, "_learn", watched)
    return found


def assert_replayed(folder: RunFolder, seen: Seen) -> None:
    assert folder.status().state == "finished", folder.status().message
    replay = Replay.of(folder)
    for (epoch, name, key), mark in seen.items():
        assert digest(replay.sample(name, epoch)[key]) == mark, (epoch, name, key)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_tensor_of_a_training_is_made_again(tiny: Experiment, spy: Seen, workers: int) -> None:
    changes = {("augmentation",): PIPELINE, ("data", "batch", "workers"): workers, ("run", "infer"): False}
    folder = start(changed(tiny, changes))
    assert len({(epoch, name) for epoch, name, _ in spy}) >= 12
    assert_replayed(folder, spy)
    experiment = folder.experiment()
    for (epoch, name, key), mark in spy.items():
        work = Work(1, "augment", {}, lambda message: None)
        draw = {"seed": experiment.seed, "epoch": epoch}
        shown = augment(work, experiment.to_yaml(), str(experiment.folder), name, draw)
        assert digest(shown["after"][key]["array"]) == mark


def test_after_a_stop_within_an_epoch_too(tiny: Experiment, spy: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = changed(tiny, {("augmentation",): PIPELINE, ("run", "infer"): False})
    folder = RunFolder.create(experiment.folder / "runs", experiment)
    folder.request("stop")
    resume_once(folder)
    assert folder.status().state == "stopped"
    first = dict(spy)
    assert len({name for _, name, _ in first}) == 3
    resume(folder)
    assert len(spy) > len(first)
    assert_replayed(folder, spy)


def resume_once(folder: RunFolder) -> None:
    """Carry a run out in this process with the requests that it has already."""
    from fuse_engine.run.train import work

    work(folder)


def test_patches_too(tiny: Experiment, spy: Seen) -> None:
    cutting = {"RandomPatches": {"size": [16, 20], "per_sample": 2, "balance": MASK}}
    changes = {("augmentation",): PIPELINE, ("data", "patches"): cutting, ("run", "infer"): False}
    folder = start(changed(tiny, changes))
    assert {name.rpartition("#")[2] for _, name, _ in spy} == {"0", "1"}
    assert_replayed(folder, spy)
    first = next(name for _, name, _ in spy).partition("#")[0]
    with pytest.raises(SampleError, match=f"epoch 0 has no '{first}'; expected one of {first}#0, {first}#1"):
        Replay.of(folder).sample(first, 0)


def test_batches_that_were_mixed_too(tiny: Experiment, spy: Seen) -> None:
    mixing = [*PIPELINE, {"CutMix": {"keys": BOTH, "targets": ["data.gt.classification"], "classes": 2}}]
    changes = {("augmentation",): mixing, ("data", "batch"): {"size": 4, "workers": 2}, ("run", "infer"): False}
    folder = start(changed(tiny, changes))
    assert_replayed(folder, spy)
    replay, event = Replay.of(folder), next(event for event in folder.events()[0] if event["kind"] == "batch")
    for name, sample in zip(event["ids"], replay.batch(0, event["ids"]), strict=True):
        assert sample is not None
        assert digest(sample[IMAGE]) == spy[0, name, IMAGE]
        assert drawn(sample)[-1]["params"]["partner"] in event["ids"]


def test_a_record_of_what_was_drawn_comes_with_it(trained: RunFolder) -> None:
    replay = Replay.of(trained)
    name = str(next(event for event in trained.events()[0] if event["kind"] == "batch")["ids"][0])
    assert [item["name"] for item in drawn(replay.sample(name, 0))] == ["Flip", "GaussianNoise"]
    assert replay.trained(name, 0)
    assert not replay.trained(replay.assembly.folds.test[0], 0)


def test_the_command_writes_what_training_saw(
    trained: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(next(event for event in trained.events()[0] if event["kind"] == "batch")["ids"][0])
    words = ["replay", str(trained.path), "--epoch", "1", "--sample", name]
    sample = Replay.of(trained).sample(name, 1)
    for key, more in ((IMAGE, []), (MASK, ["--key", MASK])):
        path = tmp_path / f"{key}.nii.gz"
        assert main([*words, *more, "--out", str(path)]) == 0
        found = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        assert found.dtype == sample[key].dtype
        np.testing.assert_array_equal(found, sample[key][0])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(tmp_path / f"{IMAGE}.nii.gz")
    assert [line.split("\t")[1] for line in lines[1:3]] == ["Flip", "GaussianNoise"]
    assert main([*words, "--out", str(path)]) == 1
    assert "is there already" in capsys.readouterr().err


def test_what_is_not_there_is_named_with_the_nearest(trained: RunFolder) -> None:
    replay = Replay.of(trained)
    with pytest.raises(FuseError, match=r"there is no epoch 2; expected 0 to 1"):
        replay.sample("s01", 2)
    with pytest.raises(FuseError, match="no sample 's1'; did you mean"):
        replay.sample("s1", 0)
    with pytest.raises(SampleError, match="epoch 0 has no 's01#3'; expected one of s01"):
        replay.sample("s01#3", 0)
    with pytest.raises(KeyMissing, match="'data.input.imag' is no image.* did you mean 'data.input.image'"):
        image_of(replay.sample("s01", 0), "data.input.imag")
