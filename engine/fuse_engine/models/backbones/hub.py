"""ImageNet weights of timm's models, from the cache of the Hugging Face hub or from the hub itself."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from pathlib import Path

from fuse_engine.core.errors import FuseError
from fuse_engine.libraries import library

FILE = "model.safetensors"
PATIENCE = 5.0
"""Seconds in which the hub must answer."""


def fetch(model: str) -> Path:
    """Return the file with the weights of a timm model; it is downloaded once.

    Raises:
        FuseError: when there are none, or the hub cannot be reached; it says which file to get by hand.
    """
    config = library("timm", "models").get_pretrained_cfg(model)
    if not config.hf_hub_id:
        raise FuseError(f"timm's hub has no weights of {model}", expected=_by_hand(config.url))
    hub = library("huggingface_hub")
    kept = hub.try_to_load_from_cache(config.hf_hub_id, FILE)
    if isinstance(kept, str):
        return Path(kept)
    address = hub.hf_hub_url(config.hf_hub_id, FILE)
    if hub.constants.HF_HUB_OFFLINE:
        raise FuseError("HF_HUB_OFFLINE forbids the network", expected=_by_hand(address))
    _reach(address)
    try:
        return Path(hub.hf_hub_download(config.hf_hub_id, FILE, etag_timeout=PATIENCE))
    except OSError as error:  # all that the hub raises is one
        raise FuseError(f"the download failed: {type(error).__name__}", expected=_by_hand(address)) from None


def _by_hand(address: str) -> str:
    return f"{address} downloaded and given as `weights`" if address else "a file given as `weights`"


def _reach(address: str) -> None:
    """Ask for the address once: the hub's own client tries for half a minute, and a name server may be silent."""
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(_problem(address)), daemon=True)
    asking.start()
    asking.join(PATIENCE + 1)
    problem = answers[0] if answers else f"no answer in {PATIENCE:.0f} s"
    if problem:
        raise FuseError(f"no network: {problem}", expected=_by_hand(address))


def _problem(address: str) -> str:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=PATIENCE):  # noqa: S310
            return ""
    except urllib.error.HTTPError:
        return ""  # there is a network, and the client knows better what is wrong
    except OSError as error:
        return str(getattr(error, "reason", error))
