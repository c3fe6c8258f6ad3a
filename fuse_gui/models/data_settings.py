"""The forms of the Data panel: the source, how samples are divided, cut, kept, put together and checked."""

from __future__ import annotations

from collections.abc import Mapping

from fuse_engine.core.catalog import describe
from fuse_engine.core.sections import Data
from fuse_gui.models.bound import Bound, live_offers
from fuse_gui.models.field import Item
from fuse_gui.models.form import item_of
from fuse_gui.models.project import Project

STEPS = ("input", "gt")
"""Fields that the Processors panel edits."""


class DataSettings:
    """Forms over every field of the experiment's data but its steps."""

    title = "Source, division, patches, cache, batches, checks"

    def __init__(self, project: Project) -> None:
        """Follow the open project."""
        offers = live_offers(project)
        specs = [spec for spec in describe(Data).fields if spec.name not in STEPS]
        self._parts = {spec.name: Bound(project, ("data", spec.name), item_of(spec, offers)) for spec in specs}

    @property
    def items(self) -> Mapping[str, Item]:
        """The forms, by field."""
        return {name: bound.item for name, bound in self._parts.items()}
