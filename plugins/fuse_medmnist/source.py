"""A MedMNIST file as a cohort with its official split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fuse_engine.core.registry import register
from fuse_engine.data import Cohort, Source
from fuse_medmnist.archive import PARTS, read_array
from fuse_medmnist.collection import COLLECTIONS


@register
class MedMNIST(Source):
    """Lists the samples of a MedMNIST `.npz`; the folds are its official parts train, val and test.

    Columns: `label` with the name of the class (its number for files that are not part of MedMNIST v2), or a
    0/1 column for each class where a sample may have several.
    """

    path: Path
    """The `.npz` file, e.g. pneumoniamnist.npz."""

    def read(self, folder: Path) -> Cohort:
        """Return one row for each image; the images themselves are not read.

        Raises:
            FuseError: for a missing or damaged file.
        """
        path = folder / self.path
        frames = [self._part(path, part) for part in PARTS]
        frame = pd.concat(frames, ignore_index=True)
        return Cohort.from_frame(frame, id="id", fold="part", folder=folder)

    def _part(self, path: Path, part: str) -> pd.DataFrame:
        labels = read_array(path, f"{part}_labels")
        count = len(labels)
        columns = {
            "id": [f"{part}-{index:06d}" for index in range(count)],
            "part": [part] * count,
            "index": [str(index) for index in range(count)],
            "file": [str(self.path)] * count,
        }
        return pd.DataFrame({**columns, **_label_columns(labels.reshape(count, -1), path.stem)})


def _label_columns(labels: NDArray[Any], name: str) -> dict[str, list[str]]:
    known = COLLECTIONS.get(name.lower())
    several = labels.shape[1] > 1
    count = labels.shape[1] if several else int(labels.max(initial=0)) + 1
    fits = known is not None and known.several == several and len(known.classes) >= count
    classes = known.classes if known is not None and fits else tuple(map(str, range(count)))
    if not several:
        return {"label": np.asarray(classes, dtype=object)[labels[:, 0].astype(int)].tolist()}
    return {
        f"label {label}": labels[:, place].astype(int).astype(str).tolist() for place, label in enumerate(classes)
    }
