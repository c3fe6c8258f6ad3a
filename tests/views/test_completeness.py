"""Both renderers know every kind of field, and every view stands on both sides or is named here."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

import fuse_gui
from fuse_engine.core.catalog import FieldKind

ROOT = Path(fuse_gui.__file__).parent
LONGEST_VIEW = 220


def kinds_drawn(path: Path) -> list[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "CONTROLS":
            assert isinstance(node.value, ast.Dict)
            return [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
    return []


@pytest.mark.parametrize("toolkit", ["qt", "notebook"])
def test_a_renderer_knows_every_kind_of_field(toolkit: str) -> None:
    assert kinds_drawn(ROOT / toolkit / "form.py") == list(get_args(FieldKind))


def test_the_form_reads_every_kind_that_is_one_question() -> None:
    from fuse_gui.models import answer

    assert {*answer._READERS, "slot", "list"} == set(get_args(FieldKind))


def test_views_are_wires() -> None:
    views = [*ROOT.glob("qt/*.py"), *ROOT.glob("notebook/*.py")]
    assert [path.name for path in views if len(path.read_text().splitlines()) > LONGEST_VIEW] == []
