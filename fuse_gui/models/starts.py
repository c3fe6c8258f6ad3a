"""What a part starts with when it is added: keys that fit its roles and each other, classes of its truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Any

from fuse_engine.core.catalog import Entry, FieldSpec
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.heads import class_names, heads
from fuse_gui.models.key_facts import KeyFact

PREDICTED = ("logits", "output")
COUNTS = ("classes", "labels")
"""Fields of a head or model that count what it tells apart."""
NAMES = "names"
"""The field of a metric with the names of the classes."""


def class_count(experiment: Experiment, truth: KeyFact) -> int:
    """Return how many classes a truth has, as its steps say; 2 where they do not."""
    name = truth.key.removeprefix("data.gt.")
    counts = [len(class_names(experiment, name))]
    for step in experiment.data.gt.get(name, []):
        values = step.args.get("values")
        counts.append(len(values) if isinstance(values, list | dict) else 0)
    return max(*counts, 2)


def truth_kind(experiment: Experiment, fact: KeyFact) -> str:
    """Return what a truth holds, a `Holding` of keys; by its steps where the engine has not said it."""
    named = class_names(experiment, fact.name)
    if named and fact.shape == (len(named),):
        return "labels"
    if fact.holds:
        return fact.holds
    if named:
        return "classes"
    if fact.spatial is None or fact.spatial:
        return "label map"
    return "classes" if fact.dtype.startswith(("int", "uint")) else "numbers"


class Starts:
    """Fills in a part that is added to an experiment."""

    def __init__(self, experiment: Experiment, facts: Mapping[str, KeyFact]) -> None:
        """Take the experiment, and what is known of its keys."""
        self._experiment, self._facts = experiment, facts

    def of(self, entry: Entry) -> dict[str, Any]:
        """Return the arguments that a component starts with besides its defaults."""
        if entry.kind in ("loss", "metric"):
            return self._compared(entry)
        if entry.kind == "head" or entry.holds:
            return self._answering(entry)
        return self._keys(entry) if entry.kind in ("model", "backbone", "network") else {}

    def _compared(self, entry: Entry) -> dict[str, Any]:
        """Return the prediction and the truth that fit each other best, and what else is needed."""
        fields = {field.role: field for field in entry.fields if field.kind == "key" and field.required}
        pred = next((fields[role] for role in PREDICTED if role in fields), None)
        if pred is None or "truth" not in fields:
            return self._keys(entry)
        holds = fields["truth"].holds
        pairs = list(product(self._fitting(pred), self._fitting(fields["truth"])))
        best = max(pairs, key=lambda pair: self._merit(entry, holds, *pair), default=None)
        if best is None:
            return self._keys(entry)
        chosen = {pred.name: best[0].key, fields["truth"].name: best[1].key}
        return {**self._keys(entry), **chosen, **self._names(entry, *best)}

    def _merit(self, entry: Entry, holds: Collection[str], pred: KeyFact, truth: KeyFact) -> int:
        merit = 5 * (heads(self._experiment).get(pred.name) == truth.key) + 3 * (pred.name == truth.name)
        if pred.spatial is not None and truth.spatial is not None and pred.spatial != truth.spatial:
            merit -= 20
        merit += 8 * (truth_kind(self._experiment, truth) in holds)
        if pred.shape:
            merit += 2 * (pred.shape[0] == class_count(self._experiment, truth))
        section = self._experiment.losses if entry.kind == "loss" else self._experiment.metrics
        same = [spec for spec in section.values() if spec.name == entry.name]
        return merit - 2 * any(pred.key in spec.args.values() for spec in same)

    def _names(self, entry: Entry, pred: KeyFact, truth: KeyFact) -> dict[str, Any]:
        """Return the names of the classes where a metric takes them and the head tells as many apart."""
        found = class_names(self._experiment, truth.name)
        takes = any(field.name == NAMES and field.kind == "list" for field in entry.fields)
        return {NAMES: list(found)} if takes and pred.shape and pred.shape[0] == len(found) else {}

    def _answering(self, entry: Entry) -> dict[str, Any]:
        found = self._keys(entry)
        truth = self.truth_for(entry)
        for field in entry.fields:
            if field.name in COUNTS and field.kind == "int" and truth is not None:
                found[field.name] = class_count(self._experiment, truth)
        return found

    def truth_for(self, entry: Entry) -> KeyFact | None:
        """Return the truth that a new head is likely for: of its kind, and one that no head is compared with."""
        covered = set(heads(self._experiment).values())
        truths = [fact for fact in self._facts.values() if fact.fits("truth")]

        def merit(fact: KeyFact) -> int:
            return 2 * (truth_kind(self._experiment, fact) in entry.holds) + (fact.key not in covered)

        return max(truths, key=merit, default=None)

    def _keys(self, entry: Entry) -> dict[str, Any]:
        """Return a key for every field that needs one."""
        found: dict[str, Any] = {}
        for field in entry.fields:
            if not field.required:
                continue
            item = field.item if field.kind == "list" and field.item else field
            fitting = self._fitting(item) if item.kind == "key" else []
            if fitting:
                found[field.name] = [fitting[0].key] if field.kind == "list" else fitting[0].key
        return found

    def _fitting(self, field: FieldSpec) -> Sequence[KeyFact]:
        """Return the keys that a field can mean, truths of the kind it wants first."""
        found = [fact for fact in self._facts.values() if fact.fits(field.role, field.holds)]
        return sorted(found, key=lambda fact: truth_kind(self._experiment, fact) not in field.holds)
