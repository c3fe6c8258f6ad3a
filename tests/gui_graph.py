"""Answers of the engine about a model with two heads: the drawing, and one step that was tried."""

from __future__ import annotations

from typing import Any

HEADS = {"classifier": ([2], "2"), "segmentation": ([2, 256, 256], "2 x 256 x 256")}
TRUTHS = {"classification": ([], "1"), "segmentation": ([1, 256, 256], "1 x 256 x 256")}
LOSSES = {"cls": ("CrossEntropy", "classifier", "classification"),
          "seg": ("SegmentationCrossEntropy", "segmentation", "segmentation")}  # fmt: skip
METRICS = {
    "auc": ("AUC", "classifier", "classification"), "accuracy": ("Accuracy", "classifier", "classification"),
    "iou": ("IoU", "segmentation", "segmentation"),
}  # fmt: skip
KEYS = {
    "data.input.image": ([1, 256, 256], "float32", "image"), "data.input.clinical": ([2], "float32", "vector"),
    "data.gt.classification": ([], "int64", "truth"), "data.gt.segmentation": ([1, 256, 256], "uint8", "truth"),
    "model.logits.classifier": ([2], "float32", "logits"), "model.output.classifier": ([2], "float32", "output"),
    "model.logits.segmentation": ([2, 256, 256], "float32", "logits"),
    "model.output.segmentation": ([2, 256, 256], "float32", "output"),
}  # fmt: skip
SIZE = {"voxels": [435, 435], "mm": [200.0, 210.0], "stride": [32, 32]}
FIX = {"title": "Give classifier 3 classes", "value": "3",
       "path": ["model", "MultiHead", "heads", "classifier", "GlobalPoolingClassifier", "classes"]}  # fmt: skip
WRONG = "head 'classifier' gives 2 classes, data.gt.classification has 3"


def node(ident: str, kind: str, place: str, title: str, **more: Any) -> dict[str, Any]:
    found = {"id": ident, "kind": kind, "place": place, "title": title, "name": place.rpartition(".")[2]}
    return {**found, "parameters": 0, "flops": None, "problem": "", **more}


def edge(start: str, end: str, key: str, shape: list[int], text: str, problem: str = "") -> dict[str, Any]:
    return {"from": start, "to": end, "key": key, "shape": shape, "text": text, "problem": problem}


def graph(wrong: bool = False, **_: Any) -> dict[str, Any]:
    """Return the drawing of the preset mammography; with one wrong edge."""
    nodes = [node(f"data.input.{name}", "input", f"data.input.{name}", text)
             for name, text in (("image", "image"), ("clinical", "clinical"))]  # fmt: skip
    nodes += [node(f"data.gt.{name}", "truth", f"data.gt.{name}", name) for name in TRUTHS]
    backbone = node("backbone", "backbone", "model.MultiHead.backbone", "ResNet", name="")
    nodes.append({**backbone, "parameters": 11_170_240, "flops": 2_368_000_000})
    titles = {"classifier": "GlobalPoolingClassifier", "segmentation": "DenseSegmentation"}
    nodes += [
        node(head, "head", f"model.MultiHead.heads.{head}", titles[head], parameters=99_000) for head in HEADS
    ]
    edges = [edge("data.input.image", "backbone", "data.input.image", [1, 256, 256], "1 x 256 x 256"),
             edge("data.input.clinical", "classifier", "data.input.clinical", [2], "2")]  # fmt: skip
    features = "model.backbone_features"
    edges += [edge("backbone", head, features, [512, 8, 8], "512 x 8 x 8") for head in HEADS]
    for part, kind, group in (("losses", "loss", LOSSES), ("metrics", "metric", METRICS)):
        for name, (title, head, truth) in group.items():
            problem = WRONG if wrong and name == "cls" else ""
            nodes.append(node(f"{part}.{name}", kind, f"{part}.{name}", title, problem=problem))
            what = "logits" if kind == "loss" else "output"
            edges.append(edge(head, f"{part}.{name}", f"model.{what}.{head}", *HEADS[head], problem))
            edges.append(edge(f"data.gt.{truth}", f"{part}.{name}", f"data.gt.{truth}", *TRUTHS[truth]))
    found = {"message": WRONG, "where": "losses.cls.CrossEntropy.target", "fixes": [FIX]}
    keys = [
        {"key": key, "shape": shape, "dtype": dtype, "role": role} for key, (shape, dtype, role) in KEYS.items()
    ]
    return {
        "nodes": nodes, "edges": edges, "problems": [found] if wrong else [], "parameters": 11_368_240,
        "trainable": 11_368_240, "flops": 2_400_000_000, "receptive_field": SIZE, "patch": None, "keys": keys,
        "ms": 12.0,
    }  # fmt: skip


PREFLIGHT: dict[str, Any] = {
    "seconds_per_step": 1.25, "peak_bytes": 3 * 2**29, "device": "cpu", "samples_per_second": 12.8,
    "eta_seconds": 5400.0, "loading_share": 0.31, "first_loss": {"cls": 0.71, "seg": 2.4},
    "chance": {"cls": 0.693, "seg": 0.693}, "gradient_share": {"cls": 0.2, "seg": 0.8},
    "heads_share": {"classifier": 0.2, "segmentation": 0.8},
    "cosine": [{"a": "cls", "b": "seg", "value": -0.3}], "notes": ["seg begins far above chance"], "fits": True,
    "proposal": {"title": "A batch of 8 fits as well", "fixes": [
        {"title": "batch of 8", "path": ["data", "batch", "size"], "value": "8"}]},
}  # fmt: skip
