"""`new` and `validate`."""

from __future__ import annotations

import json

import pytest

import fuse_resources
from fuse_engine.core import registry
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.folder import RunFolder


@pytest.fixture
def preset():
    return next(iter(fuse_resources.presets()))


def test_new_writes_a_preset_with_overrides(shell, preset, tmp_path):
    code, lines, errors = shell("new", preset, "mine.yaml", "--seed", "7", "--no-infer")
    assert (code, lines, errors) == (0, ["mine.yaml"], [])
    written = Experiment.load(tmp_path / "mine.yaml")
    assert (written.seed, written.run.infer) == (7, False)
    assert written.model == Experiment.from_preset(preset).model


def test_new_keeps_a_file_that_is_there(shell, preset, tmp_path):
    (tmp_path / "mine.yaml").write_text("precious", encoding="utf-8")
    code, _, errors = shell("new", preset, "mine.yaml")
    assert (code, errors) == (1, ["mine.yaml is there already; expected another name, or --force"])
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "precious"
    assert shell("new", preset, "mine.yaml", "--force")[0] == 0


def test_new_with_an_unknown_preset_lists_them(shell, preset):
    code, _, errors = shell("new", "nothing", "mine.yaml")
    assert code == 1
    assert preset in errors[0]


def test_a_sound_experiment_is_ok_and_says_what_it_is(shell, tiny):
    code, lines, errors = shell("validate", tiny)
    assert (code, errors) == (0, [])
    assert lines == ["ok: tiny: 16 samples (8 train, 4 validation, 4 test), MultiHead, cls, seg, 2 epochs"]


def test_validate_and_train_say_what_is_odd_about_the_samples(shell, tiny):
    folder = tiny.parent
    for number in range(5):
        (folder / f"mask9{number}.png").write_bytes((folder / "mask00.png").read_bytes())
    (folder / "out.csv").write_text("id,reason\n01,blurred\nx7,\nx8,\n", encoding="utf-8")
    text = tiny.read_text(encoding="utf-8")
    folder_source = 'Folder: {path: ., files: {image: "image{id}.png", mask: "mask{id}.png"}}'
    text = text.replace("Table: {path: cohort.csv, group: patient}", folder_source).replace(
        "stratify: finding, ", ""
    )
    text = text.replace("Columns: {names: [age], normalize: true}", "Columns: {names: [id]}")
    text = text.replace("Label: {column: finding, classes: [normal, positive]}", "RandomLabel: {classes: 2}")
    tiny.write_text(text, encoding="utf-8")
    words = (tiny, "--data.excluded", "out.csv", "--data.batch.balance", "null")
    told = [
        "warning: data.source: Unmatched files (5): 'mask90.png' has no image; 'mask91.png' has no image; "
        "'mask92.png' has no image; and 2 more",
        "warning: data.excluded: 2 excluded samples are not in the source: x7, x8",
    ]
    code, _, errors = shell("validate", *words)
    assert (code, errors) == (0, told)
    reply = json.loads("\n".join(shell("validate", *words, "--json")[1]))
    assert [found["where"] for found in reply["warnings"]] == ["data.source", "data.excluded"]
    code, lines, errors = shell("train", *words, "--losses.cls.CrossEntropy.pred", "model.logits.nobody")
    assert (code, lines, errors[-2:]) == (1, [], told)
    code, lines, _ = shell("train", *words, "--training.stages.0.epochs", "1")
    assert (code, [line for line in lines if line.startswith("warning")]) == (0, told)
    run = RunFolder(next(line for line in lines if "runs" in line))
    assert [f"warning: {event['message']}" for event in run.events()[0] if event["kind"] == "warning"] == told


def test_every_problem_has_its_file_and_line(shell, tiny):
    text = tiny.read_text(encoding="utf-8").replace("depth: 10", "depht: 10").replace("Flip:", "Filp:")
    tiny.write_text(text, encoding="utf-8")
    code, lines, errors = shell("validate", tiny)
    assert (code, lines) == (1, [])
    numbers = {word: 1 + [word in line for line in text.splitlines()].index(True) for word in ("Filp", "depht")}
    assert any(
        line.startswith(f"tiny.yaml:{numbers['Filp']}: ") and "did you mean 'Flip'?" in line for line in errors
    )
    assert any(line.startswith(f"tiny.yaml:{numbers['depht']}: ") and "'depth'?" in line for line in errors)


def test_an_override_that_does_not_fit_names_the_option_and_the_nearest(shell, tiny):
    code, _, errors = shell("validate", tiny, "--sed", "3")
    assert code == 1
    assert errors[0].startswith("command line '--sed 3': no setting 'sed'")
    assert "did you mean 'seed'?" in errors[0]


def test_validate_for_scripts(shell, tiny):
    code, lines, _ = shell("validate", tiny, "--json", "--losses.cls.CrossEntropy.pred", "model.logits.nobody")
    reply = json.loads("\n".join(lines))
    assert (code, reply["ok"], reply["summary"]) == (1, False, "")
    assert reply["problems"][0]["where"] == "losses.cls.CrossEntropy.pred"


def test_a_component_file_is_used_when_it_is_named(shell, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, "")
    monkeypatch.setitem(registry._components, "loss", dict(registry.every("loss")))
    loss = '''
from fuse_engine import Key, Loss, register

@register
class Shyness(Loss):
    """The mean of what is predicted."""

    pred: Key

    def __call__(self, pred):
        return pred.mean()
'''
    (tmp_path / "shy.py").write_text(loss, encoding="utf-8")
    override = ("--losses.shy", "{Shyness: {pred: model.logits.classifier}}")
    assert "unknown loss 'Shyness'" in shell("validate", tiny, *override)[2][0]
    code, lines, errors = shell("validate", tiny, "--components", "shy.py", *override)
    assert (code, errors) == (0, [])
    assert "cls, seg, shy" in lines[0]


def test_a_file_that_is_not_there(shell):
    code, _, errors = shell("validate", "nowhere.yaml")
    assert (code, errors) == (1, ["cannot read nowhere.yaml; got No such file or directory"])
