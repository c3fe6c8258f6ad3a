"""Samples found in a folder of DICOM files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pydantic import Field, field_validator
from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword

from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.registry import register
from fuse_engine.data.cells import text_column
from fuse_engine.data.dicom.scan import scan
from fuse_engine.data.dicom.tree import DRAWN, Sample, cell, pair, readable_folders, remarks, samples_of
from fuse_engine.data.source import Cohort, Source

_NO_TEXT = ("SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN")


@register
class DicomTree(Source):
    """Lists the image series in a folder of DICOM files and in all folders below it, one sample each.

    Columns: `id`, `patient`, `study`, `series`, `modality`, `description`, `slices`, `image` for the step
    LoadDicom, `seg` for LoadSegmentation, `rtstruct` for LoadStructures, `report`, and the tags that are asked
    for. A series with stacks of several directions, sizes, echoes or points in time gives one sample for each;
    a file with several frames, and an image without a position (a mammogram, an X-ray), is one of its own.
    Localizers and all else are left out and counted.
    """

    path: Path
    """Folder that is looked through, without the folders of runs; names of files say nothing, their headers do."""
    tags: list[str] = Field([])
    """DICOM keywords of more columns, e.g. `SliceThickness`; those of the patient only where named here."""
    modalities: list[str] = Field([])
    """Modalities to list, e.g. `[CT, MR]`; all where empty."""
    slices: int = Field(1, ge=1)
    """Fewest slices of a series that is listed."""
    patient_id: bool = False
    """Keep the PatientID in the column `patient`; without it a short code that is the same for the same id."""

    @field_validator("tags")
    @classmethod
    def _known(cls, tags: list[str]) -> list[str]:
        for keyword in tags:
            tag = tag_for_keyword(keyword)
            if tag is None:
                hint = nearest(keyword, keyword_dict)
                raise ValueError(
                    f"expected DICOM keywords, got '{keyword}'" + (f"; did you mean '{hint}'?" if hint else "")
                )
            if dictionary_VR(tag)[:2] in _NO_TEXT:
                raise ValueError(f"expected DICOM keywords of texts or numbers, '{keyword}' is neither")
        if len(set(tags)) < len(tags):
            raise ValueError("expected every keyword once")
        return tags

    def read(self, folder: Path) -> Cohort:
        """Return one sample for each stack of images; what is odd stands in `remarks`.

        Raises:
            FuseError: when there is no such folder, or no image in it.
        """
        root = (folder / self.path).absolute()
        if not root.is_dir():
            names = [item.name for item in root.parent.iterdir()] if root.parent.is_dir() else []
            raise FuseError(f"no folder {root}", nearest=nearest(root.name, names))
        found = scan(root, self.tags, self.patient_id)
        samples, left = samples_of(found.facts, self.modalities, self.slices)
        if not samples:
            counted = "; ".join(problem.message for problem in [*left, *remarks(found, [])][:5])
            raise FuseError(f"no DICOM image series in {root}", got=counted or "an empty folder")
        unmatched = pair(samples, found.facts)
        columns = self._columns(samples, readable_folders(found))
        table = pa.table([text_column(texts, name) for name, texts in columns.items()], list(columns))
        problems = (*remarks(found, samples), *left, *unmatched)
        return Cohort(table, "id", "patient", folder=root, remarks=problems)

    def _columns(self, samples: list[Sample], folders: dict[str, int]) -> dict[str, list[str]]:
        first = [sample.slices[0] for sample in samples]
        tags = [item.tags.split("\x1f") for item in first]
        return {
            "id": [sample.id for sample in samples],
            "patient": [item.patient for item in first],
            "study": [item.study for item in first],
            "series": [item.series for item in first],
            "modality": [item.modality for item in first],
            "description": [item.description for item in first],
            "slices": [str(sum(item.frames for item in sample.slices)) for sample in samples],
            "image": [cell([item.file for item in sample.slices], folders) for sample in samples],
            **{
                kind: [cell(sample.with_it[kind], {}) if sample.with_it[kind] else "" for sample in samples]
                for kind in DRAWN
            },
            **{keyword: [texts[place] for texts in tags] for place, keyword in enumerate(self.tags)},
        }
