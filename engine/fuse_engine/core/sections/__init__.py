"""The groups of settings that an experiment is made of."""

from fuse_engine.core.sections.base import Section, Spec
from fuse_engine.core.sections.data import Balance, Batch, Checks, Data
from fuse_engine.core.sections.split import Split
from fuse_engine.core.sections.training import Best, Negatives, Run, Stage, Training

__all__ = [
    "Balance", "Batch", "Best", "Checks", "Data", "Negatives", "Run", "Section", "Spec", "Split", "Stage",
    "Training",
]  # fmt: skip
