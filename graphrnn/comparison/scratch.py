"""Folders for the files of one process, which a later one removes where this one was killed.

A process holds a lock on each of its folders as long as it lives; the system lets go of it however
the process ends. Numbers of processes would not do: they are used again, and containers that share
a folder have numbers of their own.
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
"""Seconds after which a folder without a lock (from before it could get one) is removed."""

_LOCK = ".lock"


def make(prefix: str) -> Path:
    """Make a folder among the system's temporary ones, and remove those of killed processes."""
    sweep(Path(tempfile.gettempdir()), prefix)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        # It stays open as long as the process lives: with it the lock would go.
        if _lock(handle) is not False and (folder / _LOCK).exists():
            return folder
        os.close(handle)  # another process took it for one that was left, and removes it


@contextlib.contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """Give such a folder for a while; it is removed after."""
    made = make(prefix)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def sweep(place: Path, prefix: str) -> None:
    """Remove our own folders of this kind that no living process holds."""
    for path in place.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            about = path.lstat()
            if stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid():
                _remove_left(path, clock.time() - about.st_mtime)


def _remove_left(path: Path, age: float) -> None:
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
    """Lock a file; False where another holds it, None on a file system that has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
