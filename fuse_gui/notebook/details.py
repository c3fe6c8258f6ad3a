"""What is known about a sample, in a notebook: names and values under headings."""

from __future__ import annotations

import html
from collections.abc import Sequence

import ipywidgets as W

from fuse_gui.models.details import Section

NAME = "color:#737a85;padding-right:12px;vertical-align:top;white-space:nowrap"


class DetailsView(W.HTML):  # type: ignore[misc]
    """Sections with their rows; what looks like markup stays text."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(layout={"max_height": "260px", "overflow": "auto"})
        self.add_class("fuse-details")

    def say(self, sections: Sequence[Section]) -> None:
        """Show other sections."""
        self.value = "".join(map(_section, sections))


def _section(section: Section) -> str:
    rows = "".join(
        f'<tr><td style="{NAME}">{html.escape(name)}</td><td>{html.escape(value)}</td></tr>'
        for name, value in section.rows
    )
    return f'<div style="font-weight:bold">{html.escape(section.title)}</div><table>{rows}</table>'
