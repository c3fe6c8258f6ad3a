"""Samples: where they come from, how they are processed, kept, divided and put together."""

from fuse_engine.data.cache import Cache, Disk, Memory, Off
from fuse_engine.data.collate import collate, to_tensors
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.fit import fit_experiment
from fuse_engine.data.image import Image, read_geometry, read_image, resample, write_image
from fuse_engine.data.integrity import check_file
from fuse_engine.data.patches import PatchDataset, Patches
from fuse_engine.data.processor import Pipeline, Processor, Traced, Value
from fuse_engine.data.processors.columns import Columns, Label
from fuse_engine.data.processors.contours import Contours
from fuse_engine.data.processors.geometry import Orient, Resample, Resize
from fuse_engine.data.processors.intensity import IntensityWindow, Normalize
from fuse_engine.data.processors.loading import LoadImage
from fuse_engine.data.sampler import BatchSampler
from fuse_engine.data.source import Cohort, Row, Source, read_cohort
from fuse_engine.data.sources.pickled import PickledTable
from fuse_engine.data.sources.table import Table
from fuse_engine.data.sources.wrapped import Element, WrapDataset
from fuse_engine.data.split import Folds, make_folds

__all__ = [
    "BatchSampler",
    "Cache",
    "Cohort",
    "Columns",
    "Contours",
    "Dataset",
    "Disk",
    "Element",
    "Folds",
    "Image",
    "IntensityWindow",
    "Label",
    "LoadImage",
    "Memory",
    "Normalize",
    "Off",
    "Orient",
    "PatchDataset",
    "Patches",
    "PickledTable",
    "Pipeline",
    "Processor",
    "Resample",
    "Resize",
    "Row",
    "Source",
    "Table",
    "Traced",
    "Value",
    "WrapDataset",
    "check_file",
    "collate",
    "fit_experiment",
    "make_folds",
    "read_cohort",
    "read_geometry",
    "read_image",
    "resample",
    "to_tensors",
    "write_image",
]
