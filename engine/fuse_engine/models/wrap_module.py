"""A torch module of the user as the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator
from torch import Tensor, nn

from fuse_engine.core.arguments import Argument
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.functions import functions, modules
from fuse_engine.core.keys import InputKey
from fuse_engine.core.registry import register
from fuse_engine.models.base import FEATURES, Activation, BatchModule, Model, Shapes
from fuse_engine.models.heading import heads_outputs, named
from fuse_engine.models.shapes import shape_of, sound_format, write_head
from fuse_engine.models.watching import outputs_of


@register
class WrapModule(Model):
    """Any torch module of your own, from a file of components or an installed package."""

    inputs: list[InputKey] = Field(min_length=1)
    """What the module is called with, in this order, each (batch, ...), e.g. `data.input.image`."""
    module: str
    """Name of the module: one with `@module` above it, or an entry point of `fuse_engine.modules`."""
    arguments: dict[str, Argument] = Field({})
    """What the module is made with, by name, e.g. `{channels: 1, classes: 2}`."""
    answers: Annotated[dict[str, Activation], AfterValidator(named)] = Field(min_length=1)
    """Names of the logits that the module returns, in this order, each with what makes its output: `softmax`,
    `sigmoid` or `none`, e.g. `{classifier: softmax}`."""
    pre: str = ""
    """Function that makes what the module is called with of the inputs, with `@function` above it."""
    post: str = ""
    """Function that makes the logits of what the module returns, with `@function` above it."""
    features: str = ""
    """Part of the module, as torch names submodules, whose output is (batch, channel, [z,] y, x); for heatmaps."""

    @model_validator(mode="after")
    def _known(self) -> WrapModule:
        for field, name, found in (
            ("module", self.module, modules), ("pre", self.pre, functions), ("post", self.post, functions)
        ):  # fmt: skip
            try:
                found.find(name) if name else None
            except FuseError as error:
                raise ValueError(f"{field}: {error}") from None
        return self

    def outputs(self) -> tuple[str, ...]:
        """Return the key of the features where a part gives them, and those of the answers."""
        return heads_outputs(self.answers, bool(self.features))

    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module, made by its author.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
        for index, key in enumerate(self.inputs):
            shape_of(shapes, key, f"inputs.{index}")
        try:
            inner = modules.find(self.module)(**self.arguments)
        except FuseError:
            raise
        except Exception as error:  # the boundary: an author's code may fail in any way
            raise FuseError(f"{self.module} cannot be made: {_line(error)}", where="arguments") from error
        if not isinstance(inner, nn.Module):
            raise FuseError(f"{self.module} made no torch module", where="module", got=type(inner).__name__)
        if self.features and self.features not in dict(inner.named_modules()):
            raise FuseError(
                f"{self.module} has no part '{self.features}'", where="features",
                expected=f"one of {', '.join(name for name, _ in inner.named_modules() if name)}",
            )  # fmt: skip
        return _WrapModule(self, inner)


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


class _WrapModule(BatchModule):
    def __init__(self, settings: WrapModule, inner: nn.Module) -> None:
        super().__init__()
        self.name, self.inputs, self.answers = settings.module, list(settings.inputs), dict(settings.answers)
        self.pre = functions.find(settings.pre) if settings.pre else None
        self.post = functions.find(settings.post) if settings.post else None
        self.inner = inner
        self.last_features = f"inner.{settings.features}" if settings.features else ""

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        return {"module": self.inner}

    def forward(self, batch: NestedDict) -> NestedDict:
        result = batch.copy()
        watched = self.get_submodule(self.last_features) if self.last_features else nn.Identity()
        with outputs_of(watched) as found, sound_format([batch[key] for key in self.inputs]) as inputs:
            given = _sequence(self.pre(*inputs)) if self.pre else inputs
            returned = self.inner(*given)
            logits = self._logits(self.post(returned) if self.post else returned)
        if self.last_features:
            result[FEATURES] = found[-1]
        for (name, activation), value in zip(self.answers.items(), logits, strict=True):
            write_head(result, name, value, activation)
        return result

    def _logits(self, returned: Any) -> list[Tensor]:
        """Return the logits of each answer."""
        names = list(self.answers)
        if isinstance(returned, Mapping):
            if missing := [name for name in names if name not in returned]:
                raise FuseError(
                    f"{self.name} returned no '{missing[0]}'", where="answers",
                    expected=f"one of {', '.join(returned)}",
                )  # fmt: skip
            found = [returned[name] for name in names]
        else:
            found = list(_sequence(returned))
        if len(found) != len(names) or not all(isinstance(value, Tensor) and value.ndim > 1 for value in found):
            raise FuseError(
                f"{self.name} returned {_told(found)}", where="answers",
                expected=f"logits (batch, width, ...) for {', '.join(names)}",
            )  # fmt: skip
        return found


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple | list) else (value,)


def _told(found: Sequence[Any]) -> str:
    each = [f"a tensor {tuple(v.shape)}" if isinstance(v, Tensor) else type(v).__name__ for v in found]
    return ", ".join(each) or "nothing"
