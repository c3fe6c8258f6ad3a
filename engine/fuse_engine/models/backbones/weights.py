"""Weights from a file into a network: by name, with what does not fit said."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from fuse_engine.core.errors import FuseError

_log = logging.getLogger(__name__)

Reshape = Callable[[str, Tensor, Tensor], Tensor]
"""Makes a tensor of the file fit one of the network: (name, the file's, the network's)."""

_SHOWN = 6
_COUNTER = "num_batches_tracked"
"""Older files lack it, and nothing depends on it."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name: .safetensors, or what torch saved; of several groups the largest.

    Raises:
        FuseError: when it cannot be read, or holds no plain tensors; code in it is never run.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == ".safetensors":
            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise FuseError(f"cannot read {path}", got=error.strerror or type(error).__name__) from None
    except SafetensorError as error:
        raise FuseError(f"{path} is no safetensors file", got=str(error)) from None
    except Exception as error:  # noqa: BLE001 torch raises anything from UnpicklingError to KeyError for foreign content
        raise FuseError(
            f"{path} does not hold weights alone", expected="tensors by name, saved as state_dict() gives them",
            got=type(error).__name__,
        ) from None  # fmt: skip
    found = _largest(state)
    if not found:
        raise FuseError(f"there are no tensors in {path}", expected="tensors by name, as state_dict() gives them")
    odd = [name for name, tensor in found.items() if not _plain(tensor)]
    if odd:
        raise FuseError(
            f"{path} holds tensors that are no arrays of real numbers: {_listed(odd)}",
            expected="plain ones, not sparse, quantized, complex or without content",
        )  # fmt: skip
    return found


def _plain(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not (tensor.is_quantized or tensor.is_complex() or tensor.is_meta)


def _largest(state: Any, depth: int = 3) -> dict[str, Tensor]:
    if not isinstance(state, Mapping):
        return {}
    here = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    below = (_largest(value, depth - 1) for value in state.values()) if depth else ()
    return max([here, *below], key=len)


def adapt(kernel: Float[Tensor, "o i *k"], channels: int, copy: bool) -> Float[Tensor, "o j *k"]:
    """Return the kernels of a first layer for another number of input channels.

    Fewer channels: the last one stands for those that are missing, so its kernel is the sum of theirs; one channel
    gets the sum of all. More: the first are as they are, the others copies of the last, or zeros.
    """
    known = kernel.shape[1]
    if channels < known:
        return torch.cat([kernel[:, : channels - 1], kernel[:, channels - 1 :].sum(1, keepdim=True)], 1)
    extra = kernel[:, -1:].expand(-1, channels - known, *kernel.shape[2:])
    return torch.cat([kernel, extra if copy else torch.zeros_like(extra)], 1)


@dataclass
class Fitting:
    """What became of the tensors of a file."""

    taken: dict[str, Tensor] = field(default_factory=dict)
    """What goes into the network, by the network's names."""
    missing: list[str] = field(default_factory=list)
    """Tensors of the network that the file does not hold."""
    misshapen: list[str] = field(default_factory=list)
    """Tensors of the network that have another shape in the file."""
    unused: list[str] = field(default_factory=list)
    """Tensors of the file that the network has no place for."""

    @property
    def problems(self) -> str:
        """Say what did not fit, shortly."""
        groups = {"of another shape": self.misshapen, "not in the file": self.missing, "not used": self.unused}
        return "; ".join(f"{what}: {_listed(names)}" for what, names in groups.items() if names)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def fitting(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], reshape: Reshape) -> Fitting:
    """Compare the tensors of a file with those of a network; prefixes such as `module.` are passed over."""
    prefix, result = _prefix(found, wanted), Fitting()
    for name, target in wanted.items():
        tensor = found.get(prefix + name)
        if tensor is None:
            if not name.endswith(_COUNTER):
                result.missing.append(name)
            continue
        made = tensor if tensor.shape == target.shape else reshape(name, tensor, target)
        if made.shape == target.shape:
            result.taken[name] = made
        else:
            result.misshapen.append(f"{name} {tuple(tensor.shape)}, not {tuple(target.shape)}")
    result.unused = [name for name in found if name.removeprefix(prefix) not in wanted]
    return result


def _prefix(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """Return what most names of the file have in front of the network's."""
    counts: Counter[str] = Counter()
    for name in found:
        parts = name.split(".")
        counts.update(
            name[: len(name) - len(end)]
            for end in (".".join(parts[start:]) for start in range(len(parts)))
            if end in wanted
        )
    return counts.most_common(1)[0][0] if counts else ""


def _fit_to_use(tensor: Tensor, target: Tensor) -> bool:
    if not target.is_floating_point():
        return True
    return tensor.is_floating_point() and bool(torch.isfinite(tensor).all())


def put_in(fitted: Fitting, wanted: Mapping[str, Tensor], source: str) -> None:
    """Copy what fits into the network; log what does not.

    Raises:
        FuseError: when less than most of the network's tensors are in the file, or one holds no weights.
    """
    taken = sum(not name.endswith(_COUNTER) for name in fitted.taken)
    count = taken + len(fitted.missing) + len(fitted.misshapen)
    if 2 * taken <= count:
        raise FuseError(
            f"{source} does not fit: {taken} of {count} tensors; {fitted.problems}",
            expected="weights of this very network",
        )
    wrong = [name for name, tensor in fitted.taken.items() if not _fit_to_use(tensor, wanted[name])]
    if wrong:
        raise FuseError(
            f"{source} holds no weights at {_listed(wrong)}",
            expected="finite fractions, where the network has some",
        )
    with torch.no_grad():
        for name, tensor in fitted.taken.items():
            wanted[name].copy_(tensor)
    for what, names in (("are not in the file", fitted.missing), ("have another shape", fitted.misshapen)):
        if names:
            _log.warning(
                "%s: %d of %d tensors %s and stay random: %s", source, len(names), count, what, ", ".join(names)
            )
    if fitted.unused:
        _log.info("%s: not used: %s", source, ", ".join(fitted.unused))
