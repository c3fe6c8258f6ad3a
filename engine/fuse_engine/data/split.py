"""Divides the samples into folds, and the folds into training, validation and test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fuse_engine.core.errors import FuseError, SampleError, nearest
from fuse_engine.core.random import stream
from fuse_engine.core.sections import Split
from fuse_engine.data.source import Cohort


@dataclass(frozen=True)
class Folds:
    """Ids of each part in the order of the source, and the fold of every sample."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    fold_of: Mapping[str, str]

    @property
    def part_of(self) -> dict[str, str]:
        """The part of every sample by id: train, validation or test; samples in none are absent."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for part, ids in parts.items() for name in ids}


def make_folds(cohort: Cohort, split: Split, seed: int) -> Folds:
    """Divide a cohort; the source's fold column counts where it has one, else folds are made.

    Folds that no list of `split` names are used for training, except that the validation falls back to the folds
    called val..., else to the first of several not called train..., and the test to those called test...; in
    names, capital letters make no difference.

    Raises:
        SampleError: for a sample without a group or fold.
        FuseError: for a group in two folds, an unknown fold or one with two uses, too few groups, or no training.
    """
    groups = _groups(cohort, split)
    if cohort.fold_column:
        fold_of = _named(cohort, cohort.fold_column, "fold")
        _refuse_leaks(fold_of, groups)
    else:
        classes = cohort.column(split.stratify, "the stratify column") if split.stratify else [""] * len(cohort)
        fold_of = _stratified(groups, dict(zip(cohort.ids, classes, strict=True)), split.folds, seed)
    uses = _uses(split, sorted(set(fold_of.values()), key=_natural))
    parts = {use: tuple(name for name in cohort.ids if uses[fold_of[name]] == use) for use in _USES}
    if not parts["train"]:
        raise FuseError("no sample is left for training", where="data.split")
    return Folds(parts["train"], parts["validation"], parts["test"], fold_of)


_USES = ("train", "validation", "test")


def _groups(cohort: Cohort, split: Split) -> dict[str, str]:
    column = split.group or cohort.group_column
    if column is None:
        return {name: name for name in cohort.ids}
    return _named(cohort, column, "group")


def _named(cohort: Cohort, column: str, role: str) -> dict[str, str]:
    named = dict(zip(cohort.ids, cohort.column(column, f"the {role} column"), strict=True))
    for name, text in named.items():
        if not text:
            raise SampleError(f"column '{column}' names no {role}", sample=name)
    return named


def _refuse_leaks(fold_of: Mapping[str, str], groups: Mapping[str, str]) -> None:
    first: dict[str, str] = {}
    for name, group in groups.items():
        other = first.setdefault(group, name)
        if fold_of[other] != fold_of[name]:
            raise FuseError(
                f"the group '{group}' is in two folds",
                expected="all samples of a group in one",
                got=f"'{other}' in '{fold_of[other]}', '{name}' in '{fold_of[name]}'",
            )


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)


def _stratified(groups: Mapping[str, str], classes: Mapping[str, str], folds: int, seed: int) -> dict[str, str]:
    """Give each group, the largest and rarest first, to the fold that has least of its classes, then of all."""
    counts: dict[str, Counter[str]] = {}
    for name, group in groups.items():
        counts.setdefault(group, Counter())[classes[name]] += 1
    if len(counts) < folds:
        raise FuseError(f"{len(counts)} groups cannot fill {folds} folds", where="data.split.folds")
    totals = Counter(classes[name] for name in groups)
    names = sorted(counts)
    stream(seed, "folds").shuffle(names)
    order = sorted(names, key=lambda group: _priority(counts[group], totals))
    held: list[Counter[str]] = [Counter() for _ in range(folds)]
    fold_of_group: dict[str, str] = {}
    for group in order:
        fold = min(range(folds), key=lambda index: _cost(held[index], counts[group], totals))
        held[fold].update(counts[group])
        fold_of_group[group] = str(fold)
    return {name: fold_of_group[group] for name, group in groups.items()}


def _priority(count: Counter[str], totals: Counter[str]) -> tuple[int, int, str]:
    rarest = min(count, key=lambda name: (totals[name], name))
    return (-count.total(), totals[rarest], rarest)


def _cost(held: Counter[str], new: Counter[str], totals: Counter[str]) -> tuple[float, int]:
    """Return by how much the squares of the class shares grow, and the fold's size."""
    growth = sum(((held[name] + n) ** 2 - held[name] ** 2) / totals[name] ** 2 for name, n in new.items())
    return (round(growth, 12), held.total())


def _uses(split: Split, folds: Sequence[str]) -> dict[str, str]:
    """Return what each fold is used for."""
    uses: dict[str, str] = {}
    for use, names in (("test", split.test), ("validation", split.validation or []), ("train", split.train or [])):
        for name in names:
            _use(uses, name, use, folds)
    if not split.test:
        uses = {**dict.fromkeys(_called("test", folds), "test"), **uses}
    free = [name for name in folds if name not in uses]
    if split.validation is None:
        others = [name for name in free if name not in _called("train", free)]
        uses.update(dict.fromkeys(_called("val", free) or others[: len(free) > 1], "validation"))
    for name in folds:
        uses.setdefault(name, "train" if split.train is None else "unused")
    return uses


def _called(start: str, folds: Sequence[str]) -> list[str]:
    return [name for name in folds if name.lower().startswith(start)]


def _use(uses: dict[str, str], name: str, use: str, folds: Sequence[str]) -> None:
    where = f"data.split.{use}"
    if name not in folds:
        raise FuseError(
            f"no fold '{name}'", where=where, expected=f"one of {', '.join(folds)}", nearest=nearest(name, folds)
        )
    if name in uses:
        raise FuseError(f"fold '{name}' is used twice", where=where, got=f"{uses[name]} and {use}")
    uses[name] = use
