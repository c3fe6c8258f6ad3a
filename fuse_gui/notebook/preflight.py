"""The preflight card in a notebook."""

from __future__ import annotations

import html

import ipywidgets as W

from fuse_gui.models.preflight import Bar, Card, PreflightModel
from fuse_gui.notebook.controls import HELP, TITLE, Text, button, show
from fuse_gui.notebook.draw import LINE

BLUE, RED = "#4aa3ff", "#e5484d"


class PreflightView(W.VBox):  # type: ignore[misc]
    """The button, the progress, and the card of what one step has shown."""

    def __init__(self, model: PreflightModel) -> None:
        """Follow the model."""
        self.model = model
        self.state, self.card, self.proposal = Text(), W.HTML(), Text("", TITLE)
        self.bar = W.FloatProgress(min=0, max=1, layout={"width": "200px"})
        self.start = button(model.start_label, model.help, model.start)
        self.cancel = button(model.cancel_label, "", model.cancel)
        self.apply = button(model.apply_label, model.apply_help, model.apply)
        self.card.add_class("fuse-preflight-card")
        head = W.Box([self.start, self.cancel, self.bar], layout=LINE)
        super().__init__([head, self.state, self.card, self.proposal, self.apply], layout={"width": "100%"})
        model.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show what is known now."""
        model, card = self.model, self.model.card
        self.start.disabled = not model.can_start
        show(self.cancel, model.running)
        show(self.bar, model.running)
        self.bar.value = model.share
        self.state.say(model.state)
        self.card.value = _table(card) if card else ""
        proposal = card.proposal if card else None
        self.proposal.say(proposal.title if proposal else "")
        show(self.apply, proposal is not None)


def _table(card: Card) -> str:
    rows = [_row(label, "", text) for label, text in card.facts]
    for title, bars in card.bars:
        rows.append(f'<tr><td colspan="3" style="{TITLE}; padding-top: 6px">{html.escape(title)}</td></tr>')
        rows += [_row(bar.label, _bar(bar), bar.text) for bar in bars]
    notes = "".join(f'<div style="{HELP}">{html.escape(note)}</div>' for note in card.notes)
    return f'<table style="font-size: 12px; border-spacing: 0; color: inherit">{"".join(rows)}</table>{notes}'


def _row(label: str, bar: str, text: str) -> str:
    left = f'<td style="{HELP}; padding-right: 12px">{html.escape(label)}</td>'
    if not bar:
        return f'<tr>{left}<td colspan="2">{html.escape(text)}</td></tr>'
    return f'<tr>{left}<td>{bar}</td><td style="padding-left: 8px">{html.escape(text)}</td></tr>'


def _bar(bar: Bar) -> str:
    value = max(-1.0, min(1.0, bar.value))
    start = 50 + min(value, 0) * 50 if bar.signed else 0.0
    wide = abs(value) * (50 if bar.signed else 100)
    ink = RED if value < 0 else BLUE
    return (
        '<div style="position: relative; width: 110px; height: 11px; border: 1px solid #8b929c">'
        f'<div style="position: absolute; left: {start:.1f}%; width: {wide:.1f}%; height: 100%; '
        f'background: {ink}"></div></div>'
    )
