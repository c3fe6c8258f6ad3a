"""Which modules of a model keep their weights in a stage of the training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from torch import nn

from fuse_engine.core.errors import Problem, nearest
from fuse_engine.models.base import BatchModule


def freeze(module: BatchModule, names: Iterable[str]) -> None:
    """Let what is named keep its weights, and its running statistics as well."""
    for part in frozen(module, names):
        part.requires_grad_(False).eval()


def frozen(module: BatchModule, names: Iterable[str]) -> list[nn.Module]:
    """Return the modules that names such as `backbone`, or patterns such as `backbone.levels.[01]`, stand for."""
    known = _known(module)
    return [part for name in names for fits, part in known.items() if fnmatchcase(fits, name)]


def name_problems(module: BatchModule, names: Iterable[str], where: str) -> Iterator[Problem]:
    """Say which names stand for nothing that has weights."""
    known = [name for name, part in _known(module).items() if any(True for _ in part.parameters())]
    parts = list(module.parts)
    below = next((name for name in known if name not in parts and name[-1].isdigit()), "")
    for name in names:
        if not any(fnmatchcase(fits, name) for fits in known):
            yield Problem(
                f"the model has no part '{name}'", where,
                expected=f"one of {', '.join(parts)}{f', or a part of them such as {below}' if below else ''}",
                nearest=nearest(name, known if "." in name else parts),
            )  # fmt: skip


def _known(module: BatchModule) -> dict[str, nn.Module]:
    """Return the parts, and the modules below them, by name."""
    return {
        f"{part}.{name}".removesuffix("."): item
        for part, root in module.parts.items()
        for name, item in root.named_modules(remove_duplicate=False)
    }
