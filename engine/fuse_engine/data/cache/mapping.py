"""The bytes of a file where they lie: in the system's memory of files, not copied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

_REMOTE = frozenset(
    (
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
        "nfs4", "orangefs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs",
    )
)  # fmt: skip


def file_bytes(path: Path, size: int, local: bool) -> NDArray[np.uint8]:
    """Return the `size` bytes of a file, read-only; mapped where `local`, else read.

    The map holds no file open, and no more than the address: `mmap.mmap` would keep a file descriptor for each.

    Raises:
        OSError: when the file is shorter or cannot be read.
    """
    if local and size:
        try:
            # private: not even who writes through another view of it would reach the file
            storage = torch.UntypedStorage.from_file(str(path), False, size)
            found: NDArray[np.uint8] = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()  # type: ignore[arg-type]
        except RuntimeError:  # gone, shorter, or the process has too many maps
            found = _read(path, size)
    else:
        found = _read(path, size)
    found.flags.writeable = False
    return found


def is_local(folder: Path) -> bool:
    """Say whether a folder is on a disk of this machine; a map of a file elsewhere may end the process."""
    try:
        place = folder.resolve()
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return False
    under = [mount for mount in mounts if place.is_relative_to(mount.mountpoint)]
    if not under:
        return True
    mount = max(under, key=lambda mount: len(mount.mountpoint))
    remote = mount.fstype in _REMOTE or mount.fstype.startswith("fuse.") or "remote" in mount.opts.split(",")
    return not remote


def _read(path: Path, size: int) -> NDArray[np.uint8]:
    found = np.empty(size, np.uint8)
    with path.open("rb", buffering=0) as file:
        done = 0
        while done < size:
            count = file.readinto(found[done:].data)
            if not count:
                raise OSError("cut off")
            done += count
    return found
