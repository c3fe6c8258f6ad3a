"""The heads that answer one question a sample."""

from __future__ import annotations

from fuse_engine.core.registry import register
from fuse_engine.models.heads.answers import ClassHead, LabelHead, RiskHead, ValueHead
from fuse_engine.models.heads.pooled import PooledHead


@register
class GlobalPoolingClassifier(PooledHead, ClassHead):
    """One class a sample, from the pooled coarsest features and table columns, by fully connected layers."""


@register
class GlobalPoolingMultiLabel(PooledHead, LabelHead):
    """Any number of labels a sample, each there or not, from the pooled coarsest features and table columns."""


@register
class GlobalPoolingRegression(PooledHead, ValueHead):
    """Numbers a sample, e.g. an age or a volume, from the pooled coarsest features and table columns."""


@register
class GlobalPoolingSurvival(PooledHead, RiskHead):
    """The logarithm of a sample's risk (Cox 1972), from the pooled coarsest features and table columns."""
