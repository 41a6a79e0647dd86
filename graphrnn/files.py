"""Files: atomic writing, and reading of regular files only."""

import contextlib
import errno
import os
import re
import secrets
import stat
import time as clock
from pathlib import Path

from graphrnn.errors import UserError, reason

LEFT_BEHIND = 3_600.0
"""Seconds after which a half written file is taken for that of a process that was killed."""

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)
"""What file systems say that cannot do it, and folders that may be written but not read."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically: `path` always holds all of the old bytes or all of the new ones.

    Once this returns, the new ones survive a loss of power: the file and its folder are synced.

    Raises:
        UserError: the disk is full, the folder cannot be written, …; the old file is untouched.
    """
    temporary: Path | None = None
    try:
        make_folder(path.parent)
        # "x" refuses a name that exists; the user's umask decides who may read the file.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, ValueError) as error:
        untouched = "; the file from before is untouched" if path.is_file() else ""
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise UserError(
            f"cannot write {str(path)!r}: {why}{untouched}; "
            "make room or name another folder with --out"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"cannot sync {str(path.parent)!r}: {reason(error)}") from error
    remove_scraps(path, older_than=LEFT_BEHIND)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, and sync the folder above each.

    Raises:
        OSError: it cannot be made.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder == folder.parent:
            break
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync_folder(new.parent)


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to the disk; without it a loss of power may undo a rename.

    Raises:
        OSError: the disk failed.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def remove_scraps(path: Path, *, older_than: float = 0.0) -> None:
    """Remove the partial files of processes that were killed while they wrote a file."""
    name = re.compile(re.escape(f".{path.name}.") + "[0-9a-f]{8}")
    with contextlib.suppress(OSError):
        for scrap in path.parent.iterdir():
            if name.fullmatch(scrap.name):
                with contextlib.suppress(OSError):
                    if clock.time() - scrap.lstat().st_mtime >= older_than:
                        scrap.unlink()


def kind_of(path: Path, *, links: bool = False) -> str | None:
    """Describe what lies at a path: "a file", "a folder", "a link", …; None where nothing does.

    With `links`, symbolic links are followed.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        about = path.stat() if links else path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a zero in the name
        return None
    return _KINDS.get(stat.S_IFMT(about.st_mode), "something else")


def require_kind(path: Path, needed: str, name: str) -> None:
    """Check that a path, if it exists, is of the kind that is needed.

    Raises:
        UserError: naming both.
    """
    try:
        kind = kind_of(path)
    except OSError as error:
        raise UserError(f"{name}: {reason(error)}") from error
    if kind not in (None, needed):
        raise UserError(f"{name}: {path.name!r} is {kind}, needed {needed}; remove it")


def read_file(path: Path, *, links: bool = False) -> bytes:
    """Read a regular file: reading a device or a pipe may do harm, or never end.

    Raises:
        OSError: it cannot be read.
        UserError: it is something else.
    """
    kind = kind_of(path, links=links)
    if kind is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if links else os.O_NOFOLLOW)
    if kind == "a file":
        # Between the look and the opening it may have become something else.
        with os.fdopen(os.open(path, flags), "rb") as file:
            kind = _KINDS.get(stat.S_IFMT(os.fstat(file.fileno()).st_mode), "something else")
            if kind == "a file":
                return file.read()
    raise UserError(f"{str(path)!r} is {kind}, needed a file; name another")
