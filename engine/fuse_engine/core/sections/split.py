"""How samples are divided into training, validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from fuse_engine.core.sections.base import Section


class Split(Section):
    """How samples are divided; samples of one group are never divided."""

    saved: Path | None = None
    """The `split.csv` of a run, to divide the same samples again as it did; its path starts from the experiment's
    folder. It must list all samples of the source and no others; only `group` may stand beside it."""
    folds: int | None = Field(None, ge=2)
    """Number of folds to make; 5 where neither the source, nor shares, nor lists say how to divide."""
    shares: list[float] = []
    """Shares of training, validation and, where wanted, test samples instead of folds, e.g. 0.7, 0.15, 0.15."""
    holdout: float | None = Field(None, gt=0, lt=1)
    """Share of the samples that is kept for the final test before the others are divided."""
    lists: dict[str, list[str] | str] = {}
    """Ids or groups of train, validation, test, or a text file with one a line. What no list names is divided as
    usual, is for training where only validation has a list, and is unused where training has one."""
    group: str | None = None
    """Column whose equal values stay together; the source's group column where empty."""
    stratify: str | None = None
    """Column whose values each part holds in equal shares."""
    institution: str | None = None
    """Column of the institutions; the samples of each are divided by the shares, so every part holds all."""
    excluded_institutions: list[str] = []
    """Institutions whose samples are not used."""
    test_institutions: list[str] = []
    """Institutions whose samples are all kept for the final test."""
    test: list[str] = []
    """Folds kept for the final test."""
    validation: list[str] | None = None
    """Folds that choose the best epoch; the first one not used for the test where empty."""
    train: list[str] | None = None
    """Folds to train on; all others where empty."""
    restrict_subjects: str = ""
    """At most so many groups: `20` in every part, `20,,3` for training and test; `+` takes what others leave."""
    like: Literal["musket", "innereye"] | None = None
    """Make exactly the folds that Musket or InnerEye made of the same samples in the same order."""
    seed: int | None = Field(None, ge=0, lt=2**32)
    """Start of the random stream of the folds; the experiment's seed, Musket's 33 or InnerEye's 0 where empty."""
    holdout_seed: int | None = Field(None, ge=0, lt=2**32)
    """Start of the random stream of the hold-out, so that other folds keep it; as above, Musket's 123."""

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares: list[float]) -> list[float]:
        if shares and (len(shares) not in (2, 3) or min(shares) < 0 or not shares[0]):
            raise ValueError("expected two or three shares of 0 or more, the first of them above 0")
        if shares and abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"expected shares that add up to 1, got {sum(shares):g}")
        return shares

    @field_validator("lists")
    @classmethod
    def _parts(cls, lists: dict[str, list[str] | str]) -> dict[str, list[str] | str]:
        for name in lists:
            if name not in ("train", "validation", "test"):
                raise ValueError(f"expected train, validation or test, got '{name}'")
        return lists

    @field_validator("restrict_subjects")
    @classmethod
    def _counts(cls, text: str) -> str:
        limits = [part.strip() for part in text.split(",")]
        plain = [part for part in limits if part not in ("", "+")]
        if len(limits) not in (1, 3) or not all(part.isdecimal() for part in plain):
            raise ValueError("expected one number, or three of a number, nothing or + with commas, e.g. 20,,3")
        if limits.count("+") > 1 or (limits.count("+") and not plain):
            raise ValueError("expected at most one +, and a number for the part that it takes samples from")
        return text

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        for one, other, clash in self._clashes():
            if clash:
                raise ValueError(f"'{one}' and '{other}' exclude each other")
        for one, needed, missing in self._gaps():
            if missing:
                raise ValueError(f"'{one}' needs '{needed}'")
        return self

    def _clashes(self) -> list[tuple[str, str, bool]]:
        """Return pairs of settings that exclude each other, and whether both are there."""
        again = self.like == "innereye"  # its folds are made of what the shares or lists leave for training
        musket, third = self.like == "musket", len(self.shares) == 3 and self.shares[2] > 0
        fixed = bool({"train", "validation"} & set(self.lists))
        return [
            ("shares", "folds", bool(self.shares and self.folds) and not again),
            ("lists", "folds", bool(fixed and self.folds) and not again),
            ("lists", "shares", bool(fixed and self.shares) or ("test" in self.lists and third)),
            ("lists", "holdout", bool(self.lists and self.holdout)),
            ("lists", "test", "test" in self.lists and bool(self.test)),
            ("holdout", "test", bool(self.holdout and self.test)),
            ("holdout", "shares", bool(self.holdout and third)),
            ("lists", "institution", bool(self.lists and self.institution)),
            ("like: musket", "lists", musket and bool(self.lists)),
            ("like: musket", "institution", musket and self.institution is not None),
            ("like: musket", "a third share", musket and third),
            ("like: innereye", "stratify", again and self.stratify is not None),
            ("like: innereye", "holdout", again and self.holdout is not None),
            *(("saved", name, self.saved is not None) for name in self._divides()),
        ]

    def _divides(self) -> list[str]:
        """Return which settings are there that say how to divide."""
        others = [name for name in type(self).model_fields if name not in ("saved", "group")]
        return [name for name in others if getattr(self, name) not in (None, [], {}, "")]

    def _gaps(self) -> list[tuple[str, str, bool]]:
        """Return settings, what each of them needs, and whether that is missing."""
        chosen = [*self.excluded_institutions, *self.test_institutions]
        return [
            ("institution", "shares", self.institution is not None and not self.shares),
            ("excluded_institutions or test_institutions", "institution", bool(chosen) and not self.institution),
            ("holdout_seed", "holdout", self.holdout_seed is not None and self.holdout is None),
            ("like: innereye", "three shares", self.like == "innereye" and len(self.shares) == 2),
        ]
