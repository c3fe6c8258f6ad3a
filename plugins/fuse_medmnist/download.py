"""`fuse-gui medmnist`: download a MedMNIST file and check it."""

from __future__ import annotations

import argparse
import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.files import atomic_write
from fuse_medmnist.collection import COLLECTIONS, RECORD

_CHUNK = 1 << 16


def download(name: str, folder: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> Path:
    """Fetch the 28-pixel file of a MedMNIST collection into `folder`; a file that is there and whole is kept.

    `progress` is called with the bytes that are done and all bytes (0 if unknown).

    Raises:
        FuseError: for an unknown name, a failed transfer, or a file whose checksum differs from the published one.
    """
    known = COLLECTIONS.get(name.lower())
    if known is None:
        raise FuseError(f"MedMNIST has no collection '{name}'", nearest=nearest(name, COLLECTIONS))
    path = folder / f"{name.lower()}.npz"
    if path.is_file() and _md5(path.read_bytes()) == known.md5:
        return path
    content = _fetch(f"{RECORD}/{path.name}?download=1", progress)
    found = _md5(content)
    if found != known.md5:
        raise FuseError(f"{path.name} arrived damaged or changed", expected=f"MD5 {known.md5}", got=found)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(path, content)
    return path


def _fetch(address: str, progress: Callable[[int, int], None]) -> bytes:
    content = bytearray()
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 the address is a constant https one
            total = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(_CHUNK):
                content += chunk
                progress(len(content), total)
    except (urllib.error.URLError, OSError) as error:
        raise FuseError(f"cannot fetch {address}", got=str(error)) from None
    return bytes(content)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def add_medmnist(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fuse-gui medmnist`."""
    parser = subparsers.add_parser(
        "medmnist", help="download a MedMNIST file and check it",
        description=f"Download a MedMNIST file and check it. Collections: {', '.join(COLLECTIONS)}.",
        epilog="example: fuse-gui medmnist pneumoniamnist --to data",
    )  # fmt: skip
    parser.add_argument("name", help="collection, e.g. pneumoniamnist")
    parser.add_argument("--to", type=Path, default=Path(), help="folder for the file (default: here)")
    parser.set_defaults(handler=_command)


def _command(arguments: argparse.Namespace) -> int:
    with tqdm(unit="B", unit_scale=True, desc=arguments.name) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        path = download(arguments.name, arguments.to, show)
    print(path)
    return 0
