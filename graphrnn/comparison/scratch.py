"""Folders for the files of one process, which a later process removes if this one was killed.

A process holds a lock on each of its folders as long as it lives; the system releases it however
the process ends. Process ids would not do: they are reused, and containers that share a folder have
ids of their own.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time as clock
from collections.abc import Iterator
from pathlib import Path

UNLOCKED = 86_400.0
"""Seconds after which a folder is removed whose process was killed before it made its lock."""

_LOCK = ".lock"


def make(prefix: str) -> Path:
    """Create a folder among the system's temporary ones, and remove those of killed processes."""
    sweep(Path(tempfile.gettempdir()), prefix)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        # It stays open as long as the process lives: closing it would release the lock.
        if _lock(handle) is not False and (folder / _LOCK).exists():
            return folder
        os.close(handle)  # another process took it for an abandoned one, and removes it


@contextlib.contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """Yield such a folder, and remove it afterwards."""
    path = make(prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path, prefix: str) -> None:
    """Remove this user's folders of this kind that no living process holds."""
    for path in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                _remove_abandoned(path, clock.time() - status.st_mtime)


def _remove_abandoned(path: Path, age: float) -> None:
    """Remove a folder unless it is in use."""
    try:
        handle = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        if age > UNLOCKED:
            shutil.rmtree(path, ignore_errors=True)
        return
    try:
        if _lock(handle):
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool | None:
    """Try to lock a file: False if another process holds it, None without support for locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
