"""C → shared library: compiled once, kept in the user's cache, checked before it is loaded.

A library goes with the function that it was loaded for: each is some five mappings, of which a
process may have 65,530.
"""

import contextlib
import ctypes
import errno
import hashlib
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from graphrnn.native.runtime import cache
from graphrnn.native.runtime.compilers import (
    CompileError,
    ResourceError,
    Target,
    compile_c,
    compiler,
    identity,
    lacks_memory,
    suffix,
)

import platformdirs

__all__ = [
    "CompileError", "Library", "ResourceError", "Target", "cache_folder", "compiler", "key_of",
    "load", "notes",
]  # fmt: skip

T = TypeVar("T")

_PROCESS = ctypes.CDLL(None)
_PROCESS.dlclose.argtypes = [ctypes.c_void_p]

_POOL: dict[str, int] = {}
"""Where the threads' pool is, which all functions of the process share: in the first library."""

_AFTER_FORK: dict[int, Callable[[], None]] = {}
"""For each loaded library, by its handle, what makes it fit for a child of fork."""


class Library(ctypes.CDLL):
    """A loaded library; its memory is freed and it is unloaded when nothing of it is left in use.

    What is looked up in it keeps it loaded, and is not kept by it, since a cycle would wait for the
    garbage collector. The first library of a process has the threads, and stays.
    """

    def __init__(self, path: str, descriptor: int | None = None) -> None:
        super().__init__(path)
        handle = self._handle
        if handle in _AFTER_FORK:
            _PROCESS.dlclose(handle)
            raise OSError(f"{path}: the loader took it for one that is loaded already")
        pool = self["graph_pool"]
        pool.restype, pool.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        own = pool(None)
        first = _POOL.setdefault("pool", own)
        pool(first)
        _AFTER_FORK[handle] = _unbound(self["graph_after_fork"])
        free = _unbound(self["graph_free"])
        mine = () if first == own else (handle, descriptor)
        release = weakref.finalize(self, _release, free, *mine)
        release.atexit = False  # threads may still run it

    def __getattr__(self, name: str) -> Any:
        """Look a function up."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]


def _unbound(function: Any) -> Callable[[], None]:
    """Return a function of a library that does not keep it loaded."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return ctypes.CFUNCTYPE(None)(address)


def _release(
    free: Callable[[], None], handle: int | None = None, descriptor: int | None = None
) -> None:
    """Give a library's memory back, and unload it unless threads run in it."""
    free()
    if handle is not None:
        del _AFTER_FORK[handle]
        _PROCESS.dlclose(handle)
    if descriptor is not None:
        os.close(descriptor)


def _after_fork() -> None:
    """Make all libraries fit for a child of fork."""
    for mend in list(_AFTER_FORK.values()):
        mend()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def cache_folder() -> Path | None:
    """Return the folder of compiled libraries, or None where the user has no home."""
    try:
        folder = platformdirs.user_cache_path("graphrnn") / "native"
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


_NOTES: dict[str, bool] = {}
"""What is not as usual in this process, and whether it was handed out."""


def notes() -> list[str]:
    """Return each thing that is not as usual, once in a process."""
    new = [text for text, given in _NOTES.items() if not given]
    _NOTES.update(dict.fromkeys(new, True))
    return new


def _trusted_folder() -> Path | None:
    """Return the cache, or None where it is not to be used."""
    folder = cache_folder()
    why = "there is no home folder for a cache" if folder is None else cache.refusal(folder)
    if why:
        _not_kept(why)
        return None
    return folder


def _not_kept(why: str) -> None:
    """Note once that functions are compiled anew in each process."""
    if why:
        _NOTES.setdefault(f"compiled functions are not kept ({why})", False)


def key_of(source: str, target: Target = Target()) -> str:  # noqa: B008
    """Return the name that a source compiles to by a target on this machine."""
    return hashlib.sha256(f"{source}\0{identity(target)}".encode()).hexdigest()


def load(source: str, target: Target = Target()) -> Library:  # noqa: B008
    """Return the library of a source, from the cache where it is sound.

    A library has static memory of its own, so that each function needs a copy of its file: the
    loader would otherwise hand out one that is loaded already.

    Raises:
        CompileError: the compiler refused it, or the system refuses to load it.
        ResourceError: there is no room or no memory for it, or the compiler was ended.
    """
    name = key_of(source, target) + suffix()
    folder = _trusted_folder()
    cached = cache.fetch(folder, name) if folder else None
    if cached is not None:
        # Whole, but perhaps made where the system's own libraries are newer.
        with contextlib.suppress(CompileError):
            return _load_copy(cached, folder)
    data = _compile(source, folder, target)
    if folder:
        _not_kept(cache.store(folder, name, data))
    return _load_copy(data, folder)


class _NowhereError(Exception):
    """What each folder said that was tried."""

    def __init__(self, refused: dict[Path, OSError]) -> None:
        self.errors = list(refused.values())
        by_reason: dict[str, list[str]] = {}
        for place, error in refused.items():
            by_reason.setdefault(error.strerror or str(error), []).append(str(place))
        super().__init__("; ".join(f"{', '.join(p)}: {reason}" for reason, p in by_reason.items()))


def _somewhere(folder: Path | None, attempt: Callable[[Path], T]) -> T:
    """Do something in a folder of its own, in the first place where it can be done.

    Raises:
        _NowhereError: there is none.
    """
    refused: dict[Path, OSError] = {}
    for place in cache.work_folders(folder):
        try:
            with cache.workplace(place) as work:
                return attempt(work)
        except OSError as error:
            refused[place] = error
    raise _NowhereError(refused)


def _compile(source: str, folder: Path | None, target: Target) -> bytes:
    """Compile a source and give the library's bytes."""

    def attempt(work: Path) -> bytes:
        c_file, library = work / "graph.c", work / f"graph{suffix()}"
        c_file.write_text(source, encoding="utf-8")
        compile_c(c_file, library, target)
        return library.read_bytes()

    try:
        return _somewhere(folder, attempt)
    except _NowhereError as error:
        raise ResourceError(
            f"no folder to compile in ({error}); make room, or set TMPDIR to a folder that has it"
        ) from error


def _load_copy(data: bytes, folder: Path | None) -> Library:
    """Load a library from a file that is removed at once: the mapping stays.

    A system may forbid running code from its folders of temporary files.
    """

    def attempt(work: Path) -> Library:
        path = work / f"graph{suffix()}"
        path.write_bytes(data)
        return Library(str(path))

    try:
        return _somewhere(folder, attempt)
    except _NowhereError as error:
        with contextlib.suppress(OSError):
            return _from_memory(data)
        text = f"the compiled function cannot be loaded ({error}); set TMPDIR elsewhere"
        # Errors of the loader have no number.
        refused = all(e.errno is None and not lacks_memory(str(e)) for e in error.errors)
        raise (CompileError if error.errors and refused else ResourceError)(text) from error


def _from_memory(data: bytes) -> Library:
    """Load a library from memory that is no file of any folder, as Linux allows."""
    if not hasattr(os, "memfd_create"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    handle = os.memfd_create("graph")
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
        # Open for as long as it is loaded: the loader tells libraries apart by their paths.
        return Library(f"/proc/self/fd/{handle}", handle)
    except BaseException:
        os.close(handle)
        raise
