"""What the real worker computes, against the same thing computed here."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from fuse_engine.cli.asking import ask as command_ask
from fuse_engine.core import registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.image import read_image
from fuse_engine.run import infer, process
from fuse_engine.service import methods
from fuse_engine.service.client import Engine
from fuse_engine.testing import tiny_experiment

DEADLY = '''
import os, signal
from fuse_engine import Processor, register
from fuse_engine.core.reading import reading

@register
class Deadly(Processor):
    """Reads a file that ends its reader."""

    def __call__(self, value, row):
        with reading(row.path("image")):
            if row.id == "s03":
                os.kill(os.getpid(), signal.SIGSEGV)
        return value
'''


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    (folder / "deadly.py").write_text(DEADLY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSE_CACHE", str(folder / "cache"))
        patch.setenv(registry.COMPONENTS_VARIABLE, str(folder / "deadly.py"))
        one = Engine(deaths=1)
        yield one
        one.close()


@pytest.fixture
def tiny(tmp_path):
    return tiny_experiment(tmp_path / "tiny")


@pytest.fixture
def ask(engine, tiny):
    def send(method, experiment=tiny, **arguments):
        text, folder = experiment.to_yaml(), str(tiny.folder)
        return engine.request(method, experiment=text, folder=folder, **arguments).result(60)

    return send


def test_every_method_exists_and_takes_its_work_first():
    for name in methods.PLACES:
        assert methods.find(name).__code__.co_varnames[0] == "work"
    with pytest.raises(FuseError, match="did you mean 'sample'"):
        methods.find("samples")


def test_a_label_outside_the_classes_is_found_with_its_sample(ask, tiny):
    table = tiny.folder / "cohort.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("mask03.png,positive", "mask03.png,positif"), encoding="utf-8")
    problems = ask("validate")
    assert [problem["sample"] for problem in problems] == ["s03"]
    assert "positif" in str(problems[0])


def test_a_missing_file_is_found_without_opening_images(ask, tiny):
    (tiny.folder / "image05.png").unlink()
    problems = ask("validate")
    assert [(problem["sample"], problem["where"]) for problem in problems] == [
        ("s05", "data.input.image.0.LoadImage")
    ]
    with pytest.raises(SampleError, match=r"image05\.png"):
        ask("sample", id="s05")


def test_a_sample_is_what_the_processors_make_of_its_files(ask, tiny):
    reply = ask("sample", id="s02")
    pixels = read_image(tiny.folder / "image02.png").array / 255
    np.testing.assert_allclose(reply["image"]["array"], pixels, atol=1e-6)
    np.testing.assert_array_equal(reply["gt"]["array"], read_image(tiny.folder / "mask02.png", label=True).array)
    assert Geometry.from_json(reply["image"]["geometry"]).size == (32, 32)
    assert (reply["image"]["label"], reply["gt"]["label"]) == (False, True)
    assert reply["values"]["data.gt.classification"] == "1"


def test_the_pictures_that_were_chosen_are_shown_where_there_are_several(ask, tiny):
    steps = [{"LoadImage": {"column": "image"}}]
    two = tiny.changed(("data", "input", "raw"), steps)
    two = two.changed(("data", "input", "where"), [{"LoadImage": {"column": "mask", "label": True}}])
    first = ask("sample", two, id="s02")
    assert first["keys"] == {
        "image": ["data.input.image", "data.input.raw"],
        "gt": ["data.gt.segmentation", "data.input.where"],
    }
    assert first["shown"] == {"image": "data.input.image", "gt": "data.gt.segmentation"}
    chosen = ask("sample", two, id="s02", known=first["fingerprint"], chosen=["data.input.raw", "data.gt.gone"])
    assert chosen["shown"] == {"image": "data.input.raw", "gt": "data.gt.segmentation"}
    np.testing.assert_array_equal(chosen["image"]["array"], read_image(tiny.folder / "image02.png").array)


def test_a_changed_image_file_is_read_again(ask, tiny):
    before = ask("sample", id="s02")["image"]["array"]
    shutil.copy(tiny.folder / "image06.png", tiny.folder / "image02.png")
    after = ask("sample", id="s02")["image"]["array"]
    np.testing.assert_array_equal(after, ask("sample", id="s06")["image"]["array"])
    assert not np.array_equal(before, after)


def test_steps_show_every_stage_of_a_value(ask, tiny):
    load, window = ask("steps", id="s02", key="data.input.image")
    pixels = read_image(tiny.folder / "image02.png").array
    assert (load["name"], window["name"]) == ("LoadImage", "IntensityWindow")
    assert (load["min"], load["max"]) == (pixels.min(), pixels.max())
    assert load["mean"] == pytest.approx(pixels.mean(dtype=float))
    assert window["mean"] == pytest.approx(pixels.mean(dtype=float) / 255)
    assert (load["shape"], load["dtype"], load["spacing"]) == ([1, 32, 32], "float32", [1.0, 1.0])
    np.testing.assert_array_equal(load["picture"]["array"], pixels)


def test_a_changed_step_reuses_the_steps_before_it(ask, tiny):
    assert [step["cached"] for step in ask("steps", id="s09", key="data.input.image")] == [False, False]
    assert [step["cached"] for step in ask("steps", id="s09", key="data.input.image")] == [True, True]
    place = ("data", "input", "image", 1, "IntensityWindow", "to")
    changed = tiny.changed(place, ["0", "2"])
    steps = ask("steps", changed, id="s09", key="data.input.image")
    assert [step["cached"] for step in steps] == [True, False]
    assert steps[1]["max"] == pytest.approx(2 * steps[0]["max"] / 255)


def test_steps_of_a_table_column_show_text(ask):
    (step,) = ask("steps", id="s02", key="data.gt.classification")
    assert step["text"] == "1"
    assert "picture" not in step


def test_an_unknown_key_names_the_nearest(ask):
    with pytest.raises(FuseError, match=r"did you mean 'data\.input\.image'"):
        ask("steps", id="s02", key="data.input.imag")


def test_a_preview_is_exactly_what_training_sees(ask, tiny):
    from fuse_engine.run.assembly import Assembly

    assembly = Assembly.of(tiny)
    for epoch in range(3):
        reply = ask("augment", id="s02", draw={"seed": tiny.seed, "epoch": epoch})
        trained = assembly.augmenter()(NestedDict(assembly.dataset.fixed.leaves("s02")), epoch)
        for key in ("data.input.image", "data.gt.segmentation"):
            np.testing.assert_array_equal(reply["after"][key]["array"], trained[key])
        assert reply["applied"] == trained["data.augmentation"]
        assert reply["after"]["data.gt.segmentation"]["label"]


def test_the_picture_before_augmentation_is_the_sample(ask, tiny):
    reply = ask("augment", id="s02", draw={"seed": 5, "epoch": 0})
    np.testing.assert_array_equal(
        reply["before"]["data.input.image"]["array"], ask("sample", id="s02")["image"]["array"]
    )


def test_a_sound_experiment_has_no_problems_and_a_broken_one_says_where(ask, tiny):
    assert ask("validate") == []
    place = ("losses", "cls", "CrossEntropy", "pred")
    (problem,) = ask("validate", tiny.changed(place, "model.logits.classifer"))
    assert problem["where"] == "losses.cls.CrossEntropy.pred"
    assert problem["nearest"] == "model.logits.classifier"
    assert "source" not in problem


def test_text_that_is_no_experiment_is_a_problem_too(engine, tmp_path):
    (problem,) = engine.request("validate", experiment="name: [", folder=str(tmp_path)).result(60)
    assert "YAML" in problem["message"]


def test_flow_names_shapes_makers_and_readers(ask):
    keys = {info["key"]: info for info in ask("flow")}
    assert keys["data.input.image"]["shape"] == [1, 32, 32]
    assert keys["model.logits.segmentation"]["shape"] == [2, 32, 32]
    assert keys["model.logits.classifier"]["producer"] == "model.MultiHead"
    assert "losses.cls.CrossEntropy.pred" in keys["model.logits.classifier"]["consumers"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    tiny = tiny_experiment(tmp_path_factory.mktemp("trained"))
    return process.start(tiny.changed(("training", "stages"), [{"epochs": 1}]))


def test_a_prediction_is_the_one_made_here(engine, run):
    reply = engine.request("predict", run=str(run.path), checkpoint="best", id="s02").result(60)
    here = infer.predict_one(run, "s02")
    np.testing.assert_allclose(reply["outputs"]["classifier"], here.outputs["classifier"], atol=1e-6)
    assert sum(reply["outputs"]["classifier"]) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(reply["prob"]["array"], here.prob.array, atol=1e-6)
    np.testing.assert_array_equal(reply["pred"]["array"], here.pred.array)
    assert Geometry.from_json(reply["pred"]["geometry"]) == here.image.geometry


def test_a_heatmap_says_what_one_cell_is(engine, run):
    arguments = {"run": str(run.path), "checkpoint": "best", "id": "s02", "head": "classifier"}
    one, zero = (engine.request("heatmap", **arguments, target=target).result(60) for target in (1, 0))
    assert one["heat"]["array"].shape == (1, 32, 32)
    assert (one["target"], zero["target"], len(one["cell_mm"])) == (1, 0, 2)
    assert not np.array_equal(one["heat"]["array"], zero["heat"]["array"])


def test_a_processor_whose_file_kills_the_worker_is_survived(engine, ask, tiny):
    deadly = tiny.changed(("data", "input", "image", 1), {"Deadly": {}})
    with pytest.raises(FuseError) as caught:
        ask("sample", deadly, id="s03")
    problem = caught.value.problems[0]
    assert (problem.sample, problem.got) == ("s03", str(tiny.folder / "image03.png"))
    assert "(Segmentation fault), once; it is not read any more" in problem.message
    (failed,) = command_ask(engine, "create", deadly, workers=0)["failed"]
    assert (failed["sample"], "this file ended its reader" in failed["reason"]) == ("s03", True)
    (tiny.folder / "image03.png").touch()
    assert ask("sample", id="s03")["image"]["array"].shape == (1, 32, 32)
