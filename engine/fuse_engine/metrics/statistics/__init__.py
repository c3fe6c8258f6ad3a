"""How far a figure can be trusted: intervals, tests, groups."""

from fuse_engine.metrics.statistics.delong import DeLong
from fuse_engine.metrics.statistics.groups import Filter, GroupAnalysis
from fuse_engine.metrics.statistics.interval import ConfidenceInterval
from fuse_engine.metrics.statistics.mcnemar import McNemar
from fuse_engine.metrics.statistics.paired import PairedBootstrap

__all__ = ["ConfidenceInterval", "DeLong", "Filter", "GroupAnalysis", "McNemar", "PairedBootstrap"]
