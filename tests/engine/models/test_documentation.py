"""The examples of docs/models.md are what the program reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fuse_engine.core import registry

PAGE = Path(__file__).parents[3] / "docs" / "models.md"
BLOCKS: list[dict[str, Any]] = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize("block", [block for block in BLOCKS if "metrics" not in block], ids="-".join)
def test_an_example_is_taken(block: dict[str, Any]) -> None:
    entries = list(block["losses"].values()) if "losses" in block else [block.get("model", block)]
    every = registry.every("model") | registry.every("loss")
    for entry in entries:
        for name, settings in entry.items():
            every[name].model_validate(settings)


def test_every_loss_is_described() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in registry.every("loss") if f"`{name}`" not in text] == []
