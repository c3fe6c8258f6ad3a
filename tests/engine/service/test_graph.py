"""The picture of an experiment that the builder draws."""

from __future__ import annotations

import pytest

from fuse_engine.core.document import dump
from fuse_engine.run.seen import Seen
from fuse_engine.service.graph import graph
from fuse_engine.service.work import Work
from fuse_engine.testing import tiny_experiment

HEAD = ("model", "MultiHead", "heads", "classifier")


@pytest.fixture
def tiny(tmp_path):
    return tiny_experiment(tmp_path / "tiny")


def ask(experiment):
    text = experiment if isinstance(experiment, str) else experiment.to_yaml()
    folder = "." if isinstance(experiment, str) else str(experiment.folder)
    return graph(Work(1, "graph", {}, lambda message: None), text, folder)


def test_a_sound_experiment_is_drawn_with_shapes_costs_and_sizes(tiny):
    found = ask(tiny)
    nodes = {node["id"]: node for node in found["nodes"]}
    edges = {(edge["from"], edge["to"]): edge for edge in found["edges"]}
    backbone, head = "model.MultiHead.backbone", "model.MultiHead.heads.classifier"
    assert found["problems"] == []
    assert edges["data.input.image", backbone]["text"] == "1 x 32 x 32"
    assert edges[backbone, head]["text"] == "512 x 4 x 4"
    assert edges["data.input.clinical", head]["shape"] == [1]
    assert edges[head, "losses.cls"]["key"] == "model.logits.classifier"
    assert (nodes[head]["title"], nodes[head]["name"]) == ("GlobalPoolingClassifier", "classifier")
    # (512 + 1) x 256 + 256 and 256 x 2 + 2 weights; a product and a sum are two operations
    assert nodes[head]["parameters"] == 513 * 256 + 256 + 256 * 2 + 2
    assert nodes[head]["flops"] == 2 * (513 * 256 + 256 * 2)
    assert found["parameters"] == found["trainable"] == sum(node["parameters"] for node in nodes.values())
    assert found["receptive_field"]["stride"] == [8.0, 8.0]
    assert found["patch"] == {"voxels": [32, 32], "mm": [32.0, 32.0], "key": "data.input.image"}


def test_keys_say_what_they_are_good_for(tiny):
    keys = {key["key"]: key for key in ask(tiny)["keys"]}
    assert {name: key["role"] for name, key in keys.items()} == {
        "data.input.image": "image", "data.input.clinical": "vector", "data.gt.classification": "truth",
        "data.gt.segmentation": "truth", "model.backbone_features": "features",
        "model.logits.classifier": "logits", "model.output.classifier": "output",
        "model.logits.segmentation": "logits", "model.output.segmentation": "output",
    }  # fmt: skip
    assert (keys["data.gt.classification"]["holds"], keys["data.gt.segmentation"]["holds"]) == (
        "classes",
        "label map",
    )
    assert keys["model.logits.classifier"]["activation"] == "softmax"


def test_a_frozen_part_is_not_trained(tiny):
    frozen = ask(tiny.changed(("training", "stages", 0, "freeze"), ["backbone"]))
    backbone = next(node for node in frozen["nodes"] if node["kind"] == "backbone")
    assert frozen["trainable"] == frozen["parameters"] - backbone["parameters"]


def test_a_wrong_wire_is_red_with_its_fix(tiny):
    found = ask(tiny.changed(("losses", "cls", "CrossEntropy", "pred"), "model.output.classifier"))
    (problem,) = found["problems"]
    assert problem["fixes"] == [{
        "title": "Use 'model.logits.classifier'", "path": ["losses", "cls", "CrossEntropy", "pred"],
        "value": "model.logits.classifier",
    }]  # fmt: skip
    (red,) = [edge for edge in found["edges"] if edge["problem"]]
    assert (red["to"], red["where"]) == ("losses.cls", problem["where"])


def test_without_samples_everything_else_is_drawn(tiny):
    for path in tiny.folder.glob("image*.png"):
        path.unlink()
    found = ask(tiny)
    assert len(found["nodes"]) == 11
    assert {edge["text"] for edge in found["edges"]} == {""}
    assert all(not key["known"] for key in found["keys"])
    assert "no file" in found["problems"][0]["message"]


def test_a_broken_backbone_leaves_the_rest(tiny):
    found = ask(tiny.changed(("model", "MultiHead", "backbone"), {"ResNt": {}}))
    nodes = {node["id"]: node for node in found["nodes"]}
    assert "unknown backbone 'ResNt'" in nodes["model.MultiHead.backbone"]["problem"]
    assert next(edge for edge in found["edges"] if edge["key"] == "data.input.image")["text"] == "1 x 32 x 32"
    assert {key["key"] for key in found["keys"] if key["known"]} >= {"data.input.image", "data.gt.segmentation"}


def test_what_is_no_experiment_is_a_problem(tiny):
    assert ask("name: [")["problems"]
    assert ask(dump({"name": "a"}))["nodes"] == []


def test_an_edit_of_the_model_reads_no_sample_again(tiny, monkeypatch):
    ask(tiny)
    monkeypatch.setattr(Seen, "of", None)
    edited = ask(tiny.changed((*HEAD, "GlobalPoolingClassifier", "layers"), [7]))
    assert next(node for node in edited["nodes"] if node["name"] == "classifier")["parameters"] == 513 * 7 + 7 + 16


def test_streams_each_have_their_inputs(tiny):
    stream = {"inputs": ["data.input.image"], "backbone": {"ResNet": {"depth": 10, "stem": "small"}}}
    heads = tiny.to_data()["model"]["MultiHead"]["heads"]
    found = ask(tiny.changed(("model",), {"Multistream": {"streams": {"a": stream, "b": stream}, "heads": heads}}))
    assert found["problems"] == []
    fed = [edge["to"] for edge in found["edges"] if edge["from"] == "data.input.image"]
    assert fed == [f"model.Multistream.streams.{name}.backbone" for name in "ab"]
    nodes = {node["id"]: node for node in found["nodes"]}
    assert all(nodes[name]["parameters"] > 0 for name in fed)
