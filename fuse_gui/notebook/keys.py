"""Single keys in a notebook: whatever has no field to type in belongs to the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as W


class KeysView(W.Text):  # type: ignore[misc]
    """A small field that stays empty: each letter typed in it does what it stands for."""

    def __init__(self, hint: str, help_text: str, actions: Mapping[str, Callable[[], object]]) -> None:
        """Take what each small letter does."""
        super().__init__(placeholder=hint, tooltip=help_text, layout={"width": "11em", "flex": "0 0 auto"})
        self._actions, self._last = actions, ""
        self.add_class("fuse-keys")
        self.observe(self._typed, "value")

    def _typed(self, change: dict[str, Any]) -> None:
        typed = change["new"]
        if not typed:
            return
        # letters that were on their way before the field was emptied arrive behind those done already
        fresh = typed.removeprefix(self._last) if len(typed) > len(self._last) else typed
        self._last = typed
        self.value = ""
        for letter in fresh.lower():
            if letter in self._actions:
                self._actions[letter]()
