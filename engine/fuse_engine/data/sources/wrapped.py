"""Any torch dataset as a source of samples."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Sized
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError, SampleError, nearest, short
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Cohort, Row, Source

_INDEX, _DATASET, _TARGET = "index", "dataset", "target"


class WrapDataset(Source):
    """Lists the samples of a torch dataset; a subclass with `@register` says how to open it.

    The steps `Element` take the parts of a sample, e.g. `Element: {part: "0"}` the picture of (picture, class).
    Where the dataset has `targets`, as those of torchvision do, they stand in the column `target`, so that classes
    are known without opening a picture.
    """

    @abstractmethod
    def open(self, folder: Path) -> Any:
        """Return the dataset: anything with a length and items 0, 1, ...; relative paths start from `folder`."""

    def read(self, folder: Path) -> Cohort:
        """Return one sample for each item: its position is its id.

        Raises:
            FuseError: when the dataset cannot be opened.
        """
        text = json.dumps(self.to_entry(), sort_keys=True)
        dataset = _opened(text, str(folder))
        positions = [str(index) for index in range(len(dataset))]
        columns = {"id": positions, _INDEX: positions, _DATASET: [text] * len(positions)}
        targets = getattr(dataset, "targets", None)
        if targets is not None and len(targets) == len(positions):
            columns[_TARGET] = _texts(targets.tolist() if isinstance(targets, torch.Tensor) else targets)
        return Cohort.from_frame(pd.DataFrame(columns, dtype="str"), folder=folder)


@register
class Element(Processor):
    """Takes one part of an item of a torch dataset: pictures and arrays become images, single numbers stay."""

    opens: ClassVar[bool] = True
    part: str = "0"
    """Position in the item, from 0, or its name where items are mappings."""
    label: bool = False
    """The part is a label map: whole numbers, never interpolated."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the part: an array with two or more axes as an image with pixels of 1 mm.

        Raises:
            SampleError: for a part that is not there, or is nothing that a sample can hold.
        """
        item = _opened(row.text(_DATASET), str(row.folder))[int(row.text(_INDEX))]
        return _value(self._part(item), self.label)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return which item it is; whether the dataset behind it changed, nobody can tell."""
        return {_INDEX: row.text(_INDEX), _DATASET: row.text(_DATASET)}

    def _part(self, item: Any) -> Any:
        if isinstance(item, dict):
            known = [str(name) for name in item]
            if self.part in known:
                return item[list(item)[known.index(self.part)]]
        else:
            parts = list(item) if isinstance(item, tuple | list) else [item]
            known = [str(index) for index in range(len(parts))]
            if self.part in known:
                return parts[int(self.part)]
        raise SampleError(
            f"the item has no part '{self.part}'", expected=f"one of {', '.join(known)}",
            nearest=nearest(self.part, known),
        )  # fmt: skip


def _opened(entry: str, folder: str) -> Any:
    (name, _), *_ = json.loads(entry).items()
    cls = registry.get("source", name)
    if not issubclass(cls, WrapDataset):
        raise FuseError(f"the source {name} wraps no dataset")
    return _dataset(cls, entry, folder)


@lru_cache(maxsize=8)
def _dataset(cls: type[WrapDataset], entry: str, folder: str) -> Any:
    (_, arguments), *_ = json.loads(entry).items()
    source = cls.model_validate(arguments)
    try:
        found = source.open(Path(folder))
    except FuseError:
        raise
    except Exception as error:  # the boundary: a dataset may be anyone's code
        raise FuseError(f"the dataset cannot be opened: {type(error).__name__}: {error}") from error
    if not isinstance(found, Sized):
        raise FuseError("the dataset has no length", expected="items 0, 1, ...", got=type(found).__name__)
    return found


def _texts(targets: Iterable[Any]) -> list[str]:
    return [str(item.item() if isinstance(item, torch.Tensor | np.generic) else item) for item in targets]


def _value(part: Any, label: bool) -> Value:
    if isinstance(part, bool | int | float | str):
        return int(part) if isinstance(part, bool) else part
    array = np.asarray(part)  # of tensors, arrays and pictures alike
    if array.dtype.kind not in "biuf":
        raise SampleError("the part is nothing that a sample can hold", got=short(part))
    if array.ndim == 0:
        number: int | float = array.item()
        return number
    if array.ndim == 1:
        return array.astype(np.float32)
    if array.ndim > 4:
        raise SampleError("an image has two or three axes, and perhaps channels", got=f"{array.ndim} axes")
    picture = not isinstance(part, torch.Tensor | np.ndarray) and array.ndim == 3
    pixels = np.moveaxis(array, -1, 0) if picture else array[None] if array.ndim == 2 else array
    if label:
        pixels = pixels.astype(np.uint8 if pixels.min() >= 0 and pixels.max() < 256 else np.int32)
    else:
        pixels = pixels.astype(np.float32)
    return Image(np.ascontiguousarray(pixels), Geometry.plain(pixels.shape[1:]))
