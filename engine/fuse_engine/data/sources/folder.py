"""Samples listed by the files of a folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pydantic import Field, model_validator

from fuse_engine.core.errors import FuseError, Problem, nearest
from fuse_engine.core.registry import register
from fuse_engine.data.cells import text_column
from fuse_engine.data.integrity import ENDINGS
from fuse_engine.data.source import Cohort, Source
from fuse_engine.data.sources.listing import Listing, list_files
from fuse_engine.data.sources.neighbours import Neighbours
from fuse_engine.data.sources.pattern import Pattern

_REMARKS = 1000
_ARRAYS = (".npy", ".npz", ".h5", ".hdf5")


@register
class Folder(Source):
    """Lists the samples in a folder of files, paired by the id in their names; no file is opened.

    Where `files` is empty every folder is a class: `cats/1.png` is the sample `cats/1` of `label` cats. Every
    image that belongs to no sample is named in a remark.
    """

    path: Path = Path()
    """The folder; hidden files, links that leave it, and the folders of runs below it are passed over."""
    files: dict[str, str] = Field({})
    """Column -> pattern below the folder, e.g. `{image: "images/{id}_0000.nii.gz", mask: "labels/{id}.nii.gz"}`; a
    sample has a file for each. `{group}`, `{fold}`, `{label}` and any other name become columns, `*` is any text,
    `**/` any folders, `.*` at the end any ending of an image; of two patterns that fit the longer counts."""
    id: str = "{id}"
    """How the names in the patterns make the id, e.g. `{group}/{slice}`."""
    optional: list[str] = Field([])
    """Columns whose file a sample may lack; the cell is then empty, see `missing` of LoadImage."""

    @model_validator(mode="after")
    def _fit_together(self) -> Folder:
        wanted = Pattern(self.id).names
        if not wanted or "*" in self.id:
            raise ValueError(f"expected a name in braces in `id`, such as '{{id}}', got '{self.id}'")
        patterns = {column: Pattern(text) for column, text in self.files.items()}
        taken = {"id"}.union(*(pattern.names for pattern in patterns.values()))
        for column, pattern in patterns.items():
            missing = next((name for name in wanted if name not in pattern.names), None)
            if missing:
                raise ValueError(f"expected '{{{missing}}}' in the pattern of '{column}', got '{pattern.text}'")
            if column in taken:
                raise ValueError(f"expected another name for the column '{column}', a part of the names has it")
        unknown = next((column for column in self.optional if column not in self.files), None)
        if unknown is not None or (self.files and len(self.optional) == len(self.files)):
            raise ValueError(f"expected some of the columns of `files` in `optional`, got {self.optional}")
        return self

    def read(self, folder: Path) -> Cohort:
        """Return one row for each id; what belongs to none is in the remarks.

        Raises:
            FuseError: when the folder is not there, holds no sample, or two files of a column have one id.
        """
        root = (folder / self.path).absolute()
        if not root.is_dir():
            others = [item.name for item in root.parent.iterdir()] if root.parent.is_dir() else []
            raise FuseError(f"no folder {root}", nearest=nearest(root.name, others))
        listing = list_files(root)
        pairing = _paired(self, listing) if self.files else _classes(listing)
        if not pairing.rows:
            raise FuseError(self._nothing(root, listing), *pairing.remarks[:5])
        names = list(dict.fromkeys(name for row in pairing.rows.values() for name in row))
        cells = [[row.get(name, "") for row in pairing.rows.values()] for name in names]
        columns = [pa.array(list(pairing.rows), pa.string()), *map(text_column, cells, names)]
        return Cohort(
            pa.table(columns, ["id", *names]), "id", "group" if "group" in names else None,
            "fold" if "fold" in names else None, root, remarks=(*listing.remarks, *pairing.remarks),
        )  # fmt: skip

    def _nothing(self, root: Path, listing: Listing) -> Problem:
        patterns = " and ".join(f"'{text}'" for text in self.files.values()) or "'<class>/<image>'"
        example = min(filter(_is_sample, listing.files), default="")
        return Problem(
            f"no sample in {root}", expected=f"files such as {patterns}",
            got=f"e.g. '{example}'" if example else f"{len(listing.files)} files, none of them an image",
        )  # fmt: skip


class _Pairing:
    """Rows by id, and the files that belong to none."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self._remarks: list[Problem] = []
        self._more = 0

    @property
    def full(self) -> bool:
        """Whether further files are only counted."""
        return len(self._remarks) >= _REMARKS

    def remark(self, message: str, expected: str = "", nearest: str = "") -> None:
        """Name a file that belongs to no sample."""
        self._more += self.full
        if not self.full:
            self._remarks.append(Problem(message, where="unmatched", expected=expected, nearest=nearest))

    @property
    def remarks(self) -> list[Problem]:
        """One for each file, and one for those that are too many to name."""
        more = Problem(f"{self._more} more files belong to no sample", where="unmatched")
        return [*self._remarks, more] if self._more else self._remarks


