"""Divides the samples into folds, and the folds into training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError, Problem, nearest
from fuse_engine.core.random import stream
from fuse_engine.core.sections import Split
from fuse_engine.data.source import Coded, Cohort
from fuse_engine.data.split.dealing import deal, fill_empty
from fuse_engine.data.split.folds import PARTS, Folds
from fuse_engine.data.split.innereye import innereye_folds
from fuse_engine.data.split.musket import musket_folds
from fuse_engine.data.split.ready import (
    Ints,
    compact,
    group_codes,
    is_one_of,
    listed,
    named_codes,
    refuse_leaks,
    sorted_codes,
)
from fuse_engine.data.split.restrict import restrict
from fuse_engine.data.split.saved import reused_folds

FOLDS = 5
"""Folds to make where nothing says how many."""


def make_folds(cohort: Cohort, split: Split, seed: int, folder: Path | None = None) -> Folds:
    """Divide a cohort as another run did, or by the source's fold column where it has one, else make folds.

    Folds that no list of `split` names are used for training, except that the validation falls back to the folds
    called val..., else to the first of several not called train..., and the test to those called test...; in
    names, capital letters make no difference. `folder` is what lists in files and saved splits start from. What
    the fold column makes useless is among the remarks.

    Raises:
        SampleError: for a sample without a group or fold.
        FuseError: for a group in two folds, an unknown fold or one with two uses, too few groups, no training, or
            a saved split of other samples.
    """
    groups = group_codes(cohort, split)
    if split.saved is not None:
        return reused_folds(cohort, split.saved, groups, folder)
    fold, names = _divided(cohort, split, seed, groups, folder)
    whole = "all samples of a group in one"
    if split.like == "musket":
        whole = "no groups, which Musket does not keep together"
    refuse_leaks(cohort, fold, names, groups, whole)
    there = np.bincount(fold[fold >= 0], minlength=len(names)) > 0
    uses = _uses(split, sorted((name for name, any_ in zip(names, there, strict=True) if any_), key=_natural))
    part_of = np.asarray([PARTS.index(uses.get(name, "unused")) for name in names] + [3], np.int8)
    parts = part_of[fold]
    if split.restrict_subjects:
        parts = restrict(parts, groups, split.restrict_subjects)
    if not (parts == 0).any():
        raise FuseError("no sample is left for training", where="data.split")
    return Folds(cohort, parts, fold, tuple(names), _useless(split, cohort.fold_column))


def _divided(
    cohort: Cohort, split: Split, seed: int, groups: Coded, folder: Path | None
) -> tuple[NDArray[np.int32], list[str]]:
    """Return the fold of each sample, -1 for none, and the names of the folds."""
    if cohort.fold_column:
        _refuse_beside_column(split, cohort.fold_column)
        coded = named_codes(cohort, cohort.fold_column, "fold")
        return coded.codes, coded.texts
    lists = listed(cohort, split, groups, folder)
    institutions = named_codes(cohort, split.institution, "institution") if split.institution else None
    kinds = cohort.codes(split.stratify, "the stratify column") if split.stratify else None
    if split.like == "musket":
        return musket_folds(split, sorted_codes(kinds) if kinds else None, len(cohort))
    if split.like == "innereye":
        grouped = bool(split.group or cohort.group_column)
        return innereye_folds(split, groups, institutions, lists, grouped)
    return _Own(split, seed, groups, kinds).divide(lists, institutions)


def _refuse_beside_column(split: Split, column: str) -> None:
    for name in ("shares", "holdout", "lists", "institution", "like"):
        if getattr(split, name):
            raise FuseError(
                f"the source's fold column '{column}' already divides the samples", where=f"data.split.{name}",
                expected=f"a source without a fold column, or a split without {name}",
            )  # fmt: skip


def _useless(split: Split, column: str | None) -> tuple[Problem, ...]:
    """Return what `split` says that makes no difference, as the fold column divides the samples."""
    given = [name for name in ("folds", "stratify", "seed") if column and getattr(split, name) is not None]
    told = f"not used: the source's fold column '{column}' already divides the samples"
    return tuple(Problem(told, f"data.split.{name}") for name in given)


class _Own:
    """Folds of this program: groups whole, classes in equal shares."""

    def __init__(self, split: Split, seed: int, groups: Coded, kinds: Coded | None) -> None:
        self._split, self._groups, self._kinds = split, groups, kinds
        self._seed = seed if split.seed is None else split.seed
        self._found = np.full(len(groups.codes), -1, np.int32)
        self._names: list[str] = []

    def divide(
        self, lists: Mapping[str, NDArray[np.bool_]], institutions: Coded | None
    ) -> tuple[NDArray[np.int32], list[str]]:
        split, free = self._split, np.ones(len(self._found), bool)
        for part, chosen in lists.items():
            self._put(np.flatnonzero(chosen), part)
            free &= ~chosen
        if institutions is not None:
            free &= ~self._chosen(institutions, "excluded_institutions")
            only = self._chosen(institutions, "test_institutions") & free
            self._put(np.flatnonzero(only), "test")
            free &= ~only
        if split.holdout:
            kept = self._hold_out(np.flatnonzero(free), split.holdout)
            self._put(kept, "test")
            free[kept] = False
        self._divide_rest(np.flatnonzero(free), lists, institutions)
        return self._found, self._names

    def _chosen(self, institutions: Coded, field: str) -> NDArray[np.bool_]:
        return is_one_of(institutions, getattr(self._split, field), field, "institution")

    def _divide_rest(self, rest: Ints, lists: Mapping[str, object], institutions: Coded | None) -> None:
        if not rest.size:
            return
        if self._split.shares:
            for number in [-1] if institutions is None else range(len(institutions.dictionary)):
                own = rest if institutions is None else rest[institutions.codes[rest] == number]
                self._share_out(own, institutions.texts[number] if institutions is not None else "")
        elif "train" not in lists and "validation" in lists:
            self._put(rest, "train")
        elif "train" not in lists:
            folds = self._split.folds or FOLDS
            dealt = self._dealt(rest, [1.0] * folds, "folds", self._seed)
            for fold in range(folds):
                self._put(rest[dealt == fold], str(fold))

    def _share_out(self, own: Ints, institution: str) -> None:
        if not own.size:
            return
        shares = [(part, share) for part, share in zip(PARTS, self._split.shares, strict=False) if share]
        key = ("shares", institution) if institution else ("shares",)
        dealt = self._dealt(own, [share for _, share in shares], *key, self._seed)
        for number, (part, _) in enumerate(shares):
            self._put(own[dealt == number], part)

    def _hold_out(self, free: Ints, share: float) -> Ints:
        seed = self._seed if self._split.holdout_seed is None else self._split.holdout_seed
        kept: Ints = free[self._dealt(free, [1 - share, share], "holdout", seed) == 1]
        return kept

    def _dealt(self, chosen: Ints, shares: Sequence[float], *key: int | str) -> NDArray[np.int32]:
        """Return the part of each chosen sample; the last of `key` is the seed."""
        groups, names = compact(self._groups, chosen)
        if len(names) < len(shares):
            place = f" of institution '{key[1]}'" if len(key) > 2 else ""
            kind = "folds" if key[0] == "folds" else "parts"
            raise FuseError(
                f"{len(names)} groups{place} cannot fill {len(shares)} {kind}", where=f"data.split.{key[0]}",
                expected="the institution among excluded_institutions or test_institutions" if place else "",
            )  # fmt: skip
        if self._kinds is None:
            classes, kinds = np.zeros(len(chosen), np.int64), [""]
        else:
            classes, found = compact(self._kinds, chosen)
            kinds = found.to_pylist()
        dealt = deal(groups, names, classes, kinds, shares, stream(key[-1], *key[:-1]))
        return dealt if key[0] == "folds" else fill_empty(dealt, groups, len(shares))

    def _put(self, positions: Ints, name: str) -> None:
        if name not in self._names:
            self._names.append(name)
        self._found[positions] = self._names.index(name)


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)


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
