"""Samples: where they come from, how they are processed, kept, divided and put together."""

from fuse_engine.data.cache import Cache, Disk, Memory, Off
from fuse_engine.data.collate import collate, to_tensors
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.dicom.series import check_series, read_series
from fuse_engine.data.fit import fit_experiment
from fuse_engine.data.image import Image, read_geometry, read_image, resample, write_image
from fuse_engine.data.integrity import check_file
from fuse_engine.data.patches import PatchDataset, Patches
from fuse_engine.data.processor import Pipeline, Processor, Traced, Value
from fuse_engine.data.processors.arrays import LoadArray
from fuse_engine.data.processors.boxes import Boxes
from fuse_engine.data.processors.channels import PerChannel, SelectChannels
from fuse_engine.data.processors.columns import Columns, Label, Number, RandomLabel, Text
from fuse_engine.data.processors.contours import Contours
from fuse_engine.data.processors.cropping import Crop, CropForeground, CropOrPad, Pad
from fuse_engine.data.processors.dicom import LoadDicom, LoadSegmentation, LoadStructures
from fuse_engine.data.processors.encoding import LabelLookup, OneHot
from fuse_engine.data.processors.function import Function
from fuse_engine.data.processors.geometry import Orient, Resample, ResampleLike, Resize
from fuse_engine.data.processors.histogram import HistogramMatch
from fuse_engine.data.processors.intensity import Clip, IntensityWindow, Normalize, ToRange
from fuse_engine.data.processors.loading import LoadChannels, LoadImage
from fuse_engine.data.processors.windows import CtWindow, MriWindow, TrimmedNorm
from fuse_engine.data.sampler import BatchSampler
from fuse_engine.data.source import Cohort, Row, Source, read_cohort
from fuse_engine.data.sources.arrays import Hdf5, Npz
from fuse_engine.data.sources.dataset_csv import DatasetCsv
from fuse_engine.data.sources.dicom_tree import DicomTree
from fuse_engine.data.sources.folder import Folder
from fuse_engine.data.sources.pickled import PickledTable
from fuse_engine.data.sources.table import Table
from fuse_engine.data.sources.wrapped import Element, WrapDataset
from fuse_engine.data.split import Folds, make_folds

__all__ = [
    "BatchSampler",
    "Boxes",
    "Cache",
    "Clip",
    "Cohort",
    "Columns",
    "Contours",
    "Crop",
    "CropForeground",
    "CropOrPad",
    "CtWindow",
    "Dataset",
    "DatasetCsv",
    "DicomTree",
    "Disk",
    "Element",
    "Folder",
    "Folds",
    "Function",
    "Hdf5",
    "HistogramMatch",
    "Image",
    "IntensityWindow",
    "Label",
    "LabelLookup",
    "LoadArray",
    "LoadChannels",
    "LoadDicom",
    "LoadImage",
    "LoadSegmentation",
    "LoadStructures",
    "Memory",
    "MriWindow",
    "Normalize",
    "Npz",
    "Number",
    "Off",
    "OneHot",
    "Orient",
    "Pad",
    "PatchDataset",
    "Patches",
    "PerChannel",
    "PickledTable",
    "Pipeline",
    "Processor",
    "RandomLabel",
    "Resample",
    "ResampleLike",
    "Resize",
    "Row",
    "SelectChannels",
    "Source",
    "Table",
    "Text",
    "ToRange",
    "Traced",
    "TrimmedNorm",
    "Value",
    "WrapDataset",
    "check_file",
    "check_series",
    "collate",
    "fit_experiment",
    "make_folds",
    "read_cohort",
    "read_geometry",
    "read_image",
    "read_series",
    "resample",
    "to_tensors",
    "write_image",
]
