"""The rules that components of every kind keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fuse_engine.augment import Augmentation
from fuse_engine.core.component import Component
from fuse_engine.data.processor import Processor
from fuse_engine.losses.base import Loss
from fuse_engine.metrics.base import Metric
from fuse_engine.models.base import Backbone, Head, Model, Network
from fuse_engine.testing.contract.augmentation import check_augmentation
from fuse_engine.testing.contract.component import check_class, check_data, example
from fuse_engine.testing.contract.measures import check_loss, check_metric
from fuse_engine.testing.contract.model import check_backbone, check_head, check_model, check_network
from fuse_engine.testing.contract.processor import check_processor
from fuse_engine.testing.contract.rules import ContractError

__all__ = ["ContractError", "check_component", "example"]

_KINDS: tuple[tuple[type[Component], Callable[[Any], None]], ...] = (
    (Augmentation, check_augmentation), (Backbone, check_backbone), (Head, check_head), (Loss, check_loss),
    (Metric, check_metric), (Model, check_model), (Network, check_network), (Processor, check_processor),
)  # fmt: skip


def check_component(cls: type[Component], **arguments: Any) -> None:
    """Hold a component class against the rules of its kind; plugin authors call it in their tests too.

    `arguments` are those of the component; required ones that are not given are made up.

    Raises:
        ContractError: naming the rule that is broken.
    """
    check_class(cls)
    component = example(cls, **arguments)
    check_data(component)
    for base, check in _KINDS:
        if isinstance(component, base):
            check(component)
