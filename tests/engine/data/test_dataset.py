"""From an experiment to samples and batches."""

from __future__ import annotations

import itertools
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import ExperimentError, FuseError, KeyMissing, SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import (
    Cohort,
    Dataset,
    Disk,
    Image,
    LoadImage,
    Pipeline,
    Processor,
    Resample,
    Resize,
    Row,
    Value,
    collate,
    fit_experiment,
    make_folds,
    read_cohort,
    to_tensors,
)


def test_a_sample_holds_every_key(study: Experiment) -> None:
    sample = Dataset.from_experiment(study)[1]
    assert list(sample) == [
        "data.id", "data.input.image", "data.input.clinical", "data.gt.classification", "data.gt.segmentation",
    ]  # fmt: skip
    assert (sample["data.id"], sample["data.gt.classification"]) == ("s1", 1)
    assert sample["data.input.image"].array.shape == (1, 16, 16)
    assert set(np.unique(sample["data.gt.segmentation"].array)) == {0, 1}
    assert list(Dataset.from_experiment(study).sample("s1", ["data.gt.classification"])) == [
        "data.id", "data.gt.classification",
    ]  # fmt: skip


def test_a_batch_of_tensors(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    batch = collate([to_tensors(dataset[n]) for n in range(3)])
    assert batch["data.id"] == ["s0", "s1", "s2"]
    assert batch["data.input.image"].shape == (3, 1, 16, 16)
    assert batch["data.gt.classification"].tolist() == [0, 1, 0]
    kinds = {key: batch[key].dtype for key in batch if isinstance(batch[key], torch.Tensor)}
    assert kinds == {
        "data.input.image": torch.float32, "data.input.clinical": torch.float32,
        "data.gt.classification": torch.int64, "data.gt.segmentation": torch.int64,
    }  # fmt: skip
    assert [geometry.spacing for geometry in batch["data.geometry.input.image"]] == [(1.5, 1.25)] * 3


def test_unequal_shapes_name_samples_and_the_fix() -> None:
    samples = [
        NestedDict({"data.id": f"s{n}", "data.input.image": torch.zeros(1, 4, width)})
        for n, width in enumerate((4, 4, 5))
    ]
    with pytest.raises(
        SampleError, match=r"'data.input.image' has different.*Resize.*\(1, 4, 4\) in sample 's0'.*'s2'"
    ):
        collate(samples)
    del samples[1]["data.input.image"]
    with pytest.raises(SampleError, match="sample 's1': the sample lacks 'data.input.image'"):
        collate(samples)


def test_writing_into_a_tensor_leaves_the_cache_alone(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study.changed(("data", "cache"), "Memory"))
    before = dataset.value("s0", "data.input.image").array.copy()  # type: ignore[union-attr]
    to_tensors(dataset.sample("s0"))["data.input.image"].zero_()
    np.testing.assert_array_equal(dataset.value("s0", "data.input.image").array, before)  # type: ignore[union-attr]


def test_labels_need_no_image(study: Experiment) -> None:
    for path in study.folder.glob("*.png"):
        path.unlink()
    dataset = Dataset.from_experiment(study)
    assert dataset.labels("data.gt.classification") == {f"s{n}": n % 2 for n in range(6)}
    assert dataset.subset(["s3"]).labels("data.gt.classification") == {"s3": 1}
    with pytest.raises(FuseError, match="'data.input.clinical' is no class; expected a step such as Label"):
        dataset.labels("data.input.clinical")


def test_labels_from_files_are_refused(study: Experiment) -> None:
    with pytest.raises(FuseError, match="'data.gt.segmentation' is made from files.*got LoadImage -> Resize"):
        Dataset.from_experiment(study).labels("data.gt.segmentation")


def test_a_damaged_sample_is_named_and_the_others_go_on(study: Experiment) -> None:
    (study.folder / "i2.png").write_bytes((study.folder / "i2.png").read_bytes()[:80])
    (study.folder / "i4.png").unlink()
    dataset = Dataset.from_experiment(study)
    with pytest.raises(SampleError, match=r"data.input.image.0.LoadImage: sample 's2': .*i2.png"):
        dataset.sample("s2")
    with pytest.raises(
        SampleError, match=r"LoadImage: sample 's4': column 'image': no file .*i4.png; did you mean"
    ):
        dataset.sample("s4")
    assert len(dataset.sample("s3")) == 5


def test_unknown_ids_and_keys_name_the_nearest(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    with pytest.raises(FuseError, match="no sample 's9'; did you mean 's"):
        dataset.sample("s9")
    with pytest.raises(KeyMissing, match=r"nothing makes 'data.input.imag'.*did you mean 'data.input.image'"):
        dataset.value("s1", "data.input.imag")


class Fault(Processor):
    """Fails as a stranger's step may."""

    how: str = "raise"

    def __call__(self, value: Value | None, row: Row) -> Value:
        return 1 // 0 if self.how == "raise" else ["text"]  # type: ignore[return-value]


def test_a_strangers_step_is_blamed_with_sample_and_place(make_cohort: Callable[..., Cohort]) -> None:
    row = make_cohort().row("s3")
    with pytest.raises(SampleError, match=r"data.input.x.0.Fault: sample 's3': ZeroDivisionError: "):
        Pipeline((Fault(),), "data.input.x").run(row)
    with pytest.raises(
        SampleError, match=r"sample 's3': the step returned nothing that a sample can hold.*got list"
    ):
        Pipeline((Fault(how="list"),), "data.input.x").run(row)
    with pytest.raises(SampleError, match="there are no steps"):
        Pipeline(()).run(row)


def test_the_trace_shows_every_step(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    traced = list(dataset.pipelines["data.input.image"].trace(dataset.cohort.row("s0")))
    assert [item.name for item in traced] == ["LoadImage", "IntensityWindow", "Resize"]
    assert [item.value.array.shape[1:] for item in traced] == [(20, 24), (20, 24), (16, 16)]  # type: ignore[union-attr]
    assert all(item.seconds > 0 for item in traced)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    original = LoadImage.__call__

    def call(self: LoadImage, value: Value | None, row: Row) -> Image:
        calls.append(f"{self.column} {row.id}")
        return original(self, value, row)

    monkeypatch.setattr(LoadImage, "__call__", call)
    return calls


def test_only_what_changed_is_computed_again(study: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    monkeypatch.setattr(Disk, "pays", lambda self, value, seconds, tuned: False)  # however slow this machine is

    def reads(experiment: Experiment) -> list[str]:
        calls.clear()
        dataset = Dataset.from_experiment(experiment)
        for name in dataset.ids:
            dataset.sample(name)
        return sorted(calls)

    assert len(reads(study)) == 12
    assert reads(study) == []
    other = study.changed(("data", "input", "image", 1, "IntensityWindow", "window"), [0, 200])
    assert reads(other) == [f"image s{n}" for n in range(6)]
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(study.folder / "m5.png")))
    sitk.WriteImage(sitk.GetImageFromArray(pixels[::-1].copy()), str(study.folder / "m5.png"))
    assert reads(study) == ["mask s5"]
    table = study.folder / "cohort.csv"
    table.write_text(table.read_text().replace("i0.png,m0.png,normal", "i1.png,m0.png,positive"), encoding="utf-8")
    assert reads(study) == []
    assert Dataset.from_experiment(study).sample("s0")["data.gt.classification"] == 1


def test_the_fingerprint_sees_arguments_code_and_files(tmp_path: Path, row: Callable[..., Row]) -> None:
    sitk.WriteImage(sitk.Image(8, 8, sitk.sitkUInt8), str(tmp_path / "a.png"))
    here = row(image="a.png")

    def mark(*steps: Processor) -> str:
        return Pipeline(steps).fingerprint(here)

    class Other(Resize):
        """The same arguments, other code."""

    marks = [
        mark(LoadImage()), mark(LoadImage(label=True)), mark(LoadImage(), Resize(size=[4, 4])),
        mark(LoadImage(), Resize(size=[4, 5])), mark(LoadImage(), Other(size=[4, 4])),
    ]  # fmt: skip
    assert len(set(marks)) == len(marks)
    assert mark(LoadImage()) == marks[0]
    os.utime(tmp_path / "a.png", ns=(1, 1))
    assert mark(LoadImage()) != marks[0]


def test_fit_looks_at_the_training_samples_only(study: Experiment) -> None:
    study = study.changed(("data", "split", "test"), ["0"])
    cohort = read_cohort(study)
    folds = make_folds(cohort, study.data.split, study.seed)
    ages = np.array([float(cohort.row(name).text("age")) for name in folds.train])
    fitted = fit_experiment(study)
    step = fitted.data.input["clinical"][0].args
    np.testing.assert_allclose([float(step["mean"][0]), float(step["std"][0])], [ages.mean(), ages.std()])
    again = Experiment.from_text(fitted.to_yaml(), study.folder)
    assert fit_experiment(again, cohort.select(folds.test)) == again
    one = Dataset.from_experiment(again, cohort.select(folds.test[:1])).sample(
        folds.test[0], ["data.input.clinical"]
    )
    age = float(cohort.row(folds.test[0]).text("age"))
    np.testing.assert_allclose(one["data.input.clinical"], [(age - ages.mean()) / ages.std()], rtol=1e-6)


def test_fit_names_the_step_and_the_sample(study: Experiment) -> None:
    table = study.folder / "cohort.csv"
    table.write_text(table.read_text().replace(",53", ",unknown").replace(",50", ",x"), encoding="utf-8")
    with pytest.raises(
        SampleError, match=r"data.input.clinical.0.Columns: sample 's\d': column 'age' holds no number"
    ):
        Dataset.from_experiment(study.changed(("data", "split", "validation"), []))


def test_a_source_that_cannot_be_read_is_placed(study: Experiment) -> None:
    with pytest.raises(FuseError, match=r"data.source.Table: the id column 'ids' is not there"):
        read_cohort(study.changed(("data", "source", "Table", "id"), "ids"))
    with pytest.raises(ExperimentError, match="unknown processor 'Rezise'.*did you mean 'Resize'"):
        Dataset.from_experiment(study.changed(("data", "input", "image", 2), {"Rezise": {}}))


def test_a_dataset_goes_to_another_process(study: Experiment) -> None:
    dataset = Dataset.from_experiment(study)
    dataset.sample("s0")
    other = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(other[0]["data.input.image"].array, dataset[0]["data.input.image"].array)


def test_real_membranes_become_a_batch(real_data: Path, tmp_path: Path) -> None:
    lines = ["id,image,mask", *(f"{n:02d},image/{n:02d}.png,label/{n:02d}.png" for n in range(4))]
    (tmp_path / "cohort.csv").write_text("\n".join(lines), encoding="utf-8")
    text: dict[str, Any] = {
        "source": {"Table": {"path": "cohort.csv"}}, "cache": "Off",
        "input": {"image": ["LoadImage", {"Normalize": {}}, {"Resize": {"size": [128, 128]}}]},
        "gt": {"mask": [{"LoadImage": {"column": "mask", "label": True, "values": [0, 255]}}]},
    }  # fmt: skip
    experiment = Experiment.from_text(json.dumps({"data": text, "model": "None"}), tmp_path)
    for name, item in itertools.product(("image", "label"), range(4)):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{item:02d}.png").symlink_to(real_data / "membrane_em" / name / f"{item:02d}.png")
    dataset = Dataset.from_experiment(experiment)
    batch = collate([to_tensors(dataset[n]) for n in range(4)])
    assert batch["data.input.image"].shape == (4, 1, 128, 128)
    assert 0.6 < batch["data.gt.mask"].float().mean() < 0.9


def lying(shift: float = 0.0, flip: float = 1.0, shape: tuple[int, ...] = (6, 8, 10)) -> NestedDict:
    grid = Geometry(tuple(reversed(shape)), (1.0, 1.0, 3.0), (-10.0, 5.0, 7.0), tuple(np.eye(3).ravel()))
    other = replace(grid, origin=(-10.0, 5.0, 7.0 + shift), direction=tuple(np.diag([flip, 1, 1]).ravel()))
    image, label = np.zeros((1, *shape), np.float32), np.zeros((1, *shape), np.uint8)
    return NestedDict(
        {"data.id": "s1", "data.input.image": Image(image, grid), "data.gt.organ": Image(label, other)}
    )


@pytest.mark.parametrize("difference", [{"shift": 3.0}, {"flip": -1.0}])
def test_a_label_map_that_lies_elsewhere_is_refused(difference: dict[str, float]) -> None:
    to_tensors(lying(shift=0.1))
    with pytest.raises(SampleError, match=r"sample 's1': 'data.gt.organ' does not cover the patient as") as caught:
        to_tensors(lying(**difference))
    assert caught.value.problems[0].expected.startswith("(-10.5, 4.5, 5.5) to (-0.5, 12.5, 23.5) mm")
    here, there = lying()["data.input.image"], lying(**difference)["data.gt.organ"]
    with pytest.raises(SampleError, match="'data.input.t2' does not cover the patient as 'data.input.t1' does"):
        to_tensors(NestedDict({"data.id": "s1", "data.input.t1": here, "data.input.t2": there}))


def test_grids_of_other_spacing_and_pictures_without_a_place_are_accepted(row: Callable[..., Row]) -> None:
    sample = lying()
    image = Resize(size=[3, 5, 4])(Resample(spacing=[2.0, 1.7, 1.3])(sample["data.input.image"], row()), row())
    to_tensors(NestedDict({**{key: sample[key] for key in sample}, "data.input.image": image}))
    photo, scan = (Geometry.plain((64, 48), spacing) for spacing in (None, (0.7, 0.7)))
    assert scan.covers(photo)
    assert not scan.covers(replace(scan, size=(40, 60)))


def test_a_key_that_only_some_samples_have_is_named() -> None:
    whole, part = NestedDict({"data.id": "a", "data.input.x": torch.zeros(2)}), NestedDict({"data.id": "b"})
    for samples in ([whole, part], [part, whole]):
        with pytest.raises(SampleError, match="sample 'b': the sample lacks 'data.input.x'"):
            collate(samples)
