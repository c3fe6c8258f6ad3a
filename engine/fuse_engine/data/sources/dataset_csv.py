"""Samples listed as InnerEye does: one line for each channel of a subject."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.core.errors import FuseError, Problem, nearest
from fuse_engine.core.registry import register
from fuse_engine.data.source import Coded, Cohort, Source
from fuse_engine.data.sources.table import Place, read_table, table_file

SUBJECT, CHANNEL, FILE = "subject", "channel", "filePath"
_POSITIVE = re.compile(r"0*[1-9][0-9]*", re.ASCII)


@register
class DatasetCsv(Source):
    """Lists the subjects of an InnerEye `dataset.csv`, which has one line for each channel of a subject.

    Columns `subject`, `channel`, `filePath`, and any others, e.g. `institutionId`, `seriesId`, `tags`. Each
    channel becomes a column that names its file; lines of other channels are left out. Paths start from the
    file's folder.
    """

    path: Path = Path("dataset.csv")
    """The file, usually dataset.csv."""
    image_channels: list[str] = Field(min_length=1)
    """Channels that the model sees, e.g. `[ct]`."""
    ground_truth_ids: list[str] = Field([])
    """Channels that hold the label of one structure each, e.g. `[heart, lung_l]`."""
    mask_id: str | None = None
    """Channel that says where the labels count; everywhere where empty."""
    allow_incomplete_labels: bool = False
    """Keep subjects that lack ground truth channels; their cells are empty, see `missing` of LoadImage. InnerEye
    leaves such structures out of losses and metrics; here they are background or refused."""
    per_channel: list[str] = Field([])
    """Columns that differ between the channels of a subject, e.g. `[seriesId]`; each becomes `ct.seriesId`, ..."""
    group: str | None = None
    """Column whose equal values stay together in a split; every subject for itself where empty."""
    fold: str | None = None
    """Column that says which fold a subject belongs to; folds are made where empty."""

    @model_validator(mode="after")
    def _once(self) -> DatasetCsv:
        for name, count in Counter(self.channels).items():
            if count > 1:
                raise ValueError(f"expected every channel once, '{name}' is there {count} times")
        for name in self.per_channel:
            if name in (SUBJECT, CHANNEL, FILE):
                raise ValueError(f"expected columns beside {SUBJECT}, {CHANNEL} and {FILE}, got '{name}'")
        return self

    @property
    def channels(self) -> list[str]:
        """All channels that are read: images, ground truth, mask."""
        return [*self.image_channels, *self.ground_truth_ids, *([self.mask_id] if self.mask_id else [])]

    def read(self, folder: Path) -> Cohort:
        """Return one row for each subject; file names such as `file.h5|dataset|0` stay as written.

        Raises:
            FuseError: naming file, line and subject.
        """
        path = table_file(folder, self.path)
        lines = _Lines(*read_table(path))
        try:
            lines.check(self.channels)
            columns = {SUBJECT: lines.subjects.dictionary}
            first = np.unique(lines.subjects.codes, return_index=True)[1]
            for name in self._shared(lines):
                lines.refuse_differing(name, first)
                columns[name] = lines.table[name].take(pa.array(first))
            for channel in self.channels:
                places = self._places(lines, channel)
                for name in (FILE, *self.per_channel):
                    columns[_title(channel, name)] = lines.at(name, places)
            remarks = self._incomplete(columns)
            return Cohort(pa.table(columns), SUBJECT, self.group, self.fold, path.parent, remarks=remarks)
        except FuseError as error:
            raise error.placed(source=path.name) from None

    def _incomplete(self, columns: Mapping[str, pa.ChunkedArray | pa.Array]) -> tuple[Problem, ...]:
        """Return a remark for each ground truth channel that some subjects lack."""
        found = []
        for channel in self.ground_truth_ids:
            lacking = columns[SUBJECT].filter(pc.equal(columns[channel], "")).to_pylist()
            if lacking:
                count = "1 subject has" if len(lacking) == 1 else f"{len(lacking)} subjects have"
                told = f"{count} no '{channel}', e.g. {lacking[0]}: background or refused, never unknown"
                found.append(Problem(told, "missing"))
        return tuple(found)

    def _shared(self, lines: _Lines) -> list[str]:
        """Return the columns that say something of the whole subject."""
        for name in self.per_channel:
            lines.require(name)
        own = {SUBJECT, CHANNEL, FILE, *self.per_channel}
        shared = [name for name in lines.table.column_names if name not in own]
        made = [_title(channel, name) for channel in self.channels for name in (FILE, *self.per_channel)]
        taken = next((name for name in made if name in {SUBJECT, *shared}), None)
        if taken is not None:
            raise FuseError(f"'{taken}' is a channel and a column", expected="another name for one of them")
        return shared

    def _places(self, lines: _Lines, channel: str) -> NDArray[np.int64]:
        """Return the line of every subject's channel, (subjects,), -1 for those without.

        Raises:
            FuseError: for a channel that stands twice, or is missing where it must be there.
        """
        places = lines.places(channel)
        lacking = np.flatnonzero(places < 0)
        if len(lacking) and not (self.allow_incomplete_labels and channel in self.ground_truth_ids):
            subject = lines.subjects.texts[lacking[0]]
            hint = "; or set allow_incomplete_labels" if channel in self.ground_truth_ids else ""
            more = f", and {len(lacking) - 1} more subjects" if len(lacking) > 1 else ""
            raise FuseError(
                f"subject {subject}{more} has no file for channel '{channel}'",
                expected=f"a line {subject},{channel},<file>{hint}",
            )
        return places


@dataclass(frozen=True)
class _Lines:
    """The lines of the file."""

    table: pa.Table
    place: Place

    @cached_property
    def subjects(self) -> Coded:
        return Coded.of(self.table[SUBJECT])

    @cached_property
    def channels(self) -> Coded:
        return Coded.of(self.table[CHANNEL])

    def require(self, name: str) -> None:
        known = self.table.column_names
        if name not in known:
            raise FuseError(
                f"the column '{name}' is not there", expected=f"one of {', '.join(known)}",
                nearest=nearest(name, known),
            )  # fmt: skip

    def check(self, channels: list[str]) -> None:
        """Refuse a file that is no dataset.csv, lacks a channel, or has subjects that are no positive numbers."""
        for name in (SUBJECT, CHANNEL, FILE):
            self.require(name)
        known = self.channels.texts
        for name in channels:
            if name not in known:
                raise FuseError(
                    f"no line has the channel '{name}'", expected=f"one of {', '.join(known)}",
                    nearest=nearest(name, known),
                )  # fmt: skip
        seen: dict[str, str] = {}
        for code, text in enumerate(self.subjects.texts):
            if not _POSITIVE.fullmatch(text):
                raise FuseError(
                    f"the subject in {self._first(code)} is no number", expected="a whole number from 1 up",
                    got=f"'{text}'",
                )  # fmt: skip
            other = seen.setdefault(text.lstrip("0"), text)
            if other != text:
                raise FuseError(f"the subject in {self._first(code)} is written '{text}', before '{other}'")

    def _first(self, code: int) -> str:
        return self.place(int(np.argmax(self.subjects.codes == code)))

    def refuse_differing(self, name: str, first: NDArray[np.int64]) -> None:
        """Refuse a column that says different things of one subject; `first` line of each subject, (subjects,)."""
        codes = Coded.of(self.table[name]).codes
        differing = np.flatnonzero(codes != codes[first][self.subjects.codes])
        if len(differing):
            line = int(differing[0])
            before = int(first[self.subjects.codes[line]])
            texts = self.table[name]
            raise FuseError(
                f"column '{name}' of subject {self.table[SUBJECT][line]} differs between {self.place(before)} and "
                f"{self.place(line)}",
                expected=f"one value for all channels of a subject, or per_channel: [{name}]",
                got=f"'{texts[before]}' and '{texts[line]}'",
            )

    def places(self, channel: str) -> NDArray[np.int64]:
        """Return the line of every subject's channel that names a file, (subjects,), -1 for those without."""
        named = self.table[FILE].to_numpy() != ""
        lines = np.flatnonzero((self.channels.codes == self.channels.texts.index(channel)) & named)
        subjects = self.subjects.codes[lines]
        places = np.full(len(self.subjects.texts), -1)
        # from the last to the first, so that the first stays
        places[subjects[::-1]] = lines[::-1]
        again = lines[places[subjects] != lines]
        if len(again):
            subject = self.subjects.texts[self.subjects.codes[again[0]]]
            before = int(places[self.subjects.codes[again[0]]])
            raise FuseError(
                f"channel '{channel}' of subject {subject} stands twice, in {self.place(before)} and in "
                f"{self.place(int(again[0]))}"
            )
        return places

    def at(self, name: str, places: NDArray[np.int64]) -> pa.ChunkedArray:
        """Return the cells of a column at these lines, empty text at -1."""
        return self.table[name].take(pa.array(places, mask=places < 0)).fill_null("")


def _title(channel: str, name: str) -> str:
    return channel if name == FILE else f"{channel}.{name}"
