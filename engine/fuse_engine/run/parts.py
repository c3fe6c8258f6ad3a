"""Importing this registers what a training is made of."""

from fuse_engine.run.callbacks import Callback, EarlyStopping, TimeLimit
from fuse_engine.run.executors import Executor, Inline, Local
from fuse_engine.run.explain import GradCAM, Heatmap
from fuse_engine.run.optimizers import SGD, Adam, AdamW, Optimizer
from fuse_engine.run.schedules import Constant, Cosine, OneCycle, Schedule, Step

__all__ = [
    "SGD", "Adam", "AdamW", "Callback", "Constant", "Cosine", "EarlyStopping", "Executor", "GradCAM", "Heatmap",
    "Inline", "Local", "OneCycle", "Optimizer", "Schedule", "Step", "TimeLimit",
]  # fmt: skip
