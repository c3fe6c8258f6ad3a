"""Samples listed in a pickled DataFrame, such as the seeds' experiment files."""

from __future__ import annotations

from pathlib import Path

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.data.inert import ENDINGS, read_table
from fuse_engine.data.source import Cohort, Source
from fuse_engine.data.sources.table import table_file


@register
class PickledTable(Source):
    """Lists the samples in a pickled DataFrame (.pkl), read as inert data: nothing in the file is ever run.

    Cells are text; lists and dicts in them become JSON. Paths in it start from its own folder. A million rows
    take half a minute: `fuse-gui convert cohort.pkl cohort.parquet` makes a table that opens at once.
    """

    path: Path
    """File that ends in .pkl or .pickle, or in .pkl.gz where it is packed."""
    id: str = "sample_desc"
    """Column that names each sample."""
    group: str | None = None
    """Column whose equal values stay together in a split, e.g. the patient."""
    fold: str | None = None
    """Column that says which fold a sample belongs to; folds are made where empty."""

    def read(self, folder: Path) -> Cohort:
        """Return the samples; every cell is text.

        Raises:
            FuseError: naming the file, the column, and what cannot be read without running it.
        """
        path = table_file(folder, self.path)
        if not path.name.lower().endswith(ENDINGS):
            raise FuseError(f"cannot read {path.name}", expected=f"a file that ends in {', '.join(ENDINGS)}")
        try:
            return Cohort(read_table(path), self.id, self.group, self.fold, path.parent)
        except FuseError as error:
            raise error.placed(source=path.name) from None
