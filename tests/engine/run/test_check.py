"""What cannot work is said before training, in one sentence at the right field."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk

from fuse_engine.core.experiment import Experiment
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.check import check, flow
from fuse_engine.run.process import start

CLS = ("losses", "cls", "CrossEntropy")
FLIP = ("augmentation", 0, "Flip")
WRONG: list[tuple[tuple[str | int, ...], Any, str, str]] = [
    ((*CLS, "target"), "data.gt.clasification", "losses.cls.CrossEntropy.target",
     "nothing produces 'data.gt.clasification'; expected steps under 'data.gt.clasification', .*; "
     "did you mean 'data.gt.classification'"),
    ((*CLS, "pred"), "model.logits.side", "losses.cls.CrossEntropy.pred", "expected a head called 'side' in the"),
    ((*CLS, "target"), "data.gt.segmentation", "losses.cls.CrossEntropy.target", "shapes do not fit"),
    ((*FLIP, "keys"), ["data.input.imag"], "augmentation.0.Flip.keys", "did you mean 'data.input.image'"),
    ((*FLIP, "keys"), ["model.logits.classifier"], "augmentation.0.Flip.keys", "nothing produces"),
    (("training", "best", 0, "source"), "validation.metrics.auc.macro", "training.best.0.source",
     "did you mean 'validation.metrics.auc.macro_avg'"),
    (("training", "callbacks"), [{"EarlyStopping": {"monitor": "validation.losses.cl"}}],
     "training.callbacks.0.EarlyStopping", "did you mean 'validation.losses.cls'"),
    (("training", "stages", 0, "freeze"), ["bakbone"], "training.stages.0.freeze", "did you mean 'backbone'"),
    (("training", "stages", 0, "freeze"), ["backbone", "heads.classifier", "heads.segmentation"],
     "training.stages.0.freeze", "nothing can be learned"),
    (("losses",), {}, "losses", "there is no loss"),
    (("data", "split", "validation"), [], "data.split.validation", "no sample is left for the validation"),
    (("data", "batch", "balance", "key"), "data.gt.segmentation", "data.batch.balance", "made from files"),
    (("training", "optimizer"), "Adan", "training.optimizer", "did you mean 'Adam'"),
    (("data", "source", "Table", "path"), "cohorts.csv", "data.source.Table", "cohorts.csv"),
]  # fmt: skip


def test_a_sound_experiment_has_no_problems_and_is_checked_quickly(tiny: Experiment) -> None:
    check(tiny)
    begin = time.process_time()
    assert check(tiny) == []
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(("place", "value", "where", "message"), WRONG)
def test_what_is_wrong_is_said_where_it_stands(
    tiny: Experiment, place: tuple[str | int, ...], value: Any, where: str, message: str
) -> None:
    problems = check(tiny.changed(place, value))
    assert [problem.where for problem in problems] == [where], [str(problem) for problem in problems]
    with pytest.raises(Exception, match=message):
        raise ValueError(str(problems[0]))


def test_a_label_outside_the_classes_names_its_sample_cell_and_classes(tiny: Experiment) -> None:
    path = tiny.folder / "cohort.csv"
    path.write_text(path.read_text().replace(",positive,", ",postive,", 1))
    (problem,) = check(tiny)
    assert (problem.where, problem.sample) == ("data.gt.classification.0.Label", "s02")
    assert (problem.got, problem.nearest) == ("'postive'", "positive")


@pytest.mark.parametrize("part", ["validation", "test"])
def test_samples_that_make_no_batch_are_found_in_every_part(tiny: Experiment, part: str) -> None:
    odd = getattr(Assembly.of(tiny).folds, part)[-1]
    for name in ("image", "mask"):
        picture = sitk.ReadImage(str(tiny.folder / f"{name}00.png"))
        sitk.WriteImage(picture[:24, :16], str(tiny.folder / f"{name}{odd[1:]}.png"))
    found = {problem.where: problem.got for problem in check(tiny)}
    assert set(found) == {"data.input.image", "data.gt.segmentation"}
    assert found["data.input.image"].endswith(f"and (1, 16, 24) in sample '{odd}'")
    assert check(tiny.changed(("data", "batch", "size"), 1)) == []


def test_where_no_sample_fits_three_are_named(tiny: Experiment) -> None:
    path = tiny.folder / "cohort.csv"
    path.write_text(path.read_text().replace(",positive,", ",third,").replace(",normal,", ",fourth,"))
    problems = check(tiny)
    assert [problem.sample for problem in problems] == ["s00", "s01", "s02", ""]


def test_a_missing_image_names_its_sample(tiny: Experiment) -> None:
    (tiny.folder / "image05.png").unlink()
    problems = check(tiny)
    assert [problem.sample for problem in problems] == ["s05"]
    assert "no file" in problems[0].message


def test_problems_name_file_and_line(tiny: Experiment) -> None:
    path = tiny.folder / "tiny.yaml"
    path.write_text(
        path.read_text().replace("target: data.gt.classification}}\n  seg", "target: data.gt.klass}}\n  seg")
    )
    (problem,) = check(Experiment.load(path))
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if "klass" in text)
    assert problem.source == f"tiny.yaml:{line}"


def test_a_run_of_a_wrong_experiment_fails_with_the_same_sentence(tiny: Experiment) -> None:
    wrong = tiny.changed((*CLS, "target"), "data.gt.segmentation")
    status = start(wrong).status()
    (problem,) = check(wrong)
    assert status.state == "failed"
    assert status.message.endswith(f"{problem.where}: {str(problem).split(f'{problem.where}: ')[1]}")


def test_the_flow_names_makers_readers_and_shapes(tiny: Experiment) -> None:
    found = {info.key: info for info in flow(tiny)}
    image, logits = found["data.input.image"], found["model.logits.classifier"]
    assert (image.shape, image.dtype, image.producer) == ((1, 32, 32), "float32", "data.input.image")
    assert "augmentation.0.Flip.keys" in image.consumers
    assert (logits.shape, logits.producer) == ((2,), "model.MultiHead")
    assert (image.role, logits.role, found["data.gt.segmentation"].role) == ("image", "logits", "truth")
    assert logits.consumers == ("losses.cls.CrossEntropy.pred",)


def test_a_folder_without_images_is_no_crash(tiny: Experiment, tmp_path: Path) -> None:
    for path in tiny.folder.glob("image*.png"):
        path.unlink()
    problems = check(tiny)
    assert [problem.sample for problem in problems[:3]] == ["s00", "s01", "s02"]
    assert problems[3].message == "13 more samples have a problem here"


IMAGE = {"keys": ["data.input.image"]}
UNFIT: list[tuple[dict[str, Any], str, str]] = [
    ({"Flip": {**IMAGE, "axes": ["z"], "p": 0.01}}, "augmentation.0.Flip.axes", "a 2-D image has no z axis"),
    ({"OneOf": {"steps": [{"Gamma": IMAGE}] * 9 + [{"Flip": {**IMAGE, "axes": ["z"]}}]}},
     "augmentation.0.OneOf.steps.9.Flip.axes", "a 2-D image has no z axis"),
    ({"Maybe": {"steps": [{"Gamma": IMAGE}], "p": 1, "otherwise": [{"Flip": {**IMAGE, "axes": ["z"]}}]}},
     "augmentation.0.Maybe.otherwise.0.Flip.axes", "a 2-D image has no z axis"),
    ({"Gamma": {"keys": ["data.input.clinical"]}}, "augmentation.0.Gamma", "is no image; expected an image: data"),
    ({"PerChannel": {"steps": [{"Flip": {"keys": ["data.gt.segmentation"]}}]}}, "augmentation.0.PerChannel.steps",
     "it cannot go with each channel"),
    ({"Sequential": {"steps": [{"Gamma": {"keys": ["data.input.imag"]}}]}},
     "augmentation.0.Sequential.steps.0.Gamma.keys", "did you mean 'data.input.image'"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "where", "message"), UNFIT)
def test_an_augmentation_that_cannot_be_drawn_is_found_before_training(
    tiny: Experiment, step: dict[str, Any], where: str, message: str
) -> None:
    (problem,) = check(tiny.changed(("augmentation",), [step]))
    assert (problem.where, problem.sample) == (where, "")
    assert message in str(problem)


def test_what_is_switched_off_is_not_drawn(tiny: Experiment) -> None:
    off = {"Sequential": {"steps": [{"Flip": {**IMAGE, "axes": ["z"]}}], "enabled": False}}
    assert check(tiny.changed(("augmentation",), [off])) == []


def test_a_batch_too_small_to_be_normalised_is_said(tiny: Experiment) -> None:
    experiment = tiny.changed(("data", "batch", "size"), 1)
    assert check(experiment) == []
    for side, name in (("input", "image"), ("gt", "segmentation")):
        steps = [*experiment.to_data()["data"][side][name], {"Resize": {"size": [8, 8]}}]
        experiment = experiment.changed(("data", side, name), steps)
    (problem,) = check(experiment)
    assert problem.where == "model.MultiHead"
    assert "Expected more than 1 value per channel" in problem.message
