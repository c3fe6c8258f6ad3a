"""Guards: what augmentation may do to samples that nobody wanted."""

from fuse_engine.augment.guards.caution import Caution, Fix
from fuse_engine.augment.guards.damage import Damage, Limits, Moved, components_of, damages
from fuse_engine.augment.guards.idle import idle
from fuse_engine.augment.guards.laterality import laterality, left_right_axis, sided_names
from fuse_engine.augment.guards.watched import ValueLimits, Watched

__all__ = [
    "Caution",
    "Damage",
    "Fix",
    "Limits",
    "Moved",
    "ValueLimits",
    "Watched",
    "components_of",
    "damages",
    "idle",
    "laterality",
    "left_right_axis",
    "sided_names",
]
