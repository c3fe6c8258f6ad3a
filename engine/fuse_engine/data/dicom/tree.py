"""Puts the files of a scan together: image stacks, what is drawn on them, and what is odd."""

from __future__ import annotations

import json
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fuse_engine.core.errors import Problem
from fuse_engine.data.dicom.facts import Facts, short_hash, stacks
from fuse_engine.data.dicom.scan import Scan
from fuse_engine.data.dicom.stack import Fault, faults

DRAWN = ("seg", "rtstruct", "report")
"""Kinds of files that go with an image series; each is a column."""
_SHOWN = 5


@dataclass
class Sample:
    """One stack of images and what goes with it."""

    id: str
    slices: list[Facts]
    with_it: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Files drawn on it, by kind."""


def samples_of(
    facts: Sequence[Facts], modalities: Sequence[str], least: int
) -> tuple[list[Sample], list[Problem]]:
    """Return one sample for each stack, and what is odd about their number."""
    found = stacks([item for item in facts if item.kind == "image"])
    series = Counter(stack[0].series for stack in found)
    seen: Counter[str] = Counter()
    samples = []
    for stack in found:
        first = stack[0]
        code = first.modality if first.modality.isalnum() and first.modality.isascii() else "image"
        name = f"{code}-{short_hash(first.series or first.file)}"
        seen[name] += 1
        samples.append(Sample(f"{name}-{seen[name]}" if series[first.series] > 1 else name, stack))
    kept = [sample for sample in samples if _wanted(sample.slices, modalities, least)]
    left = len(samples) - len(kept)
    message = f"left out: {left} x series of other modalities or with too few slices"
    return kept, [Problem(message, where="unmatched")] if left else []


def _wanted(stack: Sequence[Facts], modalities: Sequence[str], least: int) -> bool:
    return (not modalities or stack[0].modality in modalities) and sum(item.frames for item in stack) >= least


def pair(samples: Sequence[Sample], facts: Iterable[Facts]) -> list[Problem]:
    """Add segmentations, structure sets and reports to the samples they belong to; return what belongs to none."""
    series: defaultdict[str, list[Sample]] = defaultdict(list)
    spaces: defaultdict[str, list[Sample]] = defaultdict(list)
    studies: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        series[sample.slices[0].series].append(sample)
        spaces[sample.slices[0].space].append(sample)
        studies[sample.slices[0].study].append(sample)
    problems = []
    for item in facts:
        if item.kind not in DRAWN:
            continue
        chosen = studies[item.study] if item.kind == "report" else _drawn_on(item, series, spaces)
        for sample in chosen:
            sample.with_it[item.kind].append(item.file)
        if not chosen:
            problems.append(Problem(f"{item.file} belongs to no image series of the folder", where="unmatched"))
    return problems


def _drawn_on(
    item: Facts, series: defaultdict[str, list[Sample]], spaces: defaultdict[str, list[Sample]]
) -> list[Sample]:
    """Return the stack that a file is drawn on: of the series it names, else the only one in the same space."""
    uid, _, image = item.references.partition("\\")
    there = series[uid] if uid else []
    if len(there) > 1:
        there = [sample for sample in there if any(part.sop == image for part in sample.slices)] or there[:1]
    if not there and not uid and item.space and len(spaces[item.space]) == 1:
        there = spaces[item.space]
    return there[:1]


def remarks(scan: Scan, samples: Sequence[Sample]) -> list[Problem]:
    """Return what is odd: in each series by its slices, and how many files are something else."""
    found = []
    for sample in samples:
        found += [Problem(str(fault), where="series", sample=sample.id) for fault in _faults(sample)]
    broken = [item for item in scan.facts if item.kind == "broken"]
    found += [Problem(f"{item.file}: {item.trouble}", where="unreadable") for item in broken]
    counts = Counter(item.trouble for item in scan.facts if item.kind == "other")
    counts["localizers"] = sum(item.kind == "localizer" for item in scan.facts)
    counts["files that are no DICOM"] = sum(item.kind == "foreign" for item in scan.facts)
    for what, count in sorted((counts + scan.skipped).items()):
        found.append(Problem(f"left out: {count} x {what}", where="unmatched"))
    return found


def _faults(sample: Sample) -> list[Fault]:
    found = [Fault(item.trouble, (item.file,)) for item in sample.slices if item.trouble]
    if len(sample.slices) > 1:
        found += faults([item.plane() for item in sample.slices])
    return found


def cell(files: Sequence[str], folders: Mapping[str, int]) -> str:
    """Return what stands in a table for some files: the file, their folder if it holds no others, or all names.

    `folders` says how many images would be read with a folder.
    """
    if len(files) == 1:
        return files[0]
    parents = {posixpath.dirname(file) for file in files}
    folder = parents.pop()
    if not parents and folder and folders.get(folder) == len(files):
        return folder
    return json.dumps(list(files), ensure_ascii=False)


def readable_folders(scan: Scan) -> dict[str, int]:
    """Count the images of each folder that can be read as a whole: none with links, which may lead anywhere."""
    counts = Counter(posixpath.dirname(item.file) for item in scan.facts if item.kind == "image")
    return {folder: count for folder, count in counts.items() if folder not in scan.linked}