def _classes(listing: Listing) -> _Pairing:
    """Pair every image with the folder that it lies in."""
    pairing = _Pairing()
    for path in sorted(filter(_is_sample, listing.files)):
        label, slash, _ = path.partition("/")
        if not slash:
            pairing.remark(f"'{path}' lies in no class", "a folder for each class")
            continue
        name = _same(path[: -len(_ending(path))])
        if name in pairing.rows:
            raise _twice("image", name, pairing.rows[name]["image"], path)
        pairing.rows[name] = {"image": path, "label": label}
    return pairing


def _paired(source: Folder, listing: Listing) -> _Pairing:
    pairing = _Pairing()
    found, stray = _by_id(source, listing)
    needed = [column for column in source.files if column not in source.optional]
    complete = sorted(set.intersection(*(set(found[column]) for column in needed)))
    for name in complete:
        files = {column: found[column][name] for column in source.files if name in found[column]}
        row = _row(name, files, pairing)
        if row is not None:
            pairing.rows[name] = row
    _remark_lonely(source, found, set(complete), pairing)
    for path in stray:
        pairing.remark(f"'{path}' fits no pattern", " or ".join(source.files.values()))
    return pairing


_File = tuple[str, dict[str, str]]
"""A path and the parts of its name."""


def _by_id(source: Folder, listing: Listing) -> tuple[dict[str, dict[str, _File]], list[str]]:
    """Return the files of each column by id, and the images that fit no pattern."""
    patterns = {column: Pattern(text) for column, text in source.files.items()}
    template = Pattern(source.id)
    found: dict[str, dict[str, _File]] = {column: {} for column in patterns}
    stray = []
    for path in sorted(listing.files):
        fitting = {column: parts for column, pattern in patterns.items() if (parts := pattern.parts(path))}
        longest = max((patterns[column].letters for column in fitting), default=0)
        for column, parts in fitting.items():
            if patterns[column].letters < longest:
                continue
            texts = {part: _same(text) for part, text in parts.items()}
            name = template.filled(texts)
            if name in found[column]:
                raise _twice(column, name, found[column][name][0], path)
            found[column][name] = (path, texts)
        if not fitting and _is_sample(path):
            stray.append(path)
    return found, stray


def _remark_lonely(
    source: Folder, found: dict[str, dict[str, _File]], complete: set[str], pairing: _Pairing
) -> None:
    """Name every file whose id lacks another, and what could be meant by it among the others of its kind."""
    lonely = {column: sorted(set(files).difference(complete)) for column, files in found.items()}
    known = {column: Neighbours(names) for column, names in lonely.items()}
    for column, names in lonely.items():
        for name in names:
            path, parts = found[column][name]
            lacking = [
                other for other in source.files if name not in found[other] and other not in source.optional
            ]
            expected = " and ".join(Pattern(source.files[other]).filled(parts) for other in lacking)
            near = "" if pairing.full else known[lacking[0]].nearest(name)
            meant = found[lacking[0]][near][0] if near else ""
            pairing.remark(f"'{path}' has no {' and no '.join(lacking)}", expected, meant)


def _row(name: str, files: Mapping[str, _File], pairing: _Pairing) -> dict[str, str] | None:
    """Return the cells of a sample; None where the names of its files contradict each other."""
    cells: dict[str, str] = {}
    for path, parts in files.values():
        for part, text in parts.items():
            if cells.setdefault(part, text) != text:
                first = next(path for path, parts in files.values() if part in parts)
                pairing.remark(f"'{path}' and '{first}' have one id, '{name}', but differ in {part}")
                return None
    cells.pop("id", None)
    return cells | {column: path for column, (path, _) in files.items()}


def _same(name: str) -> str:
    # macOS writes ä as two letters, others as one: to a person it is one name
    return unicodedata.normalize("NFC", name)


def _ending(path: str) -> str:
    return max((ending for ending in (*ENDINGS, *_ARRAYS) if path.lower().endswith(ending)), key=len, default="")


def _is_sample(path: str) -> bool:
    return bool(_ending(path))


def _twice(column: str, name: str, first: str, second: str) -> FuseError:
    return FuseError(
        f"two files for {column} of the sample '{name}': '{first}' and '{second}'",
        expected="a pattern, or an `id`, that tells them apart",
    )
