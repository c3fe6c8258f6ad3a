from __future__ import annotations

from pathlib import Path

import pytest

import fuse_resources
from fuse_engine.core import experiment as module
from fuse_engine.core.document import parse
from fuse_engine.core.errors import ExperimentError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component, resolve
from fuse_engine.core.sections import Spec

TEXT = """
name: a cohort
data:
  source: {Table: {path: cohort.csv}}
  input:
    image:
      - LoadImage: {column: image}
      - Resize: {size: [8, 8]}
model:
  MultiHead: {backbone: {ResNet: {depth: 18}}}
training:
  optimizer: {Adam: {lr: 1e-4}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "exp.yaml"
    file.write_text(TEXT)
    return file


def test_saving_keeps_the_meaning(path: Path, tmp_path: Path) -> None:
    experiment = Experiment.load(path)
    experiment.save(tmp_path / "again.yaml")
    assert Experiment.load(tmp_path / "again.yaml") == experiment


@pytest.mark.parametrize(
    ("name", "kept"), [("NO", "NO"), ("'012'", "012"), ("1e5", "1e5"), ("on", "on"), ("2024-01-01", "2024-01-01")]
)
def test_text_stays_text(path: Path, name: str, kept: str) -> None:
    path.write_text(TEXT.replace("name: a cohort", f"name: {name}"))
    experiment = Experiment.load(path)
    assert experiment.name == kept
    assert Experiment.from_text(experiment.to_yaml()).name == kept


def test_extends_merges_mappings_replaces_lists_and_other_components(path: Path) -> None:
    child = path.with_name("child.yaml")
    child.write_text(
        "extends: exp.yaml\ndata: {input: {image: [{LoadImage: {column: scan}}]}}\n"
        "training: {optimizer: {SGD: {momentum: 0.9}}}\nmodel: {MultiHead: {backbone: {ResNet: {depth: 50}}}}\n"
    )
    experiment = Experiment.load(child)
    assert [step.args for step in experiment.data.input["image"]] == [{"column": "scan"}]
    assert experiment.training.optimizer.name == "SGD"
    assert "lr" not in experiment.training.optimizer.args
    assert experiment.model.args == {"backbone": {"ResNet": {"depth": "50"}}}
    assert experiment.name == "a cohort"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: nothing.yaml", r"child.yaml:1: extends: nothing to extend called 'nothing.yaml'"),
        ("extends: ../secret.yaml", r"child.yaml:1: extends: '../secret.yaml' is outside"),
        ("extends: child.yaml", "comes back to a file it started from"),
    ],
)
def test_extends_refuses(path: Path, text: str, message: str) -> None:
    child = path.with_name("child.yaml")
    child.write_text(text)
    with pytest.raises(ExperimentError, match=message):
        Experiment.load(child)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name:", "nmae:"), r"exp.yaml:2: nmae: unknown field 'nmae'.*did you mean 'name'"),
        (("name: a cohort", "seed: many"), r"exp.yaml:2: seed: expected a whole number; got 'many'"),
        (("name: a cohort", "name: a\nname: b"), r"exp.yaml:3: 'name' is given twice"),
        (("name: a cohort", "name: !!python/name:os.system x"), r"exp.yaml:2: the tag .* is not allowed"),
        (("name: a cohort", "name: &a x\nseed: *a"), "YAML aliases are not allowed"),
        (
            ("optimizer: {Adam: {lr: 1e-4}}", "optimizer: {Adam: {}, SGD: {}}"),
            r"exp.yaml:12: training.optimizer: not a c",
        ),
        (("name: a cohort", "schema: 99"), "written by a newer program; expected at most 1; got 99"),
        (("name: a cohort", "name: [1"), r"exp.yaml:\d+: not readable as YAML"),
    ],
)
def test_a_wrong_file_says_what_where_and_the_nearest(path: Path, change: tuple[str, str], message: str) -> None:
    path.write_text(TEXT.replace(*change))
    with pytest.raises(ExperimentError, match=message):
        Experiment.load(path)


def test_deep_nesting_is_refused_not_a_crash(path: Path) -> None:
    path.write_text("name: " + "[" * 5000)
    with pytest.raises(ExperimentError, match="nested too deeply"):
        Experiment.load(path)


@pytest.mark.parametrize(
    ("words", "train"),
    [
        (["--no-train"], False), (["--train=Off"], False), (["--train=f"], False), (["--train", "No"], False),
        (["--train=0"], False), (["--train"], True), (["--train=yes"], True),
        (["--run.train=T"], True), ([], True),
    ],
)  # fmt: skip
def test_boolean_spellings_of_the_command_line(path: Path, words: list[str], train: bool) -> None:
    assert Experiment.load(path, words).run.train is train


def test_overrides_reach_into_components(path: Path) -> None:
    words = ["--training.optimizer.Adam.lr", "3e-4", "--data.input.image.1.Resize.size=[16, 16]", "--seed=5"]
    experiment = Experiment.load(path, words)
    assert experiment.training.optimizer.args["lr"] == "3e-4"
    assert experiment.data.input["image"][1].args["size"] == ["16", "16"]
    assert experiment.seed == 5


def test_an_override_of_another_component_replaces_it(path: Path) -> None:
    optimizer = Experiment.load(path, ["--training.optimizer.SGD.momentum=0.9"]).training.optimizer
    assert (optimizer.name, optimizer.args) == ("SGD", {"momentum": "0.9"})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--no-trian", r"command line '--no-trian': no setting 'no_trian'.*did you mean 'train'"),
        ("--seed=x", "command line '--seed=x': seed: expected a whole number"),
        ("--augmentation.3.Affine.p=1", r"command line '--augmentation.3.*does not exist"),
        ("--no-train=1", "takes no value"),
        ("seed", "'seed' is no option"),
    ],
)
def test_a_wrong_override_is_named(path: Path, word: str, message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        Experiment.load(path, [word])


def test_an_old_schema_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(data: dict[str, object]) -> dict[str, object]:
        return {("name" if key == "title" else key): value for key, value in data.items()}

    monkeypatch.setitem(module.MIGRATIONS, 0, rename)
    path.write_text(TEXT.replace("name: a cohort", "schema: 0\ntitle: old"))
    experiment = Experiment.load(path)
    assert (experiment.name, experiment.schema_version) == ("old", module.SCHEMA)


def test_changed_edits_one_place_and_keeps_the_rest(path: Path) -> None:
    before = Experiment.load(path)
    after = before.changed(("data", "input", "image", 2), {"Normalize": {}})
    assert [step.name for step in after.data.input["image"]] == ["LoadImage", "Resize", "Normalize"]
    assert after.changed(("data", "input", "image", 2), None) == before
    with pytest.raises(ExperimentError, match="seed"):
        before.changed(("seed",), "many")


def test_numbers_and_their_text_are_one_experiment(path: Path, tmp_path: Path) -> None:
    experiment = Experiment.load(path)
    numbers = experiment.changed(("training", "optimizer"), {"Adam": {"lr": 1e-4}}).changed(("seed",), 7)
    numbers.save(tmp_path / "resolved.yaml")
    assert Experiment.load(tmp_path / "resolved.yaml") == numbers
    assert numbers != experiment.changed(("seed",), 99)


@pytest.mark.parametrize("preset", sorted(fuse_resources.presets()))
def test_every_preset_survives_saving_with_all_its_components(preset: str, tmp_path: Path) -> None:
    experiment = Experiment.from_preset(preset)
    experiment.save(tmp_path / "saved.yaml")
    before, after = (resolve(item).resolved() for item in (experiment, Experiment.load(tmp_path / "saved.yaml")))
    assert after.to_data() == before.to_data()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("Resize: {size: [4]}", "size: expected at least 2 entries; got ['4']"),
        ("Resize: {size: 4}", "size: expected a list such as [a, b]; got '4'"),
        ("IntensityWindow: {window: [1]}", "window.1: number 2 is missing"),
        ("LoadImage: {label: perhaps}", "label: expected true or false; got 'perhaps'"),
    ],
)
def test_wrong_arguments_are_told_in_plain_words(path: Path, arguments: str, message: str) -> None:
    experiment = Experiment.load(path).changed(("data", "input", "image"), [parse(arguments).data])
    with pytest.raises(ExperimentError) as caught:
        resolve(experiment)
    assert str(caught.value.problems[0]).endswith(message)


def test_a_field_of_several_kinds_is_one_problem() -> None:
    wrong = Spec(name="SegmentationCrossEntropy", args={"pred": "a.b", "target": "a.c", "class_weights": "ip"})
    with pytest.raises(ExperimentError) as caught:
        component("loss", wrong, ("losses", "seg"), Experiment.from_preset("mammography"))
    (problem,) = caught.value.problems
    assert problem.where == "losses.seg.SegmentationCrossEntropy.class_weights"
    assert problem.message == "expected 'ipw' or a list such as [a, b]"


def test_an_override_that_is_no_yaml_is_named(path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"^command line '--data.split.test \[1': not readable as YAML"):
        Experiment.load(path, ["--data.split.test", "[1"])
