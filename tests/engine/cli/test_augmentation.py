"""Ready augmentations, those of other programs, and what a run trained on, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from fuse_engine.core import document


def test_presets_are_listed_and_printed_for_an_experiment(shell, tiny):
    code, lines, _ = shell("augmentation")
    assert code == 0
    assert [line.split("\t")[0] for line in lines] == ["fusemedml", "innereye", "nnunet", "none"]
    assert all(len(line.split("\t")) == 3 for line in lines)
    code, lines, errors = shell("augmentation", "fusemedml", "--experiment", tiny)
    assert (code, errors) == (0, [])
    steps = document.parse("\n".join(lines)).data["augmentation"]
    affine = steps[0]["Sequential"]["steps"][0]["Affine"]
    assert affine["keys"] == ["data.input.image", "data.gt.segmentation"]
    assert affine["rotate"] == ["-30", "30"]
    code, _, errors = shell("augmentation", "fusemdml")
    assert code == 1
    assert "did you mean 'fusemedml'" in errors[0]


def test_a_musket_configuration_is_printed_as_a_section_and_warned_of(shell):
    Path("config.yaml").write_text("augmentation:\n  Fliplr: 0.5\n  Affine: {rotate: [-16, 16]}\n  Rain: 1\n")
    code, lines, errors = shell("import-augmentation", "config.yaml", "--label", "data.gt.mask")
    assert code == 0
    steps = document.parse("\n".join(lines)).data["augmentation"]
    assert steps[1] == {"Affine": {"keys": ["data.input.image", "data.gt.mask"], "rotate": ["-16", "16"]}}
    assert len(errors) == 2
    assert "'rotate' is read as the range from -16 to 16; of a list imgaug takes -16 or 16" in errors[0]
    assert "'Rain' is not translated" in errors[1]
    assert shell("import-augmentation", "nothing.yaml")[0] == 1


def test_a_replay_says_what_is_missing_and_what_was_drawn(shell, tiny):
    words = ["train", tiny, "--training.stages", "[{epochs: 1}]", "--no-infer", "--json"]
    code, _, errors = shell(*words)
    assert code == 0, errors
    (run,), name = (tiny.parent / "runs").glob("*/*"), "s00"
    code, lines, errors = shell("replay", run, "--epoch", "0", "--sample", name, "--out", "a.nii.gz", "--json")
    assert code == 0, errors
    reply = json.loads("\n".join(lines))
    assert (reply["file"], [item["name"] for item in reply["applied"]]) == ("a.nii.gz", ["Flip", "GaussianNoise"])
    assert reply["trained"] == (not any("was in no batch" in line for line in errors))
    assert Path("a.nii.gz").stat().st_size > 0
    code, _, errors = shell("replay", run, "--epoch", "9", "--sample", name, "--out", "b.nii.gz")
    assert (code, errors) == (1, ["epoch: there is no epoch 9; expected 0 to 0"])
    assert not Path("b.nii.gz").exists()
