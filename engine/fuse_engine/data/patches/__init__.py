"""Parts of samples: where they lie, how they are cut out, and how predictions are put together again."""

from fuse_engine.data.patches.base import Box, Patches, cut
from fuse_engine.data.patches.centres import ClassIndex
from fuse_engine.data.patches.dataset import PatchDataset
from fuse_engine.data.patches.grid import Crops, GridPatches
from fuse_engine.data.patches.reassembly import Reassembly
from fuse_engine.data.patches.sampled import RandomPatches

__all__ = [
    "Box",
    "ClassIndex",
    "Crops",
    "GridPatches",
    "PatchDataset",
    "Patches",
    "RandomPatches",
    "Reassembly",
    "cut",
]
