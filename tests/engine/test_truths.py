"""What the truths hold that losses, metrics and heads work on, as the catalogue says it."""

from __future__ import annotations

import pytest

from fuse_engine.core.catalog import Catalog, catalog

ANY = {"Composite", "LossFunction"}
"""What their truth holds depends on the losses that they are given by name."""


@pytest.fixture(scope="module")
def found() -> Catalog:
    return catalog()


def test_every_truth_of_a_loss_or_metric_says_what_it_holds(found: Catalog) -> None:
    for kind in ("loss", "metric"):
        for entry in found.of(kind).values():
            silent = [field.name for field in entry.fields if field.role == "truth" and not field.holds]
            assert bool(silent) == (entry.name in ANY), f"{entry.name}: {silent}"


def test_every_head_says_what_its_truth_holds(found: Catalog) -> None:
    assert {entry.name for entry in found.of("head").values() if not entry.holds} == set()


@pytest.mark.parametrize(
    ("kind", "name", "field", "holds"),
    [
        ("loss", "CrossEntropy", "target", "classes"), ("loss", "Lovasz", "target", "label map"),
        ("loss", "Cox", "time", "numbers"), ("metric", "HD95", "target", "label map"),
        ("metric", "CIndex", "event", "classes"), ("metric", "BoxDetection", "target", "boxes"),
        ("metric", "Sensitivity", "target", "classes"), ("metric", "R2", "target", "numbers"),
    ],
)  # fmt: skip
def test_the_usual_truth_comes_first(found: Catalog, kind: str, name: str, field: str, holds: str) -> None:
    fields = {spec.name: spec for spec in found.of(kind)[name].fields}
    assert fields[field].holds[0] == holds
