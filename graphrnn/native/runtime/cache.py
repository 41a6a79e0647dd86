"""Compiled libraries on disk: private, whole or absent, of bounded size, shared by processes.

An entry is a library with a SHA-256 of its name and its bytes behind it (loaders do not read that
far), in one file, so that one rename makes it: an entry under another's name is not whole. What
another user may write is never trusted.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
import time as clock
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 500_000_000
MAX_AGE = 90 * 86_400.0
"""Seconds without use after which an entry is dropped."""

LEFT_BEHIND = 3_600.0
"""Seconds after which work of a process that was killed is cleared away."""

_WORK = "graphrnn-work-"
_DIGEST = 32


def refusal(folder: Path) -> str:
    """Create the folder or make it private; return why it cannot be used, or an empty text."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        about = folder.stat()
    except OSError as error:
        return f"{folder}: {error.strerror}"
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        return f"{folder}: it belongs to another user"
    if about.st_mode & 0o022:
        return f"{folder}: others may write there"
    if about.st_mode & 0o077:
        with contextlib.suppress(OSError):  # reading along does no harm
            folder.chmod(0o700)
    return ""


def fetch(folder: Path, name: str) -> bytes | None:
    """Return an entry's library, or None where there is none or it is not whole."""
    path = folder / name
    try:
        # Not blocking: a pipe in its place would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                return None
            if about.st_uid != os.geteuid() or about.st_mode & 0o022:
                return None
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read()
        finally:
            os.close(handle)
    except OSError:
        return None
    library, digest = data[:-_DIGEST], data[-_DIGEST:]
    if not library or _digest(name, library) != digest:
        return None
    with contextlib.suppress(OSError):  # a folder that is only read
        os.utime(path)  # when it was used last
    return library


def _digest(name: str, library: bytes) -> bytes:
    """Hash an entry: its name too, so that two files that changed places are both refused."""
    return hashlib.sha256(f"{name}\0".encode() + library).digest()


def store(folder: Path, name: str, library: bytes) -> str:
    """Keep a library, so that other processes see all of it or nothing; say why it is not kept."""
    path = folder / name
    try:
        handle, work = tempfile.mkstemp(dir=folder, prefix=_WORK)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(library + _digest(name, library))
        if path.is_dir() and not path.is_symlink():
            _remove(path)  # whatever it holds, it stands where a library belongs
        Path(work).replace(path)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    finally:
        with contextlib.suppress(OSError):
            Path(work).unlink()
    trim(folder, keep=name)
    return ""


def work_folders(cache: Path | None) -> list[Path]:
    """Return the folders to work in, the best first: the cache, then those for temporary files.

    With a full disk, a read-only container or a quota, some of them may work where others fail.
    """
    named = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    named += ["/tmp", "/var/tmp", os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"]
    folders = [cache] if cache else []
    with contextlib.suppress(OSError):  # the current folder may have been removed
        folders += [Path(name) for name in [*named, str(Path.cwd())] if Path(name).is_absolute()]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Return a folder to work in, inside of another; it is removed after, or by a later process."""
    for left in folder.glob(f"{_WORK}*"):
        with contextlib.suppress(OSError):
            about = left.lstat()
            if about.st_uid == os.geteuid() and clock.time() - about.st_mtime > LEFT_BEHIND:
                _remove(left)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_WORK, ignore_cleanup_errors=True) as work:
        yield Path(work)


def trim(folder: Path, *, keep: str = "", max_bytes: int = MAX_BYTES) -> None:
    """Drop what was not used for long, then the oldest until the rest is small enough.

    A library that is loaded stays loaded: the file is not needed any more.
    """
    now, entries = clock.time(), []
    for path in folder.iterdir():
        try:
            about = path.lstat()
        except OSError:
            continue
        if path.name != keep and not path.name.startswith(_WORK):
            entries.append((about.st_mtime, about.st_size, path))
    with contextlib.suppress(OSError):
        max_bytes -= (folder / keep).stat().st_size if keep else 0
    total = sum(size for _, size, _ in entries)
    for used, size, path in sorted(entries):
        if total > max_bytes or now - used > MAX_AGE:
            _remove(path)
            total -= size


def _remove(path: Path) -> None:
    """Remove a file, or a folder of files; another process may have done it."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            for inner in path.iterdir():
                _remove(inner)
            path.rmdir()
        else:
            path.unlink()
