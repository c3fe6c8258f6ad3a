"""Fewer subjects than there are, for a first try (InnerEye's `restrict_subjects`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fuse_engine.data.source import Coded

REST = "+"
_PARTS = 3


def restrict(parts: NDArray[np.int8], groups: Coded, pattern: str) -> NDArray[np.int8]:
    """Return the parts with only the first groups of each: `n`, or `train,validation,test`, empty for all.

    What is left out goes to the part marked `+`, or is unused (DatasetSplits.restrict_subjects).
    """
    texts = [text.strip() for text in pattern.split(",")]
    limits = texts * _PARTS if len(texts) == 1 else texts
    rest = limits.index(REST) if REST in limits else _PARTS
    result = parts.copy()
    for part, limit in enumerate(limits):
        if limit in ("", REST):
            continue
        members = np.flatnonzero(parts == part)
        order = list(dict.fromkeys(groups.codes[members].tolist()))
        result[members[np.isin(groups.codes[members], order[int(limit) :])]] = rest
    return result
