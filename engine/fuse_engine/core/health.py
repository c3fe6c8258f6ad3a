"""What is looked at before anything trains: the checks by name, what they found, and where each image lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fuse_engine.core.errors import FuseError, nearest

STRAIGHT = 0.1
"""Degrees by which an axis may be off the patient's for the rounding of a header."""


@dataclass(frozen=True)
class Check:
    """One thing that is looked at in every sample or in the cohort."""

    name: str
    title: str
    """What stands on the strip, in two or three words."""
    help: str
    """What it means and what to do about it, in one or two sentences."""
    blocking: bool
    """Whether a finding means that training on the sample would be wrong or impossible."""


CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check(
            "unreadable", "Unreadable files",
            "The file is cut off, damaged or of another kind than its name says. Copy it again from where it "
            "came.",
            True,
        ),
        Check(
            "missing", "Missing files",
            "The table names a file that is not there, or leaves the cell empty. Correct the path, or exclude the "
            "sample.",
            True,
        ),
        Check(
            "unmatched", "Unmatched files",
            "A file lies in the folder that belongs to no sample, e.g. a mask without an image. Rename it, or "
            "leave it out.",
            False,
        ),
        Check(
            "duplicate_content", "Duplicate content",
            "Two samples hold the same pixels. In different folds the model would be tested on what it was "
            "trained on: keep one of them, or give both one group.",
            False,
        ),
        Check(
            "group_in_two_folds", "Group in two folds",
            "Samples of one group, e.g. one patient, stand in several folds, so the test would be too good. "
            "Correct the fold column, or let the split make the folds.",
            True,
        ),
        Check(
            "mask_grid", "Mask off its image",
            "Mask and image differ in size, spacing, origin or direction. Export the mask on the grid of its "
            "image, or resample both to one grid.",
            True,
        ),
        Check(
            "empty_label", "Empty masks",
            "The mask holds background only. Check that it is meant to be empty, else annotate or exclude the "
            "sample.",
            False,
        ),
        Check(
            "unexpected_label", "Unexpected labels",
            "A mask or a cell holds a label that the experiment does not name. Correct it, or add it to the "
            "classes.",
            True,
        ),
        Check(
            "not_finite", "Not finite",
            "The image holds NaN or infinity. Export it again, or replace these values.",
            True,
        ),
        Check(
            "constant", "Constant images",
            "Every pixel has the same value: usually an export that failed. Export it again, or exclude the "
            "sample.",
            False,
        ),
        Check(
            "oblique", "Oblique images",
            "The axes of the image do not run along those of the patient. This is fine where image and mask share "
            "the grid; other programs may show it turned.",
            False,
        ),
        Check(
            "spacing_outlier", "Unusual spacing",
            "The spacing is far from that of the other samples. Check the header, or resample all to one spacing.",
            False,
        ),
        Check(
            "series", "DICOM series",
            "The slices of a series do not make one volume: some are missing, doubled, or differ in direction. "
            "Export the series again.",
            True,
        ),
        Check(
            "class_imbalance", "Class imbalance",
            "Some classes are much rarer than others. Balance the batches, weight the loss, and do not judge by "
            "accuracy.",
            False,
        ),
    )
}  # fmt: skip
"""Every check by name, in the order in which they are shown."""


@dataclass(frozen=True)
class Finding:
    """What one check found: in one sample, or in the whole cohort."""

    check: str
    """Name of the check, one of `CHECKS`."""
    sample: str
    """Id of the sample; empty for the whole cohort."""
    message: str
    """What is wrong and the next move."""
    column: str = ""
    """Key of the pipeline, or column of the source, that it was found in."""
    blocking: bool | None = None
    """Whether training must not start with it, where the finding is worse or milder than its check."""

    @property
    def blocks(self) -> bool:
        """Whether training must not start with it."""
        return CHECKS[self.check].blocking if self.blocking is None else self.blocking

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """Return the finding that `to_json` described.

        Raises:
            FuseError: for an unknown check; names the nearest.
        """
        if value["check"] not in CHECKS:
            raise FuseError(f"no check '{value['check']}'", nearest=nearest(value["check"], CHECKS))
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Passport:
    """Where one image of one sample lies, and whether its mask lies there too."""

    sample: str
    """Id of the sample."""
    column: str
    """Key of the pipeline that reads the image, e.g. `data.input.image`."""
    axes: str
    """Where the axes (x, y[, z]) run to in the patient, e.g. `LPS`; empty for a picture that does not say."""
    spacing: tuple[float, ...]
    """mm between pixels along ([z,] y, x)."""
    size: tuple[int, ...]
    """Pixels along ([z,] y, x)."""
    oblique_deg: float = 0.0
    """Largest angle between an axis of the image and the nearest axis of the patient, from 0 to 54.7."""
    grid_matches: bool | None = None
    """Whether a mask lies on the grid of the sample's image; None for an image, and where there is none."""

    @property
    def oblique(self) -> bool:
        """Whether the axes are off the patient's by more than the rounding of a header."""
        return self.oblique_deg > STRAIGHT

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Passport:
        """Return the passport that `to_json` described."""
        return cls(**{**value, "spacing": tuple(value["spacing"]), "size": tuple(value["size"])})

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "spacing": list(self.spacing), "size": list(self.size)}
