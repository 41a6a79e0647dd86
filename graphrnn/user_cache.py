"""Folders to write in: the user's cache, for compiled modules and texts, and temporary folders."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder where compiled modules and downloads are kept: in the user's cache.

    If that cannot be written, or there is no home, it is a folder among temporary files.
    """
    try:
        folder = platformdirs.user_cache_path("graphrnn")
    except RuntimeError:  # no home
        folder = Path()
    if folder.is_absolute() and _writable(folder):
        return folder
    for place in _temporary_folders():
        instead = place / f"graphrnn-{os.geteuid()}"
        if _writable(instead) and _private(instead):
            return instead
    return folder


def require_temporary_files() -> None:
    """Set a folder for temporary files if Python finds none: SciPy needs one to be imported."""
    try:
        tempfile.gettempdir()
    except OSError:
        place = next((place for place in _temporary_folders() if _writable(place)), None)
        tempfile.tempdir = None if place is None else str(place)


def _writable(folder: Path) -> bool:
    """Create a folder, and return whether a file can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError:
        return False
    return True


def _private(folder: Path) -> bool:
    """Return whether a folder, no link, is this user's and closed to all others: its code runs."""
    about = folder.lstat()
    return stat.S_ISDIR(about.st_mode) and (about.st_uid, about.st_mode & 0o077) == (
        os.geteuid(),
        0,
    )


def _temporary_folders() -> list[Path]:
    """Return folders for temporary files; they may be the only writable ones in a container."""
    names = [os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"]
    with contextlib.suppress(OSError):
        names.insert(0, tempfile.gettempdir())
    return [folder for name in names if (folder := Path(name)).is_absolute() and folder.is_dir()]
