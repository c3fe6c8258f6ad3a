"""Which loss and which head moves the shared part of a model, and whether they pull it the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import torch
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.models.base import BatchModule

_LOGITS = "model.logits."


@dataclass(frozen=True)
class Pull:
    """Shares of the gradient on the shared part; empty where there is none."""

    losses: dict[str, float] = field(default_factory=dict)
    """Norm of each loss's gradient, as a share of their sum."""
    heads: dict[str, float] = field(default_factory=dict)
    """Norm of the gradient through each head, as a share of their sum."""
    cosines: list[tuple[str, str, float]] = field(default_factory=list)
    """Pairs of losses with the cosine of their gradients: 1 together, -1 against each other."""


def pull(module: BatchModule, predicted: NestedDict, shares: Mapping[str, Tensor]) -> Pull:
    """Return what the weighted losses of one batch do to the weights that all heads share."""
    shared = shared_weights(module)
    learned = {name: share for name, share in shares.items() if share.requires_grad}
    if not shared or not learned:
        return Pull()
    gradients = {name: _gradient(share, shared) for name, share in learned.items()}
    total = torch.stack(list(learned.values())).sum()
    logits = {key.removeprefix(_LOGITS): value for key, value in predicted.items() if key.startswith(_LOGITS)}
    through = {
        name: _gradient(value, shared, outer) for name, value in logits.items()
        if value.requires_grad and (outer := _outer(total, value)) is not None
    }  # fmt: skip
    cosines = [(a, b, _cosine(gradients[a], gradients[b])) for a, b in combinations(gradients, 2)]
    return Pull(_parts(gradients), _parts(through), cosines)


def shared_weights(module: BatchModule) -> list[nn.Parameter]:
    """Return the weights that are trained and belong to no head."""
    heads = {
        id(weight) for name, part in module.parts.items() if name.startswith("heads.")
        for weight in part.parameters()
    }  # fmt: skip
    return [weight for weight in module.parameters() if weight.requires_grad and id(weight) not in heads]


def _outer(total: Tensor, logits: Tensor) -> Tensor | None:
    (found,) = torch.autograd.grad(total, [logits], retain_graph=True, allow_unused=True)
    return found


def _gradient(value: Tensor, weights: list[nn.Parameter], outer: Tensor | None = None) -> Tensor:
    """Return the gradient of all weights as one vector, float32."""
    found = torch.autograd.grad(value, weights, outer, retain_graph=True, allow_unused=True)
    flat = [
        torch.zeros_like(weight) if part is None else part for weight, part in zip(weights, found, strict=True)
    ]
    return torch.cat([part.reshape(-1).float() for part in flat])


def _parts(gradients: Mapping[str, Tensor]) -> dict[str, float]:
    norms = {name: float(gradient.norm()) for name, gradient in gradients.items()}
    total = sum(norms.values())
    return {name: norm / total if total > 0 else 0.0 for name, norm in norms.items()}


def _cosine(one: Tensor, other: Tensor) -> float:
    product = float(one.norm() * other.norm())
    return float(one @ other) / product if product > 0 else 0.0
