"""Pickled tables, read without doing anything that a pickle says."""

from fuse_engine.data.inert.file import ENDINGS, convert_command, read_table
from fuse_engine.data.inert.table import read_content

__all__ = ["ENDINGS", "convert_command", "read_content", "read_table"]
